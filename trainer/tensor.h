// SPDX-License-Identifier: Apache-2.0
// Where a matrix lies within a lane's block of the arena. A tensor holds no memory: the same tensor
// names the same place in every lane.
#pragma once

#include <cstddef>

namespace ddl {

// Floats in one cache line, and in the widest vector register.
inline constexpr std::size_t kFloatsPerLine = 16;

// Columns with padding. A function of the width alone, so that a lane computes the same bits in
// whatever company it runs.
[[nodiscard]] constexpr std::size_t PaddedWidth(std::size_t width) {
  return (width + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
}

// Row-major. Padding columns are zero and stay zero: every stage maps zero to zero there.
struct Tensor {
  std::size_t offset = 0;  // floats from the start of the lane, a multiple of kFloatsPerLine
  std::size_t rows = 0;
  std::size_t cols = 0;      // logical width
  bool is_bfloat16 = false;  // its numbers are, two in the place of a float

  // Numbers from a row to the next, and of all rows.
  [[nodiscard]] std::size_t Stride() const { return PaddedWidth(cols); }
  [[nodiscard]] std::size_t Numbers() const { return rows * Stride(); }
  // What they take.
  [[nodiscard]] std::size_t Floats() const { return is_bfloat16 ? Numbers() / 2 : Numbers(); }
  [[nodiscard]] bool IsEmpty() const { return rows == 0; }
};

// The same numbers as a matrix of another shape; both have no padding, or rows of one length.
[[nodiscard]] inline Tensor Reshaped(Tensor tensor, std::size_t rows, std::size_t cols) {
  tensor.rows = rows;
  tensor.cols = cols;
  return tensor;
}

}  // namespace ddl
