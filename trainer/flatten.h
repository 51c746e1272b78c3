// SPDX-License-Identifier: Apache-2.0
// Images of any number of channels become rows without the padding between their pixels.
#pragma once

#include <array>
#include <cstddef>

#include "trainer/parameter.h"

namespace ddl {

struct FlattenStage {
  static constexpr const char* kName = "flatten";
  Flow input;   // several places a sample
  Flow output;  // one: place after place, each with its width

  [[nodiscard]] std::array<const ModelParameter*, 0> Parameters() const { return {}; }
};

void Forward(const FlattenStage& stage, const LaneRun& run);
void Backward(const FlattenStage& stage, const LaneRun& run);

}  // namespace ddl
