// SPDX-License-Identifier: Apache-2.0
#include "trainer/muon.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"
#include "trainer/gemm.h"

namespace ddl {
namespace muon_test {

using testing::HasSubstr;

// Row-major, in double.
struct Matrix {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<double> values;

  Matrix(std::size_t r, std::size_t c) : rows(r), cols(c), values(r * c) {}
  double& operator()(std::size_t r, std::size_t c) { return values[r * cols + c]; }
  double operator()(std::size_t r, std::size_t c) const { return values[r * cols + c]; }
};

Matrix Product(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows, b.cols);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t k = 0; k < a.cols; ++k)
      for (std::size_t j = 0; j < b.cols; ++j)
        c(i, j) += a(i, k) * b(k, j);
  return c;
}

Matrix Transposed(const Matrix& a) {
  Matrix t(a.cols, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.cols; ++j)
      t(j, i) = a(i, j);
  return t;
}

Matrix Mixed(double x, const Matrix& a, double y, const Matrix& b) {
  Matrix c(a.rows, a.cols);
  for (std::size_t i = 0; i < c.values.size(); ++i)
    c.values[i] = x * a.values[i] + y * b.values[i];
  return c;
}

double NormOf(const Matrix& a) {
  double squares = 0.0;
  for (const double value : a.values)
    squares += value * value;
  return std::sqrt(squares);
}

// Jordan's zeropower_via_newtonschulz5, line by line, for a matrix [outputs, inputs].
Matrix ReferenceOrthogonalised(const Matrix& g) {
  constexpr double kA = 3.4445;
  constexpr double kB = -4.7750;
  constexpr double kC = 2.0315;
  const Matrix scaled = Mixed(1.0 / (NormOf(g) + 1e-7), g, 0.0, g);
  Matrix x = g.rows > g.cols ? Transposed(scaled) : scaled;
  for (int step = 0; step < 5; ++step) {
    const Matrix a = Product(x, Transposed(x));
    const Matrix b = Mixed(kB, a, kC, Product(a, a));
    x = Mixed(kA, x, 1.0, Product(b, x));
  }
  return g.rows > g.cols ? Transposed(x) : x;
}

Matrix Drawn(std::size_t rows, std::size_t cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Matrix matrix(rows, cols);
  for (double& value : matrix.values)
    value = static_cast<double>(static_cast<float>(normal(random)));
  return matrix;
}

// Of the matrix, by one-sided Jacobi rotations of its columns.
std::vector<double> SingularValues(Matrix a) {
  if (a.rows < a.cols) a = Transposed(a);
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (std::size_t p = 0; p + 1 < a.cols; ++p) {
      for (std::size_t q = p + 1; q < a.cols; ++q) {
        double pp = 0.0;
        double qq = 0.0;
        double pq = 0.0;
        for (std::size_t i = 0; i < a.rows; ++i) {
          pp += a(i, p) * a(i, p);
          qq += a(i, q) * a(i, q);
          pq += a(i, p) * a(i, q);
        }
        if (std::abs(pq) < 1e-15 * std::sqrt(pp * qq)) continue;
        const double angle = 0.5 * std::atan2(2.0 * pq, pp - qq);
        for (std::size_t i = 0; i < a.rows; ++i) {
          const double x = a(i, p);
          const double y = a(i, q);
          a(i, p) = std::cos(angle) * x + std::sin(angle) * y;
          a(i, q) = -std::sin(angle) * x + std::cos(angle) * y;
        }
      }
    }
  }
  std::vector<double> values;
  for (std::size_t j = 0; j < a.cols; ++j) {
    double squares = 0.0;
    for (std::size_t i = 0; i < a.rows; ++i)
      squares += a(i, j) * a(i, j);
    values.push_back(std::sqrt(squares));
  }
  std::ranges::sort(values);
  return values;
}

// A matrix as a plan keeps it, and back.
std::vector<float> Padded(const Matrix& a) {
  std::vector<float> floats(a.rows * PaddedWidth(a.cols));
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.cols; ++j)
      floats[i * PaddedWidth(a.cols) + j] = static_cast<float>(a(i, j));
  return floats;
}

Matrix Unpadded(std::size_t rows, std::size_t cols, const float* floats) {
  Matrix a(rows, cols);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j)
      a(i, j) = static_cast<double>(floats[i * PaddedWidth(cols) + j]);
  return a;
}

Matrix OrthogonalisedByUs(const Matrix& a) {
  std::vector<float> floats = Padded(a);
  const std::size_t side = std::min(a.rows, a.cols);
  std::vector<float> product(floats.size(), 9.0F);
  std::vector<float> gram(side * PaddedWidth(side), 9.0F);
  std::vector<float> square(gram);
  Orthogonalise({.rows = a.rows, .cols = a.cols},
                {.product = product.data(), .gram = gram.data(), .square = square.data()},
                floats.data());
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = a.cols; j < PaddedWidth(a.cols); ++j)
      EXPECT_EQ(floats[i * PaddedWidth(a.cols) + j], 0.0F) << "padding";
  return Unpadded(a.rows, a.cols, floats.data());
}

