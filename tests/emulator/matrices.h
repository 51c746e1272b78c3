// SPDX-License-Identifier: Apache-2.0
// Products of a warp, whose numbers lie spread over its lanes as PTX describes for mma, and how it
// loads them.
#pragma once

#include <cstdint>

#include "tests/emulator/warp.h"

namespace ddl::emulator {

// 16 x 8 sums over 8 and 16 products.
void MultiplyTensorFloats(Warp& warp, const Instruction& instruction);
void MultiplyBfloat16(Warp& warp, const Instruction& instruction);

// ldmatrix: four matrices of eight rows, sixteen bytes each, whose addresses the lanes have; of
// each a lane takes two numbers of one row, or, transposed, of one column.
void LoadMatrices(Warp& warp, const Instruction& instruction);
void LoadTransposedMatrices(Warp& warp, const Instruction& instruction);

// Rounding as the GPU does it, in words of its own: the trainer's are what is judged by it.
// Nearest, ties away from zero: the lower 13 bits of a float are not there.
[[nodiscard]] std::uint32_t RoundedToTensorFloat(std::uint32_t bits);
// Nearest, ties to even.
[[nodiscard]] std::uint16_t RoundedToBfloat16(float number);

}  // namespace ddl::emulator
