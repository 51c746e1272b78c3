// SPDX-License-Identifier: Apache-2.0
// The learning rate as a pure function of the optimizer step.
#pragma once

#include <cstdint>

namespace ddl {

enum class ScheduleKind : std::uint8_t {
  kConstant,
  kStep,      // times gamma after every step_size epochs
  kCosine,    // half a cosine from lr to min_lr (Loshchilov and Hutter, 2017, without restarts)
  kOneCycle,  // up to lr and far down, two half cosines (Smith and Topin, 2018, as PyTorch's)
};

struct ScheduleSettings {
  ScheduleKind kind = ScheduleKind::kConstant;
  double warmup_epochs = 0.0;  // a linear rise from 0, reaching lr after so many epochs
  double step_size = 1.0;      // epochs
  double gamma = 0.1;
  double min_lr = 0.0;
  double rise = 0.3;           // of one cycle: the share of steps until lr is reached
  double start_factor = 25.0;  // it begins at lr / start_factor
  double end_factor = 1e4;     // and ends at that / end_factor
};

// Where a training stands: `step` counts optimizer steps from 0.
struct ScheduleClock {
  std::uint64_t step = 0;
  std::uint64_t steps_per_epoch = 1;
  std::uint64_t epochs = 1;
};

// The rate for this step. During warm-up lr * (step + 1) / (warm-up steps); afterwards as the kind
// says, where the cosine spans what the warm-up left over.
[[nodiscard]] double LearningRate(const ScheduleSettings& settings, double lr,
                                  const ScheduleClock& clock);

}  // namespace ddl
