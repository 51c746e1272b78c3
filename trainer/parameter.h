// SPDX-License-Identifier: Apache-2.0
// A trained tensor, what the optimizer keeps beside it, and what it begins with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/flow.h"
#include "trainer/tensor.h"

namespace ddl {

enum class ParameterRole : std::uint8_t {
  kWeight,  // drawn as the configuration says
  kBias,    // drawn, or zero
  kTable,   // drawn with deviation 0.02
  kScale,   // one
  kShift,   // zero
};

// What orthogonalising a matrix needs; shared by all.
struct OrthogonalPlaces {
  Tensor product;
  Tensor gram;
  Tensor square;
};

struct ModelParameter {
  Tensor value;
  Tensor first;                 // momentum or first moment; empty where the optimizer keeps nothing
  Tensor second;                // second moment
  Tensor average;               // moving average of the values; empty where none is kept
  Tensor rounded;               // in bfloat16, of a convolution on a GPU; empty: not wanted
  OrthogonalPlaces orthogonal;  // empty but for matrices that are moved by muon
  Tensor gradient;  // the whole, or only a strip of rows when the update follows at once
  ParameterRole role = ParameterRole::kWeight;
  std::size_t number = 0;  // 0, 1, …: where its random numbers are drawn
  std::size_t fan_in = 1;  // numbers that one output depends on
};

// Moves `count` numbers from `start` on along a gradient.
void UpdateRange(const ModelParameter& parameter, const LaneRun& run, std::size_t start,
                 std::size_t count, const float* gradient);

// Moves a parameter whose gradient stands in full.
void UpdateWhole(const ModelParameter& parameter, const LaneRun& run);

}  // namespace ddl
