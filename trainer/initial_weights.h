// SPDX-License-Identifier: Apache-2.0
// The weights a lane starts from, and the places of the random stream that the engine uses.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/model.h"
#include "trainer/philox.h"

namespace ddl {

enum class Initialisation : std::uint8_t {
  kUniform,  // weights and biases uniform in ±1/sqrt(fan_in), as PyTorch's Linear
  kHe,       // weights uniform in ±sqrt(6/fan_in) (He et al., 2015), biases 0
};

// Draws the weights of a lane that is all zero. The number for a weight depends on (seed, layer,
// row, column) alone.
void InitialiseWeights(const Model& model, Initialisation kind, std::uint64_t seed, float* lane);

// Where the mask of a layer (0, 1, …) is drawn at an optimizer step.
[[nodiscard]] RandomPlace DropoutPlace(std::uint64_t seed, std::uint64_t step, std::size_t layer);

// The same of an attention's probabilities (score_mask.h).
[[nodiscard]] RandomPlace ScoreMaskPlace(std::uint64_t seed, std::uint64_t step, std::size_t layer);

}  // namespace ddl
