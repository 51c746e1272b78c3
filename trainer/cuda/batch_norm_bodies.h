// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with its activation: trainer/batch_norm.h for lanes. Rows behind a lane's
// batch are no part of any statistic and have no gradient; a lane that stands still keeps its
// running statistics.
#pragma once

#include <cmath>

#include "trainer/cuda/column_slices.h"
#include "trainer/cuda/dense_bodies.h"
#include "trainer/cuda/row_fours.h"
#include "trainer/cuda/tile_fragments.h"

namespace ddl {

inline constexpr float kBatchNormEpsilon = 1e-5F;
inline constexpr float kBatchNormMomentum = 0.1F;

// A flow [rows, stride] with `places` rows a sample.
struct NormRows {
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;
  std::uint32_t places = 1;
};

// Where a normalisation keeps what it knows of its columns.
struct NormStatistics {
  std::size_t running_mean = 0;
  std::size_t running_variance = 0;
  std::size_t mean = 0;
  std::size_t inverse = 0;
};

// Mean and variance of the batch from those of its tiles of 64 rows, which the product that gave
// the rows has told, and the running ones. Merging those is as exact as a second pass over all rows
// (Chan, Golub and LeVeque, 1983). Thirty-two threads a column, which add every thirty-second tile
// each; the 32 sums are added in order.
struct BatchStatisticsBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 3;
  static constexpr std::size_t kSharedBytes = 2 * kThreads * sizeof(double);
  static constexpr std::uint32_t kBlockCols = 8;
  static constexpr std::uint32_t kWorkers = kThreads / kBlockCols;

  std::uint32_t blocks = 0;  // BlocksFor(width, kBlockCols)
  StepBoard board;
  LaneFloats arena;
  NormRows shape;
  std::uint32_t width = 0;  // columns without padding
  std::size_t moments = 0;  // [tiles, 2, stride]: means, sums of squares about them
  NormStatistics to;

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t col = at.block * kBlockCols + at.thread % kBlockCols;
    const std::uint32_t used = board.Step(at.lane).rows * shape.places;
    if (col >= width || used == 0) return;
    auto* sums = static_cast<double*>(shared);
    double* squares = sums + kThreads;
    if (phase == 0) {
      sums[at.thread] =
          Sum(at, col, used, [](double rows, double part, double) { return rows * part; });
      return;
    }
    const double mean = Fold(sums, at) / static_cast<double>(used);
    if (phase == 1) {
      squares[at.thread] = Sum(at, col, used, [mean](double rows, double part, double own) {
        return own + rows * (part - mean) * (part - mean);
      });
    } else if (at.thread < kBlockCols) {
      Tell(at.lane, col, mean, Fold(squares, at), static_cast<double>(used));
    }
  }

 private:
  // function(rows of a tile, its mean, its squares), summed over a thread's tiles in order.
  template <class Function>
  [[nodiscard]] DDL_INLINE double Sum(const ThreadPlace& at, std::uint32_t col, std::uint32_t used,
                                      Function function) const {
    double sum = 0.0;
    const std::uint32_t first = at.thread / kBlockCols * kTileSide;
    for (std::uint32_t row = first; row < used; row += kWorkers * kTileSide) {
      const std::uint32_t rows = used - row < kTileSide ? used - row : kTileSide;
      const float* part =
          arena.At(at.lane, moments + std::size_t{row / kTileSide} * 2 * shape.stride + col);
      sum += function(static_cast<double>(rows), static_cast<double>(part[0]),
                      static_cast<double>(part[shape.stride]));
    }
    return sum;
  }
  [[nodiscard]] DDL_INLINE static double Fold(const double* sums, const ThreadPlace& at) {
    double sum = 0.0;
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
      sum += sums[worker * kBlockCols + at.thread % kBlockCols];
    }
    return sum;
  }
  DDL_INLINE void Tell(std::uint32_t lane, std::uint32_t col, double mean, double squares,
                       double count) const {
    const double unbiased = squares / (count > 2.0 ? count - 1.0 : 1.0);
    const auto narrow = static_cast<float>(mean);
    *arena.At(lane, to.mean + col) = narrow;
    *arena.At(lane, to.inverse + col) =
        1.0F / std::sqrt(static_cast<float>(squares / count) + kBatchNormEpsilon);
    float* running_mean = arena.At(lane, to.running_mean + col);
    float* running_variance = arena.At(lane, to.running_variance + col);
    *running_mean += kBatchNormMomentum * (narrow - *running_mean);
    *running_variance += kBatchNormMomentum * (static_cast<float>(unbiased) - *running_variance);
  }
};

