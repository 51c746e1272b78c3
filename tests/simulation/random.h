// SPDX-License-Identifier: Apache-2.0
// The simulator's own random numbers: integers only, so every compiler and library draws the same.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <vector>

namespace ddl::simulation {

using Time = std::chrono::nanoseconds;

// xoshiro256** (Blackman and Vigna 2018), seeded by SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      std::uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
      mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
      word = mixed ^ (mixed >> 31U);
    }
  }

  std::uint64_t Next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // 0 … bound - 1. The bias of a remainder is below 2^-32 for the bounds used here.
  std::int64_t Below(std::int64_t bound) {
    return static_cast<std::int64_t>((Next() >> 1U) % static_cast<std::uint64_t>(bound));
  }
  // Both ends included.
  std::int64_t Between(std::int64_t low, std::int64_t high) { return low + Below(high - low + 1); }
  // True so many times in a million.
  bool Chance(std::int64_t per_million) { return Below(1'000'000) < per_million; }
  bool Half() { return (Next() >> 63U) != 0; }

  // Every magnitude between the two is as likely as any other.
  Time Spread(Time low, Time high) {
    const auto least = static_cast<std::uint64_t>(low.count() < 1 ? 1 : low.count());
    const auto most = static_cast<std::uint64_t>(high.count());
    const auto octaves = static_cast<std::int64_t>(std::bit_width(most / least));
    const std::uint64_t base = least << static_cast<unsigned>(Below(octaves + 1));
    const std::uint64_t drawn =
        base + static_cast<std::uint64_t>(Below(static_cast<std::int64_t>(base)));
    return Time(static_cast<std::int64_t>(drawn < most ? drawn : most));
  }

  template <class Value>
  const Value& Pick(const std::vector<Value>& values) {
    return values[static_cast<std::size_t>(Below(std::ssize(values)))];
  }

 private:
  std::uint64_t state_[4]{};
};

}  // namespace ddl::simulation
