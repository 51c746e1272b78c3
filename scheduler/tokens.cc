// SPDX-License-Identifier: Apache-2.0
#include "scheduler/tokens.h"

#include <fmt/format.h>

#include "configs/mix.h"

namespace ddl {

namespace {

// SplitMix64: a bijection of 64 bits that leaves no trace of a counter.
std::uint64_t Spread(std::uint64_t value) {
  return Mix(value + 0x9e3779b97f4a7c15U);
}

}  // namespace

std::string TokenOf(std::uint64_t seed_high, std::uint64_t seed_low, JobId job) {
  const auto number = static_cast<std::uint64_t>(job.value);
  const std::uint64_t high = Spread(Spread(seed_high) ^ number);
  const std::uint64_t low = Spread(Spread(seed_low ^ high) ^ number);
  return fmt::format("{:016x}{:016x}", high, low);
}

}  // namespace ddl