// Of four columns, in the memory of a lane by itself.
[[nodiscard]] DDL_INLINE FourFloats FourOf(const LaneFloats& own, std::size_t offset) {
  return *reinterpret_cast<const FourFloats*>(own.At(0, offset));
}

// Of a column: what a number becomes before the activation, normalised, scaled and shifted.
struct NormLine {
  float factor = 0.0F;
  float offset = 0.0F;

  DDL_INLINE NormLine(float mean, float inverse, float scale, float shift)
      : factor(scale * inverse), offset(shift - mean * factor) {}
  [[nodiscard]] DDL_INLINE float Of(float x) const { return x * factor + offset; }
};

// y = f(scale (x - mean) inverse + shift + other), by the batch's statistics in training, else by
// the running ones. Four columns a thread.
struct BatchNormBody {
  static constexpr std::uint32_t kThreads = RowFours::kThreads;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // of RowFours
  LaneFloats arena;
  NormRows shape;
  Activation activation = Activation::kIdentity;  // not kGelu
  bool is_training = false;
  LaneNumbers x;
  LaneNumbers other = kNoTensor;  // that a branch adds; none
  LaneNumbers y;
  std::size_t scale = 0;
  std::size_t shift = 0;
  NormStatistics from;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const RowFours::Place place = RowFours{shape.rows, shape.stride}.At(at);
    if (place.first >= place.end) return;
    const LaneFloats own = arena.Only(at.lane);
    const FourFloats mean = FourOf(own, (is_training ? from.mean : from.running_mean) + place.col);
    const FourFloats inverse = Inverse(own, place.col);
    const FourFloats scales = FourOf(own, scale + place.col);
    const FourFloats shifts = FourOf(own, shift + place.col);
    DDL_ROLLED
    for (std::uint32_t row = place.first; row < place.end; row += place.step) {
      const std::size_t first = std::size_t{row} * shape.stride + place.col;
      FourFloats four = x.FourAt(own, 0, first);
      FourFloats added{};
      if (other.offset != kNoTensor) added = other.FourAt(own, 0, first);
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        const NormLine line(mean.at[i], inverse.at[i], scales.at[i], shifts.at[i]);
        four.at[i] = Activated(activation, line.Of(four.at[i]) + added.at[i]);
      }
      y.PutFour(own, 0, first, four);
    }
  }

 private:
  [[nodiscard]] DDL_INLINE FourFloats Inverse(const LaneFloats& own, std::uint32_t col) const {
    if (is_training) return FourOf(own, from.inverse + col);
    FourFloats four = FourOf(own, from.running_variance + col);
    DDL_UNROLL
    for (float& number : four.at) {
      number = 1.0F / std::sqrt(number + kBatchNormEpsilon);
    }
    return four;
  }
};

// What the way back knows of a column.
struct NormColumn {
  float mean = 0.0F;
  float inverse = 0.0F;
  float scale = 0.0F;
  float shift = 0.0F;

  [[nodiscard]] DDL_INLINE float Normal(float x) const { return (x - mean) * inverse; }
};
struct NormColumns {
  FourFloats mean;
  FourFloats inverse;
  FourFloats scale;
  FourFloats shift;

  [[nodiscard]] DDL_INLINE NormColumn At(std::uint32_t i) const {
    return {mean.at[i], inverse.at[i], scale.at[i], shift.at[i]};
  }
};

// What the way back knows of a normalisation: x, the gradient of y, and each column's numbers. The
// slope of f is that of y, which x tells as well, so that y is not read.
struct NormGradient {
  Activation activation = Activation::kIdentity;  // not kGelu
  LaneNumbers x;
  LaneNumbers gradient;  // of y
  std::size_t scale = 0;
  std::size_t shift = 0;
  std::size_t mean = 0;
  std::size_t inverse = 0;

  // In the memory of a lane by itself.
  [[nodiscard]] DDL_INLINE NormColumns ColumnsAt(const LaneFloats& own, std::size_t col) const {
    return {FourOf(own, mean + col), FourOf(own, inverse + col), FourOf(own, scale + col),
            FourOf(own, shift + col)};
  }
  // The gradient of what f is applied to, from that of y.
  [[nodiscard]] DDL_INLINE float Passed(const NormColumn& column, float x_at, float slope) const {
    if (activation == Activation::kIdentity) return slope;
    const NormLine line(column.mean, column.inverse, column.scale, column.shift);
    const float y = Activated(activation, line.Of(x_at));
    return slope * SlopeOf(activation, y, y);
  }
};

