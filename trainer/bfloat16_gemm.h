// SPDX-License-Identifier: Apache-2.0
// Products of bfloat16 matrices, added up in float32, through the matrix library (oneDNN).
#pragma once

#include <cstddef>
#include <memory>

#include "trainer/bfloat16.h"
#include "trainer/gemm.h"

namespace ddl {

// Row-major memory with `stride` numbers between rows; read transposed where asked.
struct Bfloat16Operand {
  const Bfloat16* at = nullptr;
  std::size_t stride = 0;
  bool is_transposed = false;
};

// By one thread at a time.
class Bfloat16Gemm {
 public:
  Bfloat16Gemm();
  Bfloat16Gemm(const Bfloat16Gemm&) = delete;
  Bfloat16Gemm& operator=(const Bfloat16Gemm&) = delete;
  ~Bfloat16Gemm();

  // c[rows, cols] = a[rows, inner] b[inner, cols], where a and b are taken after transposition.
  // Kernels are generated at the first call with a shape and kept. The same call with the same
  // numbers gives the same bits.
  void Multiply(const GemmShape& shape, const Bfloat16Operand& a, const Bfloat16Operand& b,
                float* c, std::size_t c_stride);

 private:
  struct Kernel;
  class Kernels;

  std::unique_ptr<Kernels> kernels_;
};

}  // namespace ddl
