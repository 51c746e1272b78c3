// SPDX-License-Identifier: Apache-2.0
// What a lane's next step depends on beside its state, computed on the host in double where the CPU
// does it so, and what a step is worth. A stretch of steps is uploaded at once; nothing in it is
// known to a CUDA graph, so that rates, momenta and batches of any size need no new one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/batch_score.h"
#include "trainer/clones.h"
#include "trainer/random_kernels.h"
#include "trainer/target.h"
#include "trainer/update_kernels.h"

namespace ddl {

inline constexpr std::size_t kNoTensor = static_cast<std::size_t>(-1);

struct LaneStep {
  std::uint32_t rows = 0;      // of the batch; 0: the lane stands still, its state stays as it is
  std::uint32_t number = 0;    // of the optimizer step: 1, 2, …
  std::uint32_t seed_low = 0;  // of the lane
  std::uint32_t seed_high = 0;
  std::uint32_t epoch_low = 0;  // of the data
  std::uint32_t epoch_high = 0;
  DropoutRule dropout;
  float label_smoothing = 0.0F;
  float average_rate = 0.0F;
  double clip_norm = 0.0;  // 0: off
  double huber_delta = 1.0;
  TargetScale target;  // of a regression
  UpdateRule rule;
};

struct LaneScore {
  double loss_sum = 0.0;
  std::uint32_t correct = 0;
  std::uint32_t rows = 0;
  ErrorSums errors;  // zero where targets are classes
};

// The tables of a stretch, in the memory of the device.
struct StepBoard {
  std::uint32_t* cursor = nullptr;       // the step of the stretch that runs now
  const LaneStep* steps = nullptr;       // [stretch, lanes]
  const std::uint32_t* order = nullptr;  // [stretch, lanes, order_rows]: rows of the data,
                                         // of each step the first LaneStep::rows of them
  LaneScore* scores = nullptr;           // [stretch, lanes]
  std::uint32_t lanes = 0;
  std::uint32_t order_rows = 0;

  [[nodiscard]] DDL_INLINE std::size_t Entry(std::uint32_t lane) const {
    return std::size_t{*cursor} * lanes + lane;
  }
  [[nodiscard]] DDL_INLINE const LaneStep& Step(std::uint32_t lane) const {
    return steps[Entry(lane)];
  }
};

// Lanes of equal layout, one after the other: trainer/arena.h in the memory of the device.
struct LaneFloats {
  float* floats = nullptr;
  std::size_t lane_floats = 0;

  [[nodiscard]] DDL_INLINE float* At(std::uint32_t lane, std::size_t offset) const {
    return floats + lane * lane_floats + offset;
  }
  // One of them as the only one, number 0: what is then asked for needs no product.
  [[nodiscard]] DDL_INLINE LaneFloats Only(std::uint32_t lane) const { return {At(lane, 0), 0}; }
};

}  // namespace ddl