// Of each slice of rows the column sums of the gradient before f, and of its products with the
// normalised x.
struct BatchNormSumsBody {
  static constexpr std::uint32_t kThreads = ColumnSlices::kThreads;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::size_t kSharedBytes = 2 * ColumnSlices::kSharedBytes;

  std::uint32_t blocks = 0;  // of ColumnSlices
  StepBoard board;
  LaneFloats arena;
  NormRows shape;
  NormGradient norm;
  std::size_t parts = 0;  // [slices, 2, stride]: sums, sums of products

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const ColumnSlices slices{shape.rows, shape.stride};
    auto* sums = static_cast<float*>(shared);
    float* products = sums + ColumnSlices::kSharedBytes / sizeof(float);
    if (phase == 0) {
      const std::uint32_t used = board.Step(at.lane).rows * shape.places;
      const ColumnSlices::Place place = slices.PlaceOf(at, used);
      if (place.col < shape.stride) AddUp(at, place, sums, products);
      return;
    }
    const ColumnSlices::Column column = slices.ColumnOf(at);
    if (!column.is_there) return;
    const std::size_t line = std::size_t{column.slice} * 2 * shape.stride;
    float* out = arena.At(at.lane, parts + line + column.col);
    out[0] = ColumnSlices::Fold(sums, column);
    out[shape.stride] = ColumnSlices::Fold(products, column);
  }

 private:
  DDL_INLINE void AddUp(const ThreadPlace& at, const ColumnSlices::Place& place, float* sums,
                        float* products) const {
    const LaneFloats own = arena.Only(at.lane);
    const NormColumns columns = norm.ColumnsAt(own, place.col);
    FourFloats sum{};
    FourFloats product{};
    for (std::uint32_t row = place.first; row < place.end; row += ColumnSlices::kGroups) {
      const std::size_t first = std::size_t{row} * shape.stride + place.col;
      const FourFloats in = norm.x.FourAt(own, 0, first);
      const FourFloats slopes = norm.gradient.FourAt(own, 0, first);
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        const NormColumn column = columns.At(i);
        const float dy = norm.Passed(column, in.at[i], slopes.at[i]);
        sum.at[i] += dy;
        product.at[i] += dy * column.Normal(in.at[i]);
      }
    }
    ColumnSlices::Keep(sums, at, sum);
    ColumnSlices::Keep(products, at, product);
  }
};

// dx = scale inverse (dy - mean of dy - normalised x · mean of products), where dy is the gradient
// before f. Four columns a thread.
struct BatchNormGradientBody {
  static constexpr std::uint32_t kThreads = RowFours::kThreads;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // of RowFours
  StepBoard board;
  LaneFloats arena;
  NormRows shape;
  NormGradient norm;
  LaneNumbers out;           // the gradient of x
  std::size_t sums = 0;      // of dy: the shift's gradient
  std::size_t products = 0;  // the scale's

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const RowFours::Place place = RowFours{shape.rows, shape.stride}.At(at);
    if (place.first >= place.end) return;
    const LaneFloats own = arena.Only(at.lane);
    const std::uint32_t used = board.Step(at.lane).rows * shape.places;
    const float share = 1.0F / static_cast<float>(used);
    const NormColumns columns = norm.ColumnsAt(own, place.col);
    const FourFloats along = FourOf(own, sums + place.col);
    const FourFloats across = FourOf(own, products + place.col);
    DDL_ROLLED
    for (std::uint32_t row = place.first; row < place.end; row += place.step) {
      const std::size_t first = std::size_t{row} * shape.stride + place.col;
      FourFloats four{};
      if (row < used) {
        const FourFloats slopes = norm.gradient.FourAt(own, 0, first);
        const FourFloats in = norm.x.FourAt(own, 0, first);
        DDL_UNROLL
        for (std::uint32_t i = 0; i < kFour; ++i) {
          const NormColumn column = columns.At(i);
          const float dy = norm.Passed(column, in.at[i], slopes.at[i]);
          four.at[i] =
              column.scale * column.inverse *
              (dy - along.at[i] * share - column.Normal(in.at[i]) * (across.at[i] * share));
        }
      }
      out.PutFour(own, 0, first, four);
    }
  }
};

}  // namespace ddl
