// SPDX-License-Identifier: Apache-2.0
// Causal self-attention with several heads (Vaswani et al., 2017): each place of a text looks at
// itself and what came before.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "trainer/parameter.h"

namespace ddl {

// Of heads no wider a GPU keeps no probabilities.
inline constexpr std::size_t kMostFusedDepth = 64;

struct AttentionStage {
  static constexpr const char* kName = "attention";
  std::size_t heads = 1;
  std::optional<std::size_t> dropout;  // of probabilities: where its random numbers are drawn
  Flow input;            // [samples * length, 3 * width]: queries, keys, values side by side
  Flow output;           // [samples * length, width]: head beside head
  Tensor probabilities;  // [samples * heads * length, length]: kept for the way back
  Tensor scratch;        // [length, length]
  Tensor mask;           // [length, length]: of a head, where some are dropped; empty on a GPU
  Tensor statistics;     // [samples * heads * 3, length]: in the place of both, where it is fused

  [[nodiscard]] std::array<const ModelParameter*, 0> Parameters() const { return {}; }
  [[nodiscard]] double StepFlops(std::size_t samples) const;
};

void Forward(const AttentionStage& stage, const LaneRun& run);

// Without training every probability is kept.
void Evaluate(const AttentionStage& stage, const LaneRun& run);

void Backward(const AttentionStage& stage, const LaneRun& run);

}  // namespace ddl
