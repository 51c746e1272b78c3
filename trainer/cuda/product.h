// SPDX-License-Identifier: Apache-2.0
// Products of the matrices of each lane, as a library of the device computes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/cuda/lane_step.h"

namespace ddl {

// A row-major matrix of each lane, taken transposed where asked.
struct ProductFactor {
  std::size_t offset = 0;  // in the lane, in floats
  std::size_t stride = 0;  // numbers
  bool is_transposed = false;
  bool is_bfloat16 = false;  // its numbers are
};

// How products are rounded: float32 throughout, or factors to TensorFloat-32 (ten bits of mantissa)
// or bfloat16 (seven), and sums in float32.
enum class ProductPrecision : std::uint32_t { kFloat32, kTensorFloat32, kBfloat16 };

// out[rows, cols] = a[rows, inner] b[inner, cols] of each lane, after transposition; with a bias,
// which is added to each row. In bfloat16 both factors are stored as such, and `out` may be.
struct LaneProduct {
  LaneFloats arena;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t inner = 0;
  ProductFactor a;
  ProductFactor b;
  ProductFactor out;                     // never transposed
  std::size_t bias = kNoTensor;          // in the lane; `out.stride` floats
  std::size_t rounded_bias = kNoTensor;  // the same in bfloat16, where `out` is
  ProductPrecision precision = ProductPrecision::kFloat32;
};

}  // namespace ddl
