// SPDX-License-Identifier: Apache-2.0
// What a plan consists of, as text for people: stages, shapes, memory and arithmetic.
#pragma once

#include <string>

#include "trainer/batches.h"
#include "trainer/config.h"
#include "trainer/plan.h"

namespace ddl {

// `limit_flops` a second are what the machine reaches in products; 0: not known.
[[nodiscard]] std::string Explain(const Plan& plan, double limit_flops);

// Of the plan that a configuration is compiled to for these data.
[[nodiscard]] std::string Explain(const TrainerConfig& config, const TrainingBatches& batches,
                                  double limit_flops);

}  // namespace ddl
