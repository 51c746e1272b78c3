// SPDX-License-Identifier: Apache-2.0
// One trainer on one core, MLP 784-256-128-10, batch 128, SGD with momentum, float32, rows gathered
// from a data set as a training does: samples a second beside the arithmetic limit of the core,
// measured in the same rounds. `--json` for programs, `--rounds N` (default 5), `--stages` adds the
// time of each stage. The limit is the best rate of one large square product (1024³) and of the
// net's own seven products, whichever is higher.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "trainer/config.h"
#include "trainer/dataset.h"
#include "trainer/gemm.h"
#include "trainer/initial_weights.h"
#include "trainer/task.h"
#include "trainer/training.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  bool json = false;
  bool stages = false;
  int rounds = 5;
};

struct Product {
  ddl::GemmShape shape;
  bool a_transposed = false;
  bool b_transposed = false;
};

// The products of one step: forward, gradient of inputs (not of the first layer), of weights.
std::vector<Product> StepProducts(std::size_t batch) {
  constexpr std::size_t kWidths[] = {784, 256, 128, 16};  // 10 classes, padded to a cache line
  std::vector<Product> products;
  for (std::size_t i = 0; i < 3; ++i) {
    products.push_back({{batch, kWidths[i + 1], kWidths[i]}});
    if (i > 0) products.push_back({{batch, kWidths[i], kWidths[i + 1]}, false, true});
    products.push_back({{kWidths[i], kWidths[i + 1], batch}, true, false});
  }
  return products;
}

double Flops(const ddl::GemmShape& shape) {
  return 2.0 * static_cast<double>(shape.rows) * static_cast<double>(shape.cols) *
         static_cast<double>(shape.inner);
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of the products one after the other, `repeat` times; in flop/s.
double GemmRate(const std::vector<Product>& products, int repeat) {
  constexpr std::size_t kMost = std::size_t{1024} * 1024;
  const std::vector<float> a(kMost, 0.5F);
  const std::vector<float> b(kMost, 0.25F);
  std::vector<float> c(kMost);
  double flops = 0.0;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < repeat; ++i) {
    for (const Product& product : products) {
      const ddl::GemmShape& s = product.shape;
      ddl::Gemm(s,
                {.at = a.data(),
                 .stride = product.a_transposed ? s.rows : s.inner,
                 .is_transposed = product.a_transposed},
                {.at = b.data(),
                 .stride = product.b_transposed ? s.inner : s.cols,
                 .is_transposed = product.b_transposed},
                c.data(), s.cols);
      flops += Flops(s);
    }
  }
  return flops / SecondsSince(start);
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

ddl::TrainerConfig Config() {
  return ddl::ReadTrainerConfig(ddl::ParseJson(
      R"({"data": "fashion-mnist", "validation": 0, "batch_size": 128, "drop_last": true,
          "model": {"type": "mlp", "hidden": [256, 128]},
          "optimizer": {"type": "sgd", "momentum": 0.9, "lr": 0.05}})",
      "benchmark"));
}

// A training's inner loop over one epoch.
class Epoch {
 public:
  Epoch(const ddl::TrainerConfig& config, const ddl::TrainingBatches& batches)
      : config_(config),
        batches_(batches),
        order_(batches.order(0)),
        plan_(ddl::ShapeOf(config, batches), {ddl::LaneOf(config, batches)}) {
    ddl::InitialiseWeights(plan_.Compiled(), config.model.init, 0, plan_.LaneBlock(0));
  }

  // Samples a second.
  double Run() {
    const std::size_t steps = batches_.train.rows / config_.batch_size;
    const Clock::time_point start = Clock::now();
    for (std::size_t i = 0; i < steps; ++i) {
      Load(i);
      plan_.Step();
    }
    return static_cast<double>(steps * config_.batch_size) / SecondsSince(start);
  }

  // Microseconds of each stage in a step, the gather among them.
  std::map<std::string, double> Stages() {
    constexpr std::size_t kSteps = 200;
    std::map<std::string, double> spent;
    for (std::size_t i = 0; i < kSteps; ++i) {
      Clock::time_point start = Clock::now();
      Load(i);
      spent["gather"] += SecondsSince(start);
      for (const ddl::Call& call : plan_.StepCalls()) {
        start = Clock::now();
        call.run();
        spent[fmt::format("{} {} {}", call.what, call.stage, call.number)] += SecondsSince(start);
      }
    }
    for (auto& [stage, seconds] : spent) {
      seconds *= 1e6 / kSteps;
    }
    return spent;
  }

 private:
  void Load(std::size_t step) {
    batches_.train.load(order_(step * config_.batch_size, config_.batch_size), plan_.Batch(0));
    plan_.SetStep(0, config_.batch_size, ++iteration_, config_.optimizer.lr);
  }

  const ddl::TrainerConfig& config_;
  const ddl::TrainingBatches& batches_;
  ddl::RowOrder order_;
  ddl::Plan plan_;
  std::uint64_t iteration_ = 0;
};

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") options.json = true;
    if (word == "--stages") options.stages = true;
    if (word == "--rounds" && i + 1 < argc) options.rounds = std::max(1, std::atoi(argv[++i]));
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ReadOptions(argc, argv);
  ddl::PinArithmetic(1);
  const ddl::TrainerConfig config = Config();
  const ddl::Dataset dataset = ddl::LoadDataset(config.data, ddl::DataPathsFromEnvironment());
  const ddl::TrainingBatches batches = ddl::MakeBatches(config, dataset);
  Epoch epoch(config, batches);
  const std::vector<Product> own = StepProducts(config.batch_size);
  double flops_per_sample = 0.0;  // without the padding of the last layer
  for (const Product& product : own) {
    flops_per_sample += Flops(product.shape) / static_cast<double>(config.batch_size);
  }
  flops_per_sample -= 2.0 * 3.0 * 128.0 * 6.0;

  std::vector<double> square;
  std::vector<double> shaped;
  std::vector<double> samples;
  for (int round = 0; round < options.rounds; ++round) {
    square.push_back(GemmRate({{{1024, 1024, 1024}}}, 20));
    shaped.push_back(GemmRate(own, 300));
    samples.push_back(epoch.Run());
  }
  const double limit = std::max(Median(square), Median(shaped));
  const double rate = Median(samples);
  const double share = rate * flops_per_sample / limit;
  if (options.json) {
    fmt::print(R"({{"benchmark": "trainer step", "arithmetic": "{}", "samples_per_s": {:.0f}, )"
               R"("gemm_1024_gflops": {:.1f}, "gemm_own_shapes_gflops": {:.1f}, )"
               R"("limit_samples_per_s": {:.0f}, "share_of_limit": {:.3f}}})"
               "\n",
               ddl::DescribeArithmetic(), rate, Median(square) / 1e9, Median(shaped) / 1e9,
               limit / flops_per_sample, share);
  } else {
    fmt::print("trainer step, one core, {} (median of {})\n", ddl::DescribeArithmetic(),
               options.rounds);
    fmt::print("  samples/s  product 1024^3  own products  limit samples/s  share of limit\n");
    fmt::print("  {:>9.0f}  {:>10.1f} GF/s  {:>7.1f} GF/s  {:>15.0f}  {:>13.1f}%\n", rate,
               Median(square) / 1e9, Median(shaped) / 1e9, limit / flops_per_sample, 100 * share);
  }
  if (!options.stages) return 0;
  for (const auto& [stage, microseconds] : epoch.Stages()) {
    fmt::print("  {:<24} {:>8.1f} us\n", stage, microseconds);
  }
  return 0;
}
