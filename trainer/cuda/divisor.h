// SPDX-License-Identifier: Apache-2.0
// Division by a number that a kernel is given: a product and a shift in the place of some twenty
// instructions (T. Granlund, P. L. Montgomery, "Division by invariant integers using
// multiplication", 1994).
#pragma once

#include <cassert>
#include <cstdint>

#include "trainer/clones.h"

namespace ddl {

class Divisor {
 public:
  Divisor() = default;
  // 1 to 2^31.
  explicit Divisor(std::uint32_t value) : value_(value) {
    assert(value > 0 && value <= 0x80000000U);
    while ((std::uint64_t{1} << shift_) < value) {
      ++shift_;
    }
    const std::uint64_t above = (std::uint64_t{1} << shift_) - value;
    factor_ = static_cast<std::uint32_t>((above << 32U) / value + 1);
  }

  [[nodiscard]] DDL_INLINE std::uint32_t Value() const { return value_; }
  // number / value, of numbers below 2^31.
  [[nodiscard]] DDL_INLINE std::uint32_t Of(std::uint32_t number) const {
#if defined(__CUDA_ARCH__)
    const std::uint32_t high = __umulhi(number, factor_);
#else
    const auto high = static_cast<std::uint32_t>(std::uint64_t{number} * factor_ >> 32U);
#endif
    return (high + number) >> shift_;
  }

 private:
  std::uint32_t value_ = 1;
  std::uint32_t factor_ = 1;
  std::uint32_t shift_ = 0;
};

}  // namespace ddl
