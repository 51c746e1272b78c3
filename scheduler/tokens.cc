// SPDX-License-Identifier: Apache-2.0
#include "scheduler/tokens.h"

#include <fmt/format.h>

namespace ddl {

namespace {

// SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits that leaves no trace of a
// counter.
std::uint64_t Mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

}  // namespace

std::string TokenOf(std::uint64_t seed_high, std::uint64_t seed_low, JobId job) {
  const auto number = static_cast<std::uint64_t>(job.value);
  const std::uint64_t high = Mix(Mix(seed_high) ^ number);
  const std::uint64_t low = Mix(Mix(seed_low ^ high) ^ number);
  return fmt::format("{:016x}{:016x}", high, low);
}

}  // namespace ddl
