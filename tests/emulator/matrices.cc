// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/matrices.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "tests/emulator/block.h"

namespace ddl::emulator {

namespace {

constexpr std::uint32_t kRows = 16;
constexpr std::uint32_t kCols = 8;
constexpr std::uint32_t kDroppedBits = 0x1FFF;  // of a float, by tensor cores in tf32

float Upper(std::uint32_t bits) {
  return std::bit_cast<float>(bits & 0xFFFF0000U);
}
float Lower(std::uint32_t bits) {
  return std::bit_cast<float>(bits << 16U);
}

// out = a b + c. Operands: four of out, a's registers, b's two, four of c. Lane = 4 group + place.
// Products are exact; what tensor cores lose while they add is not said, here it is nothing.
template <std::uint32_t kInner>
void Multiply(Warp& warp, const Instruction& instruction,
              const std::array<std::array<float, kInner>, kRows>& a,
              const std::array<std::array<float, kCols>, kInner>& b) {
  constexpr std::uint32_t kSums = 4;
  constexpr std::uint32_t kFirstOfC = 10;
  for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    for (std::uint32_t i = 0; i < kSums; ++i) {
      const std::uint32_t row = lane / 4 + (i < 2 ? 0 : 8);
      const std::uint32_t col = lane % 4 * 2 + i % 2;
      double sum = static_cast<double>(warp.At<float>(instruction.operands[kFirstOfC + i])[lane]);
      for (std::uint32_t k = 0; k < kInner; ++k) {
        sum += static_cast<double>(a[row][k]) * static_cast<double>(b[k][col]);
      }
      warp.At<float>(instruction.operands[i])[lane] = static_cast<float>(sum);
    }
  }
}

template <bool kIsTransposed>
void Load(Warp& warp, const Instruction& instruction) {
  constexpr std::uint32_t kMatrices = 4;
  constexpr std::uint32_t kSide = 8;
  using Row = std::array<std::uint16_t, kSide>;
  std::array<Row, kMatrices * kSide> rows;
  const auto take = [&](std::uint32_t lane, const std::byte* from) {
    std::memcpy(rows[lane].data(), from, sizeof(Row));
  };
  warp.block->ReadShared(warp, warp.At<std::uint32_t>(instruction.operands[kMatrices]),
                         instruction.offset, sizeof(Row), take);
  for (std::uint32_t matrix = 0; matrix < kMatrices; ++matrix) {
    const auto at = [&](std::uint32_t row, std::uint32_t col) -> std::uint32_t {
      return kIsTransposed ? rows[matrix * kSide + col][row] : rows[matrix * kSide + row][col];
    };
    for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
      const std::uint32_t col = lane % 4 * 2;
      warp.At<std::uint32_t>(instruction.operands[matrix])[lane] =
          at(lane / 4, col) | at(lane / 4, col + 1) << 16U;
    }
  }
}

}  // namespace

void LoadMatrices(Warp& warp, const Instruction& instruction) {
  Load<false>(warp, instruction);
}
void LoadTransposedMatrices(Warp& warp, const Instruction& instruction) {
  Load<true>(warp, instruction);
}

void MultiplyTensorFloats(Warp& warp, const Instruction& instruction) {
  constexpr std::uint32_t kInner = 8;
  std::array<std::array<float, kInner>, kRows> a;
  std::array<std::array<float, kCols>, kInner> b;
  const auto at = [&](std::size_t operand, std::uint32_t lane) {
    return std::bit_cast<float>(warp.At<std::uint32_t>(instruction.operands[operand])[lane] &
                                ~kDroppedBits);
  };
  for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    const std::uint32_t group = lane / 4;
    const std::uint32_t place = lane % 4;
    a[group][place] = at(4, lane);
    a[group + 8][place] = at(5, lane);
    a[group][place + 4] = at(6, lane);
    a[group + 8][place + 4] = at(7, lane);
    b[place][group] = at(8, lane);
    b[place + 4][group] = at(9, lane);
  }
  Multiply<kInner>(warp, instruction, a, b);
}

void MultiplyBfloat16(Warp& warp, const Instruction& instruction) {
  constexpr std::uint32_t kInner = 16;
  std::array<std::array<float, kInner>, kRows> a;
  std::array<std::array<float, kCols>, kInner> b;
  for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    const std::uint32_t group = lane / 4;
    const std::uint32_t first = lane % 4 * 2;
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t pair = warp.At<std::uint32_t>(instruction.operands[4 + i])[lane];
      const std::uint32_t row = group + (i % 2 == 0 ? 0 : 8);
      const std::uint32_t col = first + (i < 2 ? 0 : 8);
      a[row][col] = Lower(pair);
      a[row][col + 1] = Upper(pair);
    }
    for (std::uint32_t i = 0; i < 2; ++i) {
      const std::uint32_t pair = warp.At<std::uint32_t>(instruction.operands[8 + i])[lane];
      b[first + 8 * i][group] = Lower(pair);
      b[first + 8 * i + 1][group] = Upper(pair);
    }
  }
  Multiply<kInner>(warp, instruction, a, b);
}

std::uint32_t RoundedToTensorFloat(std::uint32_t bits) {
  constexpr std::uint32_t kHalf = 0x1000;
  const bool is_finite = std::isfinite(std::bit_cast<float>(bits));
  return (is_finite ? bits + kHalf : bits) & ~kDroppedBits;
}

std::uint16_t RoundedToBfloat16(float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  if (std::isnan(number)) return 0x7FFF;
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U);
}

}  // namespace ddl::emulator
