// SPDX-License-Identifier: Apache-2.0
// From a configuration to what a training reads: the data set, cut, scaled and put in order.
#pragma once

#include "trainer/batches.h"
#include "trainer/config.h"
#include "trainer/dataset.h"

namespace ddl {

// Batches of a data set as the configuration cuts and scales it. `dataset` outlives them. Test rows
// never enter the others, nor the scale. Throws Error naming the key for a cut that leaves nothing.
[[nodiscard]] TrainingBatches MakeBatches(const TrainerConfig& config, const Dataset& dataset);

// Rows that an epoch of `rows` training rows visits. Throws Error for more steps than they fill.
[[nodiscard]] std::size_t EpochSize(const TrainerConfig& config, std::size_t rows);

}  // namespace ddl
