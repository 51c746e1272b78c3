// SPDX-License-Identifier: Apache-2.0
// Rows drawn with replacement, by their place rather than in turn.
#pragma once

#include <cstdint>
#include <vector>

#include "configs/mix.h"

namespace ddl {

// Number `draw` of the stream of `key`, below `count`. `count` is at least 1 and below 2^32.
[[nodiscard]] inline std::size_t DrawBelow(std::size_t count, std::uint64_t key,
                                           std::uint64_t draw) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  const double share = static_cast<double>(Mix(key + (draw + 1) * kGolden) >> 11U) * 0x1p-53;
  return static_cast<std::size_t>(share * static_cast<double>(count));
}

// The key of stream `number` of `seed`.
[[nodiscard]] inline std::uint64_t StreamKey(std::uint64_t seed, std::uint64_t number) {
  return Mix(Mix(seed + 0x9e3779b97f4a7c15U) + number);
}

}  // namespace ddl
