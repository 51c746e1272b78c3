// SPDX-License-Identifier: Apache-2.0
// The door to the matrix library (oneDNN): one product of float32 matrices. Kernels are generated
// at the first call, which costs about 1.5 ms; nothing is paid before.
#pragma once

#include <cstddef>
#include <string>

#include "trainer/bfloat16.h"

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
// Call it on every thread that computes, before
// the first Gemm of the process; later calls change the calling thread alone.
void PinArithmetic(int threads);

// Whether this processor multiplies bfloat16 (AVX512-BF16). The library would imitate it on any
// with AVX-512, at less than the speed of float32 and with other bits: the trainer refuses instead.
[[nodiscard]] bool HasBfloat16Products();

// Throws Error where a precision needs products that the processor does not have.
void CheckPrecision(Precision precision, bool has_bfloat16_products);

// Library, version, instruction set and, unless float32, precision, as provenance records it:
// "oneDNN 2.6.3, avx2", "oneDNN 2.6.3, avx512, bf16".
[[nodiscard]] std::string DescribeArithmetic(Precision precision);

}  // namespace ddl
