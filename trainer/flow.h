// SPDX-License-Identifier: Apache-2.0
// What passes between stages, and what a stage is told when it runs. All stages work on one lane at
// a time; a lane is the start of its block in the arena.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/optimizer.h"
#include "trainer/target.h"
#include "trainer/tensor.h"

namespace ddl {

// Values that one stage writes and another reads and, on the way back, their gradient.
struct Flow {
  Tensor values;           // [samples * places, width]
  Tensor gradient;         // of the training batch alone; empty where nobody wants it: data
  std::size_t places = 1;  // rows a sample has: height times width of an image, length of a text

  [[nodiscard]] std::size_t Width() const { return values.cols; }
};

// The hyper-parameters in which lanes may differ. Kind of optimizer and presence of momentum,
// dropout and clipping are the shape's.
struct LaneSettings {
  std::uint64_t seed = 0;
  OptimizerSettings optimizer;
  double dropout = 0.0;
  double label_smoothing = 0.0;
  double huber_delta = 1.0;  // where the loss has one
  TargetScale target;        // of a regression
  double clip_norm = 0.0;    // 0: off
  double ema_decay = 0.0;    // of the weights' moving average; 0: none is kept
};

// A lane's batch at hand.
struct LaneRun {
  LaneSettings settings;
  float* block = nullptr;
  std::size_t rows = 0;    // samples
  std::uint64_t step = 0;  // of the optimizer: 1, 2, …
  UpdateRule rule;
  float average_rate = 0.0F;  // the share of a weight that enters its moving average

  [[nodiscard]] float* At(const Tensor& tensor) const { return block + tensor.offset; }
  [[nodiscard]] std::size_t Rows(const Flow& flow) const { return rows * flow.places; }
};

}  // namespace ddl
