// SPDX-License-Identifier: Apache-2.0
// Batch normalisation with its activation: trainer/batch_norm.h for lanes. Rows behind a lane's
// batch are no part of any statistic and have no gradient; a lane that stands still keeps its
// running statistics.
#pragma once

#include <cmath>

#include "trainer/cuda/column_slices.h"
#include "trainer/cuda/dense_bodies.h"

namespace ddl {

inline constexpr float kBatchNormEpsilon = 1e-5F;
inline constexpr float kBatchNormMomentum = 0.1F;

// A flow [rows, stride] with `places` rows a sample.
struct NormRows {
  std::uint32_t rows = 0;
  std::uint32_t stride = 0;
  std::uint32_t places = 1;
};

// Of each slice of rows: the mean of each column and the sum of squares about it. Merging those is
// as exact as a second pass over all rows, and reads memory once (Chan, Golub and LeVeque, 1983).
struct BatchMomentsBody {
  static constexpr std::uint32_t kThreads = ColumnSlices::kThreads;
  static constexpr std::uint32_t kPhases = 4;
  static constexpr std::size_t kSharedBytes =
      (ColumnSlices::kThreads + ColumnSlices::kCols) * sizeof(float);

  std::uint32_t blocks = 0;  // of ColumnSlices
  StepBoard board;
  LaneFloats arena;
  NormRows shape;
  std::size_t x = 0;
  std::size_t parts = 0;  // [slices, 2, stride]: means, squares

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t used = board.Step(at.lane).rows * shape.places;
    const ColumnSlices::Place place = ColumnSlices{shape.rows, shape.stride}.At(at, used);
    const std::uint32_t begin = place.slice * kSliceRows;
    if (place.col >= shape.stride || begin >= used) return;
    auto* sums = static_cast<float*>(shared);
    float* means = sums + kThreads;
    float* out = arena.At(at.lane, parts + std::size_t{place.slice} * 2 * shape.stride + place.col);
    if (phase % 2 == 0) {
      sums[at.thread] = SumOf(at.lane, place, phase == 0 ? 0.0F : means[place.own], phase > 0);
    } else if (place.group == 0 && phase == 1) {
      means[place.own] =
          ColumnSlices::Fold(sums, place.own) / static_cast<float>(place.end - begin);
      out[0] = means[place.own];
    } else if (place.group == 0) {
      out[shape.stride] = ColumnSlices::Fold(sums, place.own);
    }
  }

 private:
  [[nodiscard]] DDL_INLINE float SumOf(std::uint32_t lane, const ColumnSlices::Place& place,
                                       float mean, bool is_squared) const {
    float sum = 0.0F;
    for (std::uint32_t row = place.first; row < place.end; row += ColumnSlices::kGroups) {
      const float off = *arena.At(lane, x + std::size_t{row} * shape.stride + place.col) - mean;
      sum += is_squared ? off * off : off;
    }
    return sum;
  }
};

// Where a normalisation keeps what it knows of its columns.
struct NormStatistics {
  std::size_t running_mean = 0;
  std::size_t running_variance = 0;
  std::size_t mean = 0;
  std::size_t inverse = 0;
};

// Mean and variance of the batch from those of its slices, and the running ones.
struct BatchStatisticsBody {
  static constexpr std::uint32_t kThreads = 32;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(width, kThreads)
  StepBoard board;
  LaneFloats arena;
  NormRows shape;
  std::uint32_t width = 0;  // columns without padding
  std::size_t parts = 0;
  NormStatistics to;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t col = at.block * kThreads + at.thread;
    const std::uint32_t used = board.Step(at.lane).rows * shape.places;
    if (col >= width || used == 0) return;
    const auto count = static_cast<double>(used);
    const double mean =
        Sum(at.lane, col, used, [](double rows, double part, double) { return rows * part; }) /
        count;
    const double squares =
        Sum(at.lane, col, used, [mean](double rows, double part, double own_squares) {
          return own_squares + rows * (part - mean) * (part - mean);
        });
    const double unbiased = squares / (count > 2.0 ? count - 1.0 : 1.0);
    const auto narrow = static_cast<float>(mean);
    *arena.At(at.lane, to.mean + col) = narrow;
    *arena.At(at.lane, to.inverse + col) =
        1.0F / std::sqrt(static_cast<float>(squares / count) + kBatchNormEpsilon);
    float* running_mean = arena.At(at.lane, to.running_mean + col);
    float* running_variance = arena.At(at.lane, to.running_variance + col);
    *running_mean += kBatchNormMomentum * (narrow - *running_mean);
    *running_variance += kBatchNormMomentum * (static_cast<float>(unbiased) - *running_variance);
  }

 private:
  // function(rows of a slice, its mean, its squares), summed over the slices in order.
  template <class Function>
  [[nodiscard]] DDL_INLINE double Sum(std::uint32_t lane, std::uint32_t col, std::uint32_t used,
                                      Function function) const {
    double sum = 0.0;
    const float* part = arena.At(lane, parts + col);
    for (std::uint32_t first = 0; first < used; first += kSliceRows) {
      const std::uint32_t rows = used - first < kSliceRows ? used - first : kSliceRows;
      sum += function(static_cast<double>(rows), static_cast<double>(part[0]),
                      static_cast<double>(part[shape.stride]));
      part += std::size_t{2} * shape.stride;
    }
    return sum;
  }
};

