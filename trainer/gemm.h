// SPDX-License-Identifier: Apache-2.0
// The door to the matrix library (oneDNN): one product of float32 matrices. Kernels are generated
// at the first call, which costs about 1.5 ms; nothing is paid before.
#pragma once

#include <cstddef>
#include <string>

namespace ddl {

// Row-major memory with `stride` floats between rows; read transposed where asked.
struct GemmOperand {
  const float* at = nullptr;
  std::size_t stride = 0;
  bool is_transposed = false;
};

struct GemmShape {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t inner = 0;
};

// c[rows, cols] = a[rows, inner] b[inner, cols], where a and b are taken after transposition.
// The same call with the same numbers gives the same bits.
void Gemm(const GemmShape& shape, const GemmOperand& a, const GemmOperand& b, float* c,
          std::size_t c_stride);

// Fixes, for the bits' sake, the instruction set and the number of threads of the library, and on
// the calling thread flushes denormal numbers to zero (fading momenta would be 50 times slower).
// Call it before the first Gemm; later calls change the number of threads alone.
void PinArithmetic(int threads);

// Library, version and instruction set, as provenance records it: "oneDNN 2.6.3, avx2".
[[nodiscard]] std::string DescribeArithmetic();

}  // namespace ddl
