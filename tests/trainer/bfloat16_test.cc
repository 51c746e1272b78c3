// SPDX-License-Identifier: Apache-2.0
// Rounding to bfloat16, its products, and models that are trained by them.
#include "trainer/bfloat16.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/trainer/reference_network.h"
#include "trainer/bfloat16_gemm.h"
#include "trainer/plan.h"

namespace ddl {
namespace bfloat16_test {

using testing::HasSubstr;

float Widened(Bfloat16 value) {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16U);
}

float Rounded(float value) {
  Bfloat16 to;
  RoundToBfloat16(1, &value, &to);
  return Widened(to);
}

TEST(Bfloat16, HasEightBitsOfMantissaTheFirstOfThemHidden) {
  EXPECT_EQ(Rounded(1.0F), 1.0F);
  EXPECT_EQ(Rounded(-1.0078125F), -1.0078125F);  // 1 + 2^-7
  EXPECT_EQ(Rounded(1.005F), 1.0078125F);
  EXPECT_EQ(Rounded(0.1F), 0.10009765625F);
}

TEST(Bfloat16, IsRoundedToEvenInTheMiddle) {
  EXPECT_EQ(Rounded(1.00390625F), 1.0F);       // 1 + 2^-8, between 1 and 1 + 2^-7
  EXPECT_EQ(Rounded(1.01171875F), 1.015625F);  // between 1 + 2^-7 and 1 + 2^-6
}

TEST(Bfloat16, KeepsWhatIsNoNumberAndWhatIsTooLarge) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Rounded(kInfinity), kInfinity);
  EXPECT_EQ(Rounded(-std::numeric_limits<float>::max()), -kInfinity);
  EXPECT_TRUE(std::isnan(Rounded(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(Rounded(std::bit_cast<float>(0x7F800001U))));  // payload in the lower half
  EXPECT_TRUE(std::isnan(Rounded(std::bit_cast<float>(0xFFFFFFFFU))));
}

TEST(Bfloat16, IsRefusedWhereTheProcessorCannotMultiplyIt) {
  EXPECT_NO_THROW(CheckPrecision(Precision::kFloat32, false));
  EXPECT_NO_THROW(CheckPrecision(Precision::kBfloat16, true));
  try {
    CheckPrecision(Precision::kBfloat16, false);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("precision: this processor cannot multiply bfloat16"));
    EXPECT_THAT(error.what(), HasSubstr("precision: float32"));
    EXPECT_EQ(error.Kind(), ErrorKind::kUsage);
  }
}

class Bfloat16Products : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasBfloat16Products()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  }
};

// Rows of random numbers, `stride` apart, what lies between them included.
std::vector<Bfloat16> RandomNumbers(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values)
    value = normal(random);
  std::vector<Bfloat16> numbers(count);
  RoundToBfloat16(count, values.data(), numbers.data());
  return numbers;
}

struct ProductCase {
  GemmShape shape;
  bool is_a_transposed = false;
  bool is_b_transposed = false;
};

// Against sums in double. Products of bfloat16 are exact in float32; their sums are not.
void ExpectProduct(const ProductCase& at) {
  const GemmShape& s = at.shape;
  const Bfloat16Operand a_shape{nullptr, (at.is_a_transposed ? s.rows : s.inner) + 3,
                                at.is_a_transposed};
  const Bfloat16Operand b_shape{nullptr, (at.is_b_transposed ? s.inner : s.cols) + 5,
                                at.is_b_transposed};
  const auto a = RandomNumbers(a_shape.stride * (at.is_a_transposed ? s.inner : s.rows), 1);
  const auto b = RandomNumbers(b_shape.stride * (at.is_b_transposed ? s.cols : s.inner), 2);
  const std::size_t c_stride = s.cols + 2;
  std::vector<float> c(s.rows * c_stride, -7.0F);
  Bfloat16Gemm products;
  products.Multiply(s, {a.data(), a_shape.stride, at.is_a_transposed},
                    {b.data(), b_shape.stride, at.is_b_transposed}, c.data(), c_stride);
  const auto element = [](const std::vector<Bfloat16>& of, const Bfloat16Operand& shape,
                          std::size_t row, std::size_t col) {
    if (shape.is_transposed) std::swap(row, col);
    return static_cast<double>(Widened(of[row * shape.stride + col]));
  };
  for (std::size_t row = 0; row < s.rows; ++row) {
    for (std::size_t col = 0; col < s.cols; ++col) {
      double sum = 0.0;
      for (std::size_t k = 0; k < s.inner; ++k)
        sum += element(a, a_shape, row, k) * element(b, b_shape, k, col);
      ASSERT_NEAR(c[row * c_stride + col], sum, 1e-5 * static_cast<double>(s.inner))
          << row << ", " << col;
    }
    EXPECT_EQ(c[row * c_stride + s.cols], -7.0F) << "wrote beside the result";
  }
}