// y = f(scale (x - mean) inverse + shift), by the batch's statistics in training, else by the
// running ones. Four columns a thread.
struct BatchNormBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows * stride / 4, kThreads)
  LaneFloats arena;
  NormRows shape;
  Activation activation = Activation::kIdentity;  // not kGelu
  bool is_training = false;
  std::size_t x = 0;
  std::size_t y = 0;
  std::size_t scale = 0;
  std::size_t shift = 0;
  NormStatistics from;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t first = (std::size_t{at.block} * kThreads + at.thread) * kFour;
    if (first >= std::size_t{shape.rows} * shape.stride) return;
    const auto col = static_cast<std::uint32_t>(first % shape.stride);
    FourFloats four = *reinterpret_cast<const FourFloats*>(arena.At(at.lane, x + first));
    for (std::uint32_t i = 0; i < kFour; ++i) {
      const float mean =
          *arena.At(at.lane, (is_training ? from.mean : from.running_mean) + col + i);
      const float factor = *arena.At(at.lane, scale + col + i) * Inverse(at.lane, col + i);
      const float offset = *arena.At(at.lane, shift + col + i) - mean * factor;
      four.at[i] = Activated(activation, four.at[i] * factor + offset);
    }
    *reinterpret_cast<FourFloats*>(arena.At(at.lane, y + first)) = four;
  }

 private:
  [[nodiscard]] DDL_INLINE float Inverse(std::uint32_t lane, std::uint32_t col) const {
    if (is_training) return *arena.At(lane, from.inverse + col);
    return 1.0F / std::sqrt(*arena.At(lane, from.running_variance + col) + kBatchNormEpsilon);
  }
};

// gradient *= f'; of each slice of rows the column sums of it and of its products with the
// normalised x.
struct BatchNormSumsBody {
  static constexpr std::uint32_t kThreads = ColumnSlices::kThreads;
  static constexpr std::uint32_t kPhases = 2;
  static constexpr std::size_t kSharedBytes = 2 * ColumnSlices::kThreads * sizeof(float);

  std::uint32_t blocks = 0;  // of ColumnSlices
  StepBoard board;
  LaneFloats arena;
  NormRows shape;
  Activation activation = Activation::kIdentity;  // not kGelu
  std::size_t x = 0;
  std::size_t y = 0;
  std::size_t gradient = 0;  // of y
  std::size_t mean = 0;
  std::size_t inverse = 0;
  std::size_t parts = 0;  // [slices, 2, stride]: sums, sums of products

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared) const {
    const std::uint32_t used = board.Step(at.lane).rows * shape.places;
    const ColumnSlices::Place place = ColumnSlices{shape.rows, shape.stride}.At(at, used);
    if (place.col >= shape.stride) return;
    auto* sums = static_cast<float*>(shared);
    float* products = sums + kThreads;
    if (phase == 0) {
      AddUp(at.lane, place, sums[at.thread], products[at.thread]);
    } else if (place.group == 0) {
      float* out =
          arena.At(at.lane, parts + std::size_t{place.slice} * 2 * shape.stride + place.col);
      out[0] = ColumnSlices::Fold(sums, place.own);
      out[shape.stride] = ColumnSlices::Fold(products, place.own);
    }
  }

 private:
  DDL_INLINE void AddUp(std::uint32_t lane, const ColumnSlices::Place& place, float& sum,
                        float& products) const {
    sum = 0.0F;
    products = 0.0F;
    const float middle = *arena.At(lane, mean + place.col);
    const float factor = *arena.At(lane, inverse + place.col);
    for (std::uint32_t row = place.first; row < place.end; row += ColumnSlices::kGroups) {
      const std::size_t at = std::size_t{row} * shape.stride + place.col;
      float* g = arena.At(lane, gradient + at);
      float own = *g;
      if (activation != Activation::kIdentity) {
        const float value = *arena.At(lane, y + at);
        own *= SlopeOf(activation, value, value);
        *g = own;
      }
      sum += own;
      products += own * ((*arena.At(lane, x + at) - middle) * factor);
    }
  }
};

// dx = scale inverse (dy - mean of dy - normalised x · mean of products). Four columns a thread.
struct BatchNormGradientBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;

  std::uint32_t blocks = 0;  // BlocksFor(rows * stride / 4, kThreads)
  StepBoard board;
  LaneFloats arena;
  NormRows shape;
  std::size_t x = 0;
  std::size_t gradient = 0;  // of y
  std::size_t out = 0;       // of x
  std::size_t scale = 0;
  std::size_t mean = 0;
  std::size_t inverse = 0;
  std::size_t sums = 0;      // of dy: the shift's gradient
  std::size_t products = 0;  // the scale's

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::size_t first = (std::size_t{at.block} * kThreads + at.thread) * kFour;
    if (first >= std::size_t{shape.rows} * shape.stride) return;
    const std::uint32_t used = board.Step(at.lane).rows * shape.places;
    FourFloats four{};
    if (first / shape.stride < used) {
      const float share = 1.0F / static_cast<float>(used);
      const std::size_t col = first % shape.stride;
      const FourFloats dy =
          *reinterpret_cast<const FourFloats*>(arena.At(at.lane, gradient + first));
      const FourFloats in = *reinterpret_cast<const FourFloats*>(arena.At(at.lane, x + first));
      for (std::uint32_t i = 0; i < kFour; ++i) {
        const float factor = *arena.At(at.lane, inverse + col + i);
        const float normal = (in.at[i] - *arena.At(at.lane, mean + col + i)) * factor;
        const float along = *arena.At(at.lane, sums + col + i) * share;
        const float across = *arena.At(at.lane, products + col + i) * share;
        four.at[i] =
            *arena.At(at.lane, scale + col + i) * factor * (dy.at[i] - along - normal * across);
      }
    }
    *reinterpret_cast<FourFloats*>(arena.At(at.lane, out + first)) = four;
  }
};

}  // namespace ddl
