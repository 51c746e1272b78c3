// SPDX-License-Identifier: Apache-2.0
// Tokens become vectors: a row of one table for the token, plus a row of another for its position.
#pragma once

#include <array>

#include "trainer/parameter.h"

namespace ddl {

struct EmbedStage {
  static constexpr const char* kName = "embed";
  Tensor tokens;             // [samples, length]: whole numbers below the vocabulary, as floats
  Flow output;               // [samples * length, width]
  ModelParameter table;      // [vocabulary, width]
  ModelParameter positions;  // [length, width]

  [[nodiscard]] std::array<const ModelParameter*, 2> Parameters() const {
    return {&table, &positions};
  }
};

void Forward(const EmbedStage& stage, const LaneRun& run);

// To both tables; tokens have no gradient.
void Backward(const EmbedStage& stage, const LaneRun& run);

}  // namespace ddl
