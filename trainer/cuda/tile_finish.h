// SPDX-License-Identifier: Apache-2.0
// What becomes of a tile of sums once it lies in shared memory, rows of floats: it is
// stored, added to, activated, pooled, or taken as the gradient of weights that move at once. A
// thread has numbers side by side at a time, so that whole lines of memory are read and written.
#pragma once

#include "trainer/cuda/lane_numbers.h"
#include "trainer/cuda/pool_bodies.h"
#include "trainer/cuda/tile_product.h"
#include "trainer/cuda/tile_slab.h"

namespace ddl {

// `Factors` knows where a row of the result lies, and what may become of a sum: what may not is not
// compiled.
template <ProductPrecision kPrecision, class Factors, class Tile>
class TileFinish {
 public:
  DDL_INLINE TileFinish(const TileProduct& product, const Factors& factors, const TilePlace& tile,
                        std::uint32_t thread, const float* sums)
      : product_(product),
        factors_(factors),
        tile_(tile),
        arena_(product.arena.Only(tile.lane)),
        thread_(thread),
        sums_(sums) {}

  DDL_INLINE void Run() const {
    if constexpr (Factors::kCanPool) {
      if (factors_.pooled.are_pooled) return Pool();
      if (product_.moments != kNoTensor) TellMoments();
    }
    if constexpr (Factors::kCanMove) {
      if (product_.moved.value != kNoTensor) return Move();
    }
    const std::uint32_t col = tile_.col + FirstCol();
    if (col >= product_.cols) return;
    DDL_ROLLED
    for (std::uint32_t row = FirstRow(); row < Tile::kRows; row += kRowsAtOnce) {
      const std::uint32_t own = tile_.row + factors_.template RowOf<Numbers>(row);
      if (own >= product_.rows) {
        if (!Factors::kMayShareRows) return;
        continue;
      }
      const std::size_t start = factors_.ResultRow(product_, tile_, own);
      if (start == kNoTensor) continue;
      Finish(start + tile_.slice * product_.slices.apart + col, col,
             *reinterpret_cast<const FourFloats*>(sums_ + row * Tile::kPitch + FirstCol()));
    }
  }

 private:
  using Numbers = typename TileSlabs<kPrecision, Tile>::Numbers;
  static constexpr std::uint32_t kFours = Tile::kCols / kFour;
  static constexpr std::uint32_t kRowsAtOnce = kTileThreads / kFours;

  [[nodiscard]] DDL_INLINE std::uint32_t FirstCol() const { return thread_ % kFours * kFour; }
  [[nodiscard]] DDL_INLINE std::uint32_t FirstRow() const { return thread_ / kFours; }
  // What is stored as `out` is.
  [[nodiscard]] DDL_INLINE LaneNumbers Results(std::size_t offset) const {
    return {offset, kPrecision == ProductPrecision::kBfloat16 && product_.out.is_bfloat16};
  }
  DDL_INLINE void Put(std::size_t offset, std::size_t index, const FourFloats& four) const {
    Results(offset).PutFour(arena_, 0, index, four);
  }
  [[nodiscard]] DDL_INLINE FourFloats FourAt(std::size_t offset, std::size_t index) const {
    return Results(offset).FourAt(arena_, 0, index);
  }

