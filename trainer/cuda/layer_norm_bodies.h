// SPDX-License-Identifier: Apache-2.0
// Layer normalisation: trainer/layer_norm.h for lanes. Thirty-two threads a row, which add every
// thirty-second column each; every thread of the row then adds the same 32 sums in order.
#pragma once

#include <cmath>

#include "trainer/cuda/column_slices.h"

namespace ddl {

inline constexpr float kLayerNormEpsilon = 1e-5F;

// A row and a share of its columns.
struct RowThreads {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kRowThreads = 32;
  static constexpr std::uint32_t kBlockRows = kThreads / kRowThreads;

  [[nodiscard]] DDL_INLINE static std::uint32_t Row(const ThreadPlace& at) {
    return at.block * kBlockRows + at.thread / kRowThreads;
  }
  [[nodiscard]] DDL_INLINE static std::uint32_t Worker(const ThreadPlace& at) {
    return at.thread % kRowThreads;
  }
  // Of the sums that the threads of this one's row left.
  [[nodiscard]] DDL_INLINE static float Fold(const float* sums, const ThreadPlace& at) {
    const float* own = sums + at.thread / kRowThreads * kRowThreads;
    float sum = own[0];
    for (std::uint32_t i = 1; i < kRowThreads; ++i) {
      sum += own[i];
    }
    return sum;
  }
};

struct LayerNormBody {
  static constexpr std::uint32_t kThreads = RowThreads::kThreads;
  static constexpr std::uint32_t kPhases = 3;
  static constexpr std::size_t kSharedBytes = 2 * kThreads * sizeof(float);

  std::uint32_t blocks = 0;  // BlocksFor(rows, RowThreads::kBlockRows)
  LaneFloats arena;
  LaneNumbers x;
  LaneNumbers y;
  std::size_t scale = 0;
  std::size_t shift = 0;
  std::size_t mean = 0;     // [rows]
  std::size_t inverse = 0;  // [rows]
  std::uint32_t rows = 0;
  std::uint32_t width = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t row = RowThreads::Row(at);
    if (row >= rows) return;
    auto* sums = static_cast<float*>(shared);
    float* squares = sums + kThreads;
    const float share = 1.0F / static_cast<float>(width);
    if (phase == 0) {
      sums[at.thread] = Sum(at, 0.0F, false);
      return;
    }
    const float middle = share * RowThreads::Fold(sums, at);
    if (phase == 1) {
      squares[at.thread] = Sum(at, middle, true);
      return;
    }
    const float factor =
        1.0F / std::sqrt(share * RowThreads::Fold(squares, at) + kLayerNormEpsilon);
    const std::size_t start = std::size_t{row} * stride;
    for (std::uint32_t c = RowThreads::Worker(at); c < stride; c += RowThreads::kRowThreads) {
      const float normal = (x.At(arena, at.lane, start + c) - middle) * factor;
      y.Put(arena, at.lane, start + c,
            normal * *arena.At(at.lane, scale + c) + *arena.At(at.lane, shift + c));
    }
    if (RowThreads::Worker(at) != 0) return;
    *arena.At(at.lane, mean + row) = middle;
    *arena.At(at.lane, inverse + row) = factor;
  }

 private:
  [[nodiscard]] DDL_INLINE float Sum(const ThreadPlace& at, float middle, bool is_squared) const {
    const std::size_t start = std::size_t{RowThreads::Row(at)} * stride;
    float sum = 0.0F;
    for (std::uint32_t c = RowThreads::Worker(at); c < width; c += RowThreads::kRowThreads) {
      const float off = x.At(arena, at.lane, start + c) - middle;
      sum += is_squared ? off * off : off;
    }
    return sum;
  }
};

// dx = inverse (dy scale - mean of that - normalised x · mean of their products) + what a branch
// that skips it adds.
struct LayerNormGradientBody {
  static constexpr std::uint32_t kThreads = RowThreads::kThreads;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::size_t kSharedBytes = 2 * kThreads * sizeof(float);

