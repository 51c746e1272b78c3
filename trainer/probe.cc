// SPDX-License-Identifier: Apache-2.0
#include "trainer/probe.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include "trainer/activation_kernels.h"
#include "trainer/bfloat16_gemm.h"

namespace ddl {

namespace {

// Processor time of this thread: what a core reaches does not depend on whose turn it is.
double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  constexpr double kNanosecond = 1e-9;
  return static_cast<double>(now.tv_sec) + kNanosecond * static_cast<double>(now.tv_nsec);
}

double FlopsOf(const GemmShape& shape) {
  return 2.0 * static_cast<double>(shape.rows) * static_cast<double>(shape.cols) *
         static_cast<double>(shape.inner);
}

// Operands large enough for any of the products.
class Operands {
 public:
  explicit Operands(std::span<const ProbeProduct> products) {
    std::size_t most = 0;
    for (const ProbeProduct& product : products) {
      const GemmShape& s = product.shape;
      most = std::max({most, s.rows * s.cols, s.rows * s.inner, s.inner * s.cols});
    }
    a_.assign(most, 0.5F);
    b_.assign(most, 0.25F);
    c_.assign(most, 0.0F);
    a_copy_.resize(most);
    b_copy_.resize(most);
    RoundToBfloat16(most, a_.data(), a_copy_.data());
    RoundToBfloat16(most, b_.data(), b_copy_.data());
  }

  void Multiply(Precision precision, const ProbeProduct& product) {
    const GemmShape& s = product.shape;
    const std::size_t a_stride = product.is_a_transposed ? s.rows : s.inner;
    const std::size_t b_stride = product.is_b_transposed ? s.inner : s.cols;
    if (precision == Precision::kFloat32) {
      return Gemm(s, {a_.data(), a_stride, product.is_a_transposed},
                  {b_.data(), b_stride, product.is_b_transposed}, c_.data(), s.cols);
    }
    bfloat16_.Multiply(s, {a_copy_.data(), a_stride, product.is_a_transposed},
                       {b_copy_.data(), b_stride, product.is_b_transposed}, c_.data(), s.cols);
  }

 private:
  std::vector<float> a_;
  std::vector<float> b_;
  std::vector<float> c_;
  std::vector<Bfloat16> a_copy_;
  std::vector<Bfloat16> b_copy_;
  Bfloat16Gemm bfloat16_;
};

// The best of `turns` measurements by `measure`.
template <class Function>
double BestOf(int turns, Function measure) {
  double best = 0.0;
  for (int turn = 0; turn < turns; ++turn) {
    best = std::max(best, measure());
  }
  return best;
}

}  // namespace

double ProductRate(Precision precision, std::span<const ProbeProduct> products,
                   std::chrono::duration<double> time) {
  Operands operands(products);
  for (const ProbeProduct& product : products) {
    operands.Multiply(precision, product);  // generates kernels, touches memory
  }
  double flops = 0.0;
  const double start = Seconds();
  do {
    for (const ProbeProduct& product : products) {
      operands.Multiply(precision, product);
      flops += FlopsOf(product.shape);
    }
  } while (Seconds() - start < time.count());
  return flops / (Seconds() - start);
}

double MemoryRate(std::chrono::duration<double> time) {
  constexpr std::size_t kFloats = std::size_t{16} << 20U;
  const std::vector<float> values(kFloats, 1.0F);
  std::vector<float> sum(kFloats);
  double bytes = 0.0;
  const double start = Seconds();
  do {
    AddElements(kFloats, values.data(), sum.data());
    bytes += 3.0 * sizeof(float) * static_cast<double>(kFloats);
  } while (Seconds() - start < time.count());
  return bytes / (Seconds() - start);
}

MachineLimits MeasureLimits() {
  using std::chrono::milliseconds;
  constexpr int kTurns = 5;
  constexpr ProbeProduct kSquare{.shape = {.rows = 1024, .cols = 1024, .inner = 1024}};
  const auto rate = [&](Precision precision) {
    return BestOf(kTurns, [&] { return ProductRate(precision, {&kSquare, 1}, milliseconds(60)); });
  };
  MachineLimits limits{.float32_flops = rate(Precision::kFloat32)};
  if (HasBfloat16Products()) limits.bf16_flops = rate(Precision::kBfloat16);
  limits.memory_bytes = BestOf(kTurns, [] { return MemoryRate(milliseconds(40)); });
  return limits;
}

}  // namespace ddl