double Difference(const Matrix& a, const Matrix& b) {
  double most = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    most = std::max(most, std::abs(a.values[i] - b.values[i]));
  return most;
}

class MuonShapes : public testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

// Ours are [inputs, outputs], the reference's the other way round.
TEST_P(MuonShapes, AreOrthogonalisedAsTheReferenceDoes) {
  const auto [rows, cols] = GetParam();
  const Matrix g = Drawn(rows, cols, 3);
  const Matrix expected = Transposed(ReferenceOrthogonalised(Transposed(g)));
  EXPECT_LT(Difference(OrthogonalisedByUs(g), expected), 2e-5);
}

// The authors' claim: singular values end in [0.7, 1.2] or close to it.
TEST_P(MuonShapes, EndWithSingularValuesNearOne) {
  const auto [rows, cols] = GetParam();
  const std::vector<double> values = SingularValues(OrthogonalisedByUs(Drawn(rows, cols, 5)));
  EXPECT_GT(values.front(), 0.65);
  EXPECT_LT(values.back(), 1.21);
}

INSTANTIATE_TEST_SUITE_P(Muon, MuonShapes,
                         testing::Values(std::pair(40, 17), std::pair(17, 40), std::pair(64, 16),
                                         std::pair(9, 3), std::pair(1, 5)));

// Of a diagonal matrix the outcome is the polynomial's, applied five times to each entry.
TEST(Muon, ADiagonalFollowsThePolynomial) {
  const std::vector<double> entries{0.9, 0.3, 0.05, 0.004, 0.0};
  Matrix a(5, 5);
  for (std::size_t i = 0; i < 5; ++i)
    a(i, i) = entries[i];
  const Matrix result = OrthogonalisedByUs(a);
  for (std::size_t i = 0; i < 5; ++i) {
    double x = entries[i] / NormOf(a);
    for (int step = 0; step < 5; ++step)
      x = 3.4445 * x - 4.7750 * x * x * x + 2.0315 * x * x * x * x * x;
    EXPECT_NEAR(result(i, i), x, 1e-5) << entries[i];
  }
  EXPECT_NEAR(result(0, 1), 0.0, 1e-6);
}

TEST(Muon, NothingStaysNothing) {
  EXPECT_EQ(NormOf(OrthogonalisedByUs(Matrix(4, 6))), 0.0);
}

// A parameter alone in an arena, moved along given gradients.
class LoneMatrix {
 public:
  LoneMatrix(std::size_t rows, std::size_t cols) {
    const std::size_t side = std::min(rows, cols);
    const auto place = [this](std::size_t r, std::size_t c) {
      const Tensor tensor{.offset = floats_.size(), .rows = r, .cols = c};
      floats_.resize(floats_.size() + tensor.Floats());
      return tensor;
    };
    parameter_.value = place(rows, cols);
    parameter_.first = place(rows, cols);
    parameter_.gradient = place(rows, cols);
    parameter_.orthogonal = {place(rows, cols), place(side, side), place(side, side)};
  }

  Matrix Step(const OptimizerSettings& settings, double lr, const Matrix& gradient) {
    LaneRun run{.block = floats_.data(), .rule = RuleAt(settings, lr, 1)};
    std::ranges::copy(Padded(gradient), run.At(parameter_.gradient));
    UpdateWhole(parameter_, run);
    return Unpadded(gradient.rows, gradient.cols, run.At(parameter_.value));
  }
  void Set(const Matrix& value) { std::ranges::copy(Padded(value), floats_.begin()); }

 private:
  std::vector<float> floats_;
  ModelParameter parameter_;
};

TEST(Muon, StepsAreThoseOfTheReference) {
  for (const bool is_nesterov : {false, true}) {
    for (const auto& [rows, cols] : {std::pair(12U, 30U), std::pair(30U, 12U)}) {
      const OptimizerSettings settings{.kind = OptimizerKind::kMuon,
                                       .lr = 0.02,
                                       .momentum = 0.9,
                                       .is_nesterov = is_nesterov,
                                       .weight_decay = 0.1};
      Matrix weight = Drawn(rows, cols, 1);
      Matrix velocity(rows, cols);
      LoneMatrix ours(rows, cols);
      ours.Set(weight);
      for (unsigned step = 0; step < 3; ++step) {
        const Matrix gradient = Drawn(rows, cols, 10 + step);
        velocity = Mixed(0.9, velocity, 1.0, gradient);
        const Matrix direction = is_nesterov ? Mixed(1.0, gradient, 0.9, velocity) : velocity;
        const Matrix straight = Transposed(ReferenceOrthogonalised(Transposed(direction)));
        const double widening =
            std::sqrt(std::max(1.0, static_cast<double>(cols) / static_cast<double>(rows)));
        weight = Mixed(1.0 - 0.02 * 0.1, weight, -0.02 * widening, straight);
        EXPECT_LT(Difference(ours.Step(settings, 0.02, gradient), weight), 2e-6) << step;
      }
    }
  }
}

