// SPDX-License-Identifier: Apache-2.0
// Pooling: the maximum or the mean of each window of an image, channel by channel. Windows do not
// overlap; what is left over at the right and below is not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "trainer/image.h"
#include "trainer/parameter.h"

namespace ddl {

enum class PoolKind : std::uint8_t { kMaximum, kMean };

struct SampleRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

struct PoolStage {
  static constexpr const char* kName = "pool";
  PoolKind kind = PoolKind::kMaximum;
  ImageLayout image;  // of the input
  ImageSize window;   // the whole image: global pooling
  Flow input;
  Flow output;
  Tensor left;  // [1, channels]: what the way back has not handed on yet; of a maximum alone

  [[nodiscard]] std::array<const ModelParameter*, 0> Parameters() const { return {}; }
};

// Of the lane's samples, or of some of them.
void Forward(const PoolStage& stage, const LaneRun& run);
void PoolSamples(const PoolStage& stage, const LaneRun& run, SampleRange samples);

// A maximum's gradient goes to the first pixel that has it.
void Backward(const PoolStage& stage, const LaneRun& run);
void UnpoolSamples(const PoolStage& stage, const LaneRun& run, SampleRange samples);

}  // namespace ddl