TEST_F(Bfloat16Products, AreThoseOfTheRoundedNumbers) {
  for (const GemmShape shape :
       {GemmShape{1, 1, 1}, GemmShape{7, 16, 5}, GemmShape{33, 10, 64}, GemmShape{128, 48, 129}}) {
    ExpectProduct({shape});
    ExpectProduct({shape, true, false});
    ExpectProduct({shape, false, true});
    ExpectProduct({shape, true, true});
  }
}

// The gradient of a whole model in a precision, padding left out.
std::vector<double> GradientOf(ModelShape shape, Precision precision) {
  shape.precision = precision;
  Plan plan(shape, {{.seed = 5, .optimizer = {.lr = 0.0}}});
  FillLane(plan, 0, 11);
  plan.SetStep(0, shape.batch, 1, 0.0);
  plan.Step();
  std::vector<double> gradient;
  ForEachParameter(plan.Compiled().stages, [&](const ModelParameter& parameter) {
    const float* from = plan.LaneBlock(0) + parameter.gradient.offset;
    for (std::size_t row = 0; row < parameter.value.rows; ++row) {
      for (std::size_t col = 0; col < parameter.value.cols; ++col)
        gradient.push_back(from[row * parameter.gradient.Stride() + col]);
    }
  });
  return gradient;
}

// |a - b| / |b| of the whole vectors.
double Distance(const std::vector<double>& a, const std::vector<double>& b) {
  double apart = 0.0;
  double length = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    apart += (a[i] - b[i]) * (a[i] - b[i]);
    length += b[i] * b[i];
  }
  return std::sqrt(apart / length);
}

struct ModelCase {
  std::string name;
  std::vector<Layer> layers;
  std::optional<ImageShape> image = std::nullopt;
};

class Bfloat16Model : public testing::TestWithParam<ModelCase> {};

// float32 matches finite differences (plan_gradient_test), so bfloat16 has to lie near it: each
// number is rounded by at most 2^-9 of itself, and errors of many average out.
TEST_P(Bfloat16Model, HasTheGradientOfFloat32ButForRounding) {
  if (!HasBfloat16Products()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  const ModelCase& at = GetParam();
  const ModelShape shape{.batch = 48,
                         .features = at.image ? at.image->size.Pixels() * at.image->channels : 24,
                         .image = at.image,
                         .classes = 5,
                         .layers = at.layers,
                         .keeps_gradients = true};
  const std::vector<double> whole = GradientOf(shape, Precision::kFloat32);
  const std::vector<double> rounded = GradientOf(shape, Precision::kBfloat16);
  const double distance = Distance(rounded, whole);
  EXPECT_LT(distance, 0.03);
  EXPECT_GT(distance, 1e-5) << "nothing was rounded";
  EXPECT_EQ(rounded, GradientOf(shape, Precision::kBfloat16)) << "the same bits";
}

ImageShape Square(std::size_t size, std::size_t channels) {
  return {.size = {.height = size, .width = size}, .channels = channels};
}

INSTANTIATE_TEST_SUITE_P(
    Models, Bfloat16Model,
    testing::Values(ModelCase{"softmax", {}},
                    ModelCase{"perceptron", DenseLayers({40, 17}, Activation::kTanh, false)},
                    ModelCase{"gelu", DenseLayers({40, 16}, Activation::kGelu, false)},
                    ModelCase{"images", ParseLayers("6c3-p-20c3-fc30", {}), Square(8, 1)},
                    ModelCase{"padded_images", ParseLayers("6c3-6c3-ga", {}), Square(5, 3)},
                    ModelCase{"residual", ParseLayers("4c3-r8s2-ga", {.has_norm = true}),
                              Square(8, 3)},
                    ModelCase{"text", TransformerLayers(1, 2, 32, false)}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace bfloat16_test
}  // namespace ddl