  std::uint32_t blocks = 0;  // BlocksFor(rows, RowThreads::kBlockRows)
  LaneFloats arena;
  LaneNumbers x;
  LaneNumbers gradient;             // of y
  LaneNumbers skipped = kNoTensor;  // none
  LaneNumbers out;                  // of x
  std::size_t scale = 0;
  std::size_t mean = 0;
  std::size_t inverse = 0;
  std::uint32_t rows = 0;
  std::uint32_t width = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t row = RowThreads::Row(at);
    if (row >= rows) return;
    auto* sums = static_cast<float*>(shared);
    float* products = sums + kThreads;
    const std::size_t start = std::size_t{row} * stride;
    const float* factors = arena.At(at.lane, scale);
    const float middle = *arena.At(at.lane, mean + row);
    const float factor = *arena.At(at.lane, inverse + row);
    if (phase == 0) {
      float sum = 0.0F;
      float product = 0.0F;
      for (std::uint32_t c = RowThreads::Worker(at); c < width; c += RowThreads::kRowThreads) {
        const float own = gradient.At(arena, at.lane, start + c) * factors[c];
        sum += own;
        product += own * ((x.At(arena, at.lane, start + c) - middle) * factor);
      }
      sums[at.thread] = sum;
      products[at.thread] = product;
      return;
    }
    const float share = 1.0F / static_cast<float>(width);
    const float along = share * RowThreads::Fold(sums, at);
    const float across = share * RowThreads::Fold(products, at);
    for (std::uint32_t c = RowThreads::Worker(at); c < width; c += RowThreads::kRowThreads) {
      const float own = gradient.At(arena, at.lane, start + c) * factors[c];
      const float normal = (x.At(arena, at.lane, start + c) - middle) * factor;
      float sum = factor * (own - along - normal * across);
      if (skipped.offset != kNoTensor) sum += skipped.At(arena, at.lane, start + c);
      out.Put(arena, at.lane, start + c, sum);
    }
  }
};

// Of each slice of rows the column sums of dy and of its products with the normalised x.
struct LayerNormSumsBody {
  static constexpr std::uint32_t kThreads = ColumnSlices::kThreads;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::size_t kSharedBytes = 2 * ColumnSlices::kSharedBytes;

  std::uint32_t blocks = 0;  // of ColumnSlices
  LaneFloats arena;
  LaneNumbers x;
  LaneNumbers gradient;  // of y
  std::size_t mean = 0;
  std::size_t inverse = 0;
  std::size_t parts = 0;  // [slices, 2, stride]: sums, sums of products
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const ColumnSlices slices{rows, stride};
    auto* sums = static_cast<float*>(shared);
    float* products = sums + ColumnSlices::kSharedBytes / sizeof(float);
    if (phase == 0) {
      const ColumnSlices::Place place = slices.PlaceOf(at, rows);
      if (place.col < stride) AddUp(at, place, sums, products);
      return;
    }
    const ColumnSlices::Column column = slices.ColumnOf(at);
    if (!column.is_there) return;
    float* out = arena.At(at.lane, parts + std::size_t{column.slice} * 2 * stride + column.col);
    out[0] = ColumnSlices::Fold(sums, column);
    out[stride] = ColumnSlices::Fold(products, column);
  }

 private:
  DDL_INLINE void AddUp(const ThreadPlace& at, const ColumnSlices::Place& place, float* sums,
                        float* products) const {
    const LaneFloats own = arena.Only(at.lane);
    FourFloats sum{};
    FourFloats product{};
    for (std::uint32_t row = place.first; row < place.end; row += ColumnSlices::kGroups) {
      const std::size_t first = std::size_t{row} * stride + place.col;
      const FourFloats dy = gradient.FourAt(own, 0, first);
      const FourFloats in = x.FourAt(own, 0, first);
      const float mean_of_row = *own.At(0, mean + row);
      const float inverse_of_row = *own.At(0, inverse + row);
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        sum.at[i] += dy.at[i];
        product.at[i] += dy.at[i] * ((in.at[i] - mean_of_row) * inverse_of_row);
      }
    }
    ColumnSlices::Keep(sums, at, sum);
    ColumnSlices::Keep(products, at, product);
  }
};

}  // namespace ddl
