// SPDX-License-Identifier: Apache-2.0
// A hash of 64 bits, from which numbers are drawn by their place rather than in turn.
#pragma once

#include <cstdint>

namespace ddl {

// The finalizer of Steele, Lea and Flood: Fast splittable pseudorandom number generators (2014).
[[nodiscard]] constexpr std::uint64_t Mix(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

}  // namespace ddl
