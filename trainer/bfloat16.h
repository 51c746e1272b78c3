// SPDX-License-Identifier: Apache-2.0
// The upper half of a float32: its sign, its exponent and 7 of its 23 bits of mantissa.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ddl {

enum class Precision : std::uint8_t {
  kFloat32,
  kBfloat16,  // products of bfloat16 copies, added up in float32; all else float32
};

struct Bfloat16 {
  std::uint16_t bits = 0;
};

// Nearest, ties to even, as processors round; NaN stays NaN, and what is too large is infinite.
void RoundToBfloat16(std::size_t count, const float* from, Bfloat16* to);

}  // namespace ddl
