// SPDX-License-Identifier: Apache-2.0
// Data made in memory from a seed, for tests and smoke runs: nothing to download.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/dataset_memory.h"

namespace ddl {

struct SyntheticSettings {
  std::size_t rows = 1000;
  std::size_t test_rows = 200;
  std::size_t features = 16;  // of blobs; spirals have two
  std::size_t classes = 4;
  double noise = 1.0;  // standard deviation
  std::uint64_t seed = 0;
};

// Gaussian clusters, one a class, around centres drawn uniformly from [-3, 3] in each feature.
[[nodiscard]] ReadData MakeBlobs(const SyntheticSettings& settings);

// Interleaved arms, one a class, 1.75 turns from the centre to radius 1, as Lang and Witbrock's
// two spirals (1988), with Gaussian noise of `noise` on both coordinates: no linear model fits.
[[nodiscard]] ReadData MakeSpirals(const SyntheticSettings& settings);

}  // namespace ddl
