// SPDX-License-Identifier: Apache-2.0
// An optimizer's settings, and the rule that one of its steps follows.
#pragma once

#include <cstdint>

#include "trainer/update_kernels.h"

namespace ddl {

struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::kSgd;
  double lr = 0.1;
  double momentum = 0.0;
  bool is_nesterov = false;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  double adam_lr = 3e-4;  // muon's, of what is no hidden matrix, by AdamW
};

// Matrices of the weights' shape that the optimizer keeps: 0, 1 or 2. Of hidden matrices muon keeps
// one, of others two.
[[nodiscard]] int StateTensors(const OptimizerSettings& settings);

// The rule for step number `step` (1, 2, …) at the scheduled rate `lr`. Muon's is AdamW's with a
// rate of its own for hidden matrices; the schedule moves both alike.
[[nodiscard]] UpdateRule RuleAt(const OptimizerSettings& settings, double lr, std::uint64_t step);

// What step number `step` contributes to the moving average of the weights: 1 - decay, and more in
// the first steps, where decay is at most (1 + step) / (10 + step).
[[nodiscard]] float AverageRate(double decay, std::uint64_t step);

}  // namespace ddl