// Five iterations of one product for the smaller square, its own square, and one for the matrix.
TEST(Muon, ItsProductsAreAccountedFor) {
  ModelParameter parameter;
  parameter.value = {.offset = 0, .rows = 784, .cols = 256};
  EXPECT_EQ(OrthogonalFlops(parameter), 0.0) << "moved otherwise";
  EXPECT_EQ(OrthogonalBytes(parameter), 0.0);
  parameter.orthogonal = {.product = parameter.value,
                          .gram = {.offset = 0, .rows = 256, .cols = 256},
                          .square = {.offset = 0, .rows = 256, .cols = 256}};
  EXPECT_EQ(OrthogonalFlops(parameter), 5.0 * (2 * 2.0 * 784 * 256 * 256 + 2.0 * 256 * 256 * 256));
  EXPECT_EQ(OrthogonalBytes(parameter), 5.0 * 4.0 * (6.0 * 784 * 256 + 7.0 * 256 * 256));
}

TEST(Muon, TheScheduleMovesBothRatesAlike) {
  const OptimizerSettings settings{.kind = OptimizerKind::kMuon, .lr = 0.02, .adam_lr = 0.001};
  const UpdateRule rule = RuleAt(settings, 0.005, 1);
  EXPECT_EQ(rule.kind, OptimizerKind::kAdamW);
  EXPECT_FLOAT_EQ(rule.matrix_lr, 0.005F);
  EXPECT_FLOAT_EQ(rule.lr, 0.00025F);
}

TrainerConfig MuonConfig(const std::string& model, const std::string& changes = "{}") {
  Json mapping = ParseJson(R"({"data": "blobs", "epochs": 4, "batch_size": 16,
      "optimizer": {"type": "muon", "adam_lr": 0.01}})",
                           "test");
  mapping["model"] = ParseJson(model, "test");
  Override(mapping, ParseJson(changes, "test"));
  return ReadTrainerConfig(mapping);
}

constexpr const char* kMlp = R"({"type": "mlp", "hidden": [9, 7]})";
constexpr const char* kCnn =
    R"({"type": "cnn", "image": [2, 3, 1], "norm": "batch", "layers": "5c3-r5-ga"})";

std::vector<std::string> StateNames(const std::string& model) {
  const TrainerFolder folder;
  Session session{.config = MuonConfig(model), .folder = folder.Path()};
  session.Run();
  const auto read = ReadCheckpoint(folder.Path() / "best.ckpt");
  std::vector<std::string> names;
  for (const NamedTensor& named : std::get<Checkpoint>(read).header.tensors)
    names.push_back(named.name);
  return names;
}

TEST(Muon, MovesHiddenMatricesAndLeavesTheRestToAdamW) {
  EXPECT_THAT(StateNames(kMlp),
              testing::ElementsAre("weight1", "weight1.first", "bias1", "bias1.first",
                                   "bias1.second", "weight2", "weight2.first", "bias2",
                                   "bias2.first", "bias2.second", "weight3", "weight3.first",
                                   "weight3.second", "bias3", "bias3.first", "bias3.second"));
  const std::vector<std::string> cnn = StateNames(kCnn);
  EXPECT_THAT(cnn, testing::Contains("weight1.first"));
  EXPECT_THAT(cnn, testing::Not(testing::Contains("weight1.second")));
  EXPECT_THAT(cnn, testing::Contains("scale1.second"));
}

TEST(Muon, LearnsAndContinuesBitForBit) {
  for (const char* model : {kMlp, kCnn}) {
    for (const char* changes : {"{}", R"({"clip_norm": 0.5, "ema_decay": 0.5})"}) {
      const TrainerConfig config = MuonConfig(model, changes);
      Session whole{.config = config};
      whole.Run();
      EXPECT_GT(ParseJson(whole.lines[3], "line")["val_accuracy"].get<double>(), 0.6) << model;
      const TrainerFolder folder;
      Session before{.config = config, .folder = folder.Path(), .stop_after_steps = 10};
      before.Run();
      Session after{.config = config, .folder = folder.Path()};
      after.Run();
      EXPECT_EQ(after.state, whole.state) << model << changes;
    }
  }
}

TEST(Muon, RefusesWhatHasNoHiddenMatrixAndUnknownKeys) {
  const auto complaint = [](const std::string& model, const std::string& changes) {
    try {
      (void)MuonConfig(model, changes);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(complaint(R"({"type": "softmax"})", "{}"),
              HasSubstr("optimizer.type: muon without a hidden matrix"));
  EXPECT_THAT(complaint(R"({"type": "cnn", "layers": "p-ga"})", "{}"),
              HasSubstr("muon without a hidden matrix"));
  EXPECT_THAT(complaint(kMlp, R"({"optimizer.lr": 0})"), HasSubstr("optimizer.lr"));
  EXPECT_THAT(complaint(kMlp, R"({"optimizer": {"type": "adam", "adam_lr": 1}})"),
              HasSubstr("optimizer.adam_lr: unknown key"));
  EXPECT_THAT(complaint(kMlp, R"({"optimizer.momentum": 1})"), HasSubstr("optimizer.momentum"));
}

}  // namespace muon_test
}  // namespace ddl
