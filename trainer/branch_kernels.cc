// SPDX-License-Identifier: Apache-2.0
#include "trainer/activation_kernels.h"
#include "trainer/branch.h"
#include "trainer/clones.h"

namespace ddl {

namespace {

DDL_CLONES void Sum(std::size_t count, const float* __restrict a, const float* __restrict b,
                    float* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = a[i] + b[i];
  }
}

// A NaN passes through.
DDL_CLONES void RectifiedSum(std::size_t count, const float* __restrict a,
                             const float* __restrict b, float* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float sum = a[i] + b[i];
    out[i] = sum < 0.0F ? 0.0F : sum;
  }
}

DDL_CLONES void RectifiedGradient(std::size_t count, const float* __restrict out,
                                  float* __restrict gradient) {
  for (std::size_t i = 0; i < count; ++i) {
    gradient[i] = out[i] > 0.0F ? gradient[i] : 0.0F;
  }
}

std::size_t FloatsOf(const Flow& flow, const LaneRun& run) {
  return run.Rows(flow) * flow.values.Stride();
}

}  // namespace

DDL_CLONES void AddElements(std::size_t count, const float* __restrict values,
                            float* __restrict sum) {
  for (std::size_t i = 0; i < count; ++i) {
    sum[i] += values[i];
  }
}

void Forward(const ForkStage& /*stage*/, const LaneRun& /*run*/) {}

void Backward(const ForkStage& stage, const LaneRun& run) {
  if (stage.input.gradient.IsEmpty()) return;
  AddElements(FloatsOf(stage.input, run), run.At(stage.second), run.At(stage.input.gradient));
}

void Forward(const AddStage& stage, const LaneRun& run) {
  const auto sum = stage.is_rectified ? RectifiedSum : Sum;
  sum(FloatsOf(stage.output, run), run.At(stage.first), run.At(stage.second),
      run.At(stage.output.values));
}

void Backward(const AddStage& stage, const LaneRun& run) {
  if (!stage.is_rectified) return;
  RectifiedGradient(FloatsOf(stage.output, run), run.At(stage.output.values),
                    run.At(stage.output.gradient));
}

}  // namespace ddl
