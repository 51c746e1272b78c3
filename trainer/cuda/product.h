// SPDX-License-Identifier: Apache-2.0
// Products of the matrices of each lane, as a library of the device computes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/cuda/lane_step.h"

namespace ddl {

// A row-major matrix of each lane, taken transposed where asked.
struct ProductFactor {
  std::size_t offset = 0;  // in the lane
  std::size_t stride = 0;
  bool is_transposed = false;
};

// How products are rounded: float32 throughout, or factors to TensorFloat-32 (ten bits of mantissa)
// or bfloat16 (seven), and sums in float32. Factors in bfloat16 are stored as such: their offset is
// in floats as ever, their stride in numbers of their own.
enum class ProductPrecision : std::uint32_t { kFloat32, kTensorFloat32, kBfloat16 };

// out[rows, cols] = a[rows, inner] b[inner, cols] of each lane, after transposition; with a bias,
// which is added to each row.
struct LaneProduct {
  LaneFloats arena;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t inner = 0;
  ProductFactor a;
  ProductFactor b;
  ProductFactor out;             // never transposed
  std::size_t bias = kNoTensor;  // in the lane; `out.stride` numbers
  ProductPrecision precision = ProductPrecision::kFloat32;
};

}  // namespace ddl