  // All but plain results have whole strides of columns.
  DDL_INLINE void Finish(std::size_t index, std::uint32_t col, const FourFloats& sums) const {
    if constexpr (Factors::kCanActivate) {
      if (product_.active.bias != kNoTensor) return Activate(index, col, sums);
    }
    if constexpr (Factors::kCanAdd) {
      if (product_.added != kNoTensor) return Add(index, sums);
    }
    const std::size_t offset = product_.out.offset;
    if (col + kFour <= product_.cols && offset % kFour == 0 && index % kFour == 0) {
      return Put(offset, index, sums);
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      if (col + i < product_.cols) {
        Results(offset).Put(arena_, 0, index + i, sums.at[i]);
      }
    }
  }
  // Two numbers at a time: with what the optimizer keeps four would take many registers.
  DDL_INLINE void Move() const {
    constexpr std::uint32_t kTwos = Tile::kCols / 2;
    const LaneStep& step = product_.board.Step(tile_.lane);
    const std::uint32_t col = thread_ % kTwos * 2;
    if (step.rows == 0 || tile_.col + col >= product_.cols) return;
    const UpdateRule rule = step.rule;  // read once: what is stored might be it, for all one knows
    const float average_rate = step.average_rate;
    DDL_ROLLED
    for (std::uint32_t row = thread_ / kTwos; row < Tile::kRows; row += kTileThreads / kTwos) {
      if (tile_.row + row >= product_.rows) return;
      const std::size_t index = factors_.ResultRow(product_, tile_, tile_.row + row) + tile_.col;
      MoveWeights(arena_, 0, product_.moved, index + col, rule, average_rate,
                  *reinterpret_cast<const TwoFloats*>(sums_ + row * Tile::kPitch + col));
    }
  }
  DDL_INLINE void Activate(std::size_t index, std::uint32_t col, const FourFloats& sums) const {
    const TileActivation& active = product_.active;
    FourFloats pre = LoadKept<FourFloats>(arena_, 0, active.bias, col);
    FourFloats result{};
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      pre.at[i] += sums.at[i];
      result.at[i] = Activated(active.activation, pre.at[i]);
    }
    if (active.pre != product_.out.offset) Put(active.pre, index, pre);
    Put(product_.out.offset, index, result);
  }
  DDL_INLINE void Add(std::size_t index, const FourFloats& sums) const {
    FourFloats result = FourAt(product_.added, index);
    FourFloats known{};
    if (product_.rectified != kNoTensor) known = FourAt(product_.rectified, index);
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      result.at[i] += sums.at[i];
      if (product_.rectified != kNoTensor && !(known.at[i] > 0.0F)) result.at[i] = 0.0F;
    }
    Put(product_.out.offset, index, result);
  }

  // Four rows are a square. No activation that is pooled here ever falls, so the maxima's is
  // enough.
  DDL_INLINE void Pool() const {
    const std::uint32_t col = tile_.col + FirstCol();
    if (col >= product_.cols) return;
    const auto bias = LoadKept<FourFloats>(arena_, 0, product_.active.bias, col);
    DDL_ROLLED
    for (std::uint32_t square = FirstRow(); square < Tile::kRows / 4; square += kRowsAtOnce) {
      if (tile_.row + 4 * square >= product_.rows) return;
      const float* pixels = sums_ + 4 * square * Tile::kPitch + FirstCol();
      FourFloats of_pixel[4];
      DDL_UNROLL
      for (std::uint32_t pixel = 0; pixel < 4; ++pixel) {
        of_pixel[pixel] = *reinterpret_cast<const FourFloats*>(pixels + pixel * Tile::kPitch);
      }
      FourFloats maxima{};
      std::uint32_t heirs = 0;
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        WindowMaximum maximum{.value = of_pixel[0].at[i]};
        DDL_UNROLL
        for (std::uint32_t pixel = 1; pixel < 4; ++pixel) {
          maximum.Take(of_pixel[pixel].at[i], pixel);
        }
        maxima.at[i] = Activated(product_.active.activation, maximum.value + bias.at[i]);
        heirs |= std::uint32_t{maximum.Heir()} << 8 * i;
      }
      const std::size_t to = std::size_t{tile_.row / 4 + square} * product_.out.stride + col;
      Put(product_.out.offset, to, maxima);
      if (factors_.pooled.heirs == kNoTensor) continue;
      *reinterpret_cast<std::uint32_t*>(HeirsAt(arena_, 0, factors_.pooled.heirs) + to) = heirs;
    }
  }

  // A column of 64 rows a thread.
  DDL_INLINE void TellMoments() const {
    const std::uint32_t used = product_.board.Step(tile_.lane).rows * factors_.PlacesOfSample();
    const std::uint32_t own = thread_ / Tile::kCols * kTileSide;  // the first of its rows
    const std::uint32_t col = tile_.col + thread_ % Tile::kCols;
    if (own >= Tile::kRows || col >= product_.cols || tile_.row + own >= used) return;
    const std::uint32_t count = TilePlace::Less(kTileSide, used - tile_.row - own);
    const float* column = sums_ + own * Tile::kPitch + thread_ % Tile::kCols;
    float mean = 0.0F;
    for (std::uint32_t row = 0; row < count; ++row) {
      mean += column[row * Tile::kPitch];
    }
    mean /= static_cast<float>(count);
    float squares = 0.0F;
    for (std::uint32_t row = 0; row < count; ++row) {
      const float off = column[row * Tile::kPitch] - mean;
      squares += off * off;
    }
    const std::size_t stride = product_.out.stride;
    float* to = arena_.At(0, product_.moments + (tile_.row + own) / kTileSide * 2 * stride + col);
    to[0] = mean;
    to[stride] = squares;
  }

  const TileProduct& product_;
  const Factors& factors_;
  const TilePlace& tile_;
  LaneFloats arena_;  // of the lane alone
  std::uint32_t thread_;
  const float* sums_;
};

}  // namespace ddl
