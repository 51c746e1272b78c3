// SPDX-License-Identifier: Apache-2.0
// Layer normalisation (Ba et al., 2016): each row gets mean 0 and variance 1, then a trained scale
// and shift for each column. The same with and without training.
#pragma once

#include <array>

#include "trainer/parameter.h"

namespace ddl {

struct LayerNormStage {
  static constexpr const char* kName = "layer-norm";
  Flow input;
  Flow output;
  ModelParameter scale;  // [1, width]
  ModelParameter shift;  // [1, width]
  Tensor mean;           // [1, rows]
  Tensor inverse;        // [1, rows]: 1 / sqrt(variance + 1e-5)

  [[nodiscard]] std::array<const ModelParameter*, 2> Parameters() const { return {&scale, &shift}; }
};

void Forward(const LayerNormStage& stage, const LaneRun& run);
void Backward(const LayerNormStage& stage, const LaneRun& run);

}  // namespace ddl
