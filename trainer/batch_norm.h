// SPDX-License-Identifier: Apache-2.0
// Batch normalisation (Ioffe and Szegedy, 2015) with the activation behind it: each channel gets
// mean 0 and variance 1 over batch and places, then a trained scale and shift. Without training the
// running mean and variance stand in. Conventions are PyTorch's: the batch is divided by its biased
// variance, the running variance is unbiased, a tenth of each batch enters the running ones.
#pragma once

#include <array>
#include <cstddef>

#include "trainer/activation_kernels.h"
#include "trainer/parameter.h"

namespace ddl {

struct BatchNormStage {
  static constexpr const char* kName = "norm";
  Activation activation = Activation::kIdentity;  // not kGelu
  Flow input;
  Flow output;
  ModelParameter scale;     // [1, channels]
  ModelParameter shift;     // [1, channels]
  Tensor running_mean;      // [1, channels]; state, but moved by no optimizer
  Tensor running_variance;  // [1, channels]
  Tensor mean;              // [1, channels]: of the batch
  Tensor inverse;           // [1, channels]: 1 / sqrt(variance + 1e-5)

  [[nodiscard]] std::array<const ModelParameter*, 2> Parameters() const { return {&scale, &shift}; }
};

void Forward(const BatchNormStage& stage, const LaneRun& run);
void Evaluate(const BatchNormStage& stage, const LaneRun& run);

// Through the activation (in place), to scale and shift, to the input.
void Backward(const BatchNormStage& stage, const LaneRun& run);

}  // namespace ddl
