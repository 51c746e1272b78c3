// SPDX-License-Identifier: Apache-2.0
// Random numbers by their place: those of (seed, number, purpose) are the same whatever else was
// drawn before.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "configs/mix.h"

namespace ddl {

class CounterDraws {
 public:
  CounterDraws(std::uint64_t seed, std::uint64_t number, std::uint64_t purpose)
      : key_(Mix(Mix(Mix(seed + kGolden) + number) + purpose)) {}

  // In (0, 1), 53 bits.
  double Uniform() {
    const std::uint64_t bits = Mix(key_ += kGolden);
    return (static_cast<double>(bits >> 11U) + 0.5) * 0x1p-53;
  }
  // Box and Muller (1958).
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(Uniform()));
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }
  // 0 … count - 1.
  std::int64_t Below(std::int64_t count) {
    return static_cast<std::int64_t>(Uniform() * static_cast<double>(count));
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  std::uint64_t key_;
};

}  // namespace ddl
