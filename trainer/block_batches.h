// SPDX-License-Identifier: Apache-2.0
// Batches of data that need not fit in memory: a training holds a window of blocks and what it
// reads ahead, whatever the size of the file. The bits are those of the same data in memory.
#pragma once

#include "trainer/batches.h"
#include "trainer/config.h"
#include "trainer/dataset.h"

namespace ddl {

// Training features beyond this are shuffled in blocks unless the configuration says how: 2 GiB.
// The size alone decides, so that every machine gives the same bits.
inline constexpr std::uint64_t kMostShuffledWhole = std::uint64_t{1} << 31U;

// Whether the rows of `dataset`, which is no text, are ordered by blocks.
[[nodiscard]] bool UsesBlocks(const ShuffleSettings& shuffle, const Dataset& dataset);

// As MakeBatches. `dataset` outlives the batches, and one thread at a time uses them.
[[nodiscard]] TrainingBatches MakeBlockBatches(const TrainerConfig& config, const Dataset& dataset);

}  // namespace ddl
