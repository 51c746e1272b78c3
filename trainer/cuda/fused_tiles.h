// SPDX-License-Identifier: Apache-2.0
// Causal attention that keeps no squares, for heads of up to 64 numbers: Dao et al. 2022,
// "FlashAttention", in the loops of Dao 2023, "FlashAttention-2". Of a head's square of scores, a
// block sees tiles of 64 x 64, one after the other, in shared memory. On the way forward it
// corrects what it has added up whenever a larger score turns up, and keeps of each row its largest
// score and one over its sum. On the way back tiles are multiplied anew: one kernel goes along the
// keys of a tile of queries, for their gradients, another one along the queries of a tile of keys,
// for those of keys and values. So nothing adds atomically.
#pragma once

#include <type_traits>

#include "trainer/attention.h"
#include "trainer/cuda/attention_bodies.h"
#include "trainer/cuda/head_tile.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/cuda/product.h"
#include "trainer/score_mask.h"

namespace ddl {

static_assert(kMostFusedDepth <= kTileSide);

// A matrix [samples * length, stride] in which heads lie side by side.
struct HeadRows {
  LaneNumbers numbers;
  std::uint32_t first = 0;  // column of the first head
  std::uint32_t stride = 0;
};

// What the kernels have in common.
struct FusedAttention {
  std::uint32_t blocks = 0;  // BlocksOf
  LaneFloats arena;
  HeadPlaces places;  // `square`: floats of a row of statistics
  float scale = 1.0F;
  HeadRows queries;
  HeadRows keys;
  HeadRows values;
  HeadRows out;                // what attention gives
  std::size_t statistics = 0;  // of each head a row each of largest scores, shares (one over the
                               // sum) and of what a gradient of the scores lacks
  StepBoard board;             // where probabilities are dropped
  std::uint32_t purpose = 0;   // as ScoreMaskPlace says; 0: all are kept

  [[nodiscard]] std::uint32_t BlocksOf() const { return places.Count() * TileCount(); }
  [[nodiscard]] DDL_INLINE std::uint32_t TileCount() const {
    return (places.length + kTileSide - 1) / kTileSide;
  }
  [[nodiscard]] DDL_INLINE std::uint32_t Head(const ThreadPlace& at) const {
    return at.block / TileCount();
  }
  // A block's tile of queries: those of most keys first.
  [[nodiscard]] DDL_INLINE std::uint32_t TileOfQueries(const ThreadPlace& at) const {
    return TileCount() - 1 - at.block % TileCount();
  }
};

enum class AttentionStatistic : std::uint32_t { kLargest = 0, kShare = 1, kAlong = 2 };

// How tiles get into shared memory, and results out of the threads. For products in bfloat16
// numbers may be stored as such.
template <ProductPrecision kPrecision>
struct FusedTiles : FusedAttention {
  static constexpr std::uint32_t kThreads = 128;
  using Tile = std::conditional_t<kPrecision == ProductPrecision::kBfloat16, RoundedHeadTile,
                                  FloatHeadTile<kPrecision == ProductPrecision::kTensorFloat32>>;
  using Place = StripPlace;
  using Strip = TileStrip;

  // The number with which a row of a head begins.
  [[nodiscard]] DDL_INLINE std::size_t RowAt(const HeadRows& rows, std::uint32_t head,
                                             std::uint32_t row) const {
    const std::size_t place = std::size_t{head / places.heads} * places.length + row;
    return place * rows.stride + rows.first + std::size_t{head % places.heads} * places.depth;
  }
  [[nodiscard]] DDL_INLINE float* StatisticsOf(const ThreadPlace& at,
                                               AttentionStatistic which) const {
    const std::size_t row = std::size_t{Head(at)} * 3 + static_cast<std::uint32_t>(which);
    return arena.At(at.lane, statistics + row * places.square);
  }

  // So many numbers of a row, from a column on; zero beyond the text and beyond the head.
  using Numbers = typename Tile::Numbers;
  [[nodiscard]] DDL_INLINE Numbers Fetch(const ThreadPlace& at, const HeadRows& rows,
                                         std::uint32_t row, std::uint32_t col) const {
    if (row >= places.length || col >= places.depth) return {};
    const bool is_bfloat16 = AreBfloat16(rows);
    const std::size_t from = RowAt(rows, Head(at), row) + col;
    const std::byte* place = NumberAt(arena.At(at.lane, rows.numbers.offset), from, is_bfloat16);
    const bool is_whole = col + Numbers::kCount <= places.depth && from % Numbers::kCount == 0;
    return is_whole ? Numbers::All(place, is_bfloat16)
                    : FetchFirst<Numbers>(places.depth - col, place, is_bfloat16);
  }
  [[nodiscard]] DDL_INLINE static bool AreBfloat16(const HeadRows& rows) {
    return Numbers::kMayBeBfloat16 && rows.numbers.is_bfloat16;
  }

  // 64 rows from `first` on.
  DDL_INLINE void Load(const ThreadPlace& at, const HeadRows& rows, std::uint32_t first,
                       float* tile) const {
    constexpr std::uint32_t kAlong = kTileSide / Numbers::kCount;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kTileSide * kAlong / kThreads; ++i) {
      const std::uint32_t index = at.thread + i * kThreads;
      const std::uint32_t row = index / kAlong;
      const std::uint32_t col = index % kAlong * Numbers::kCount;
      Tile::Take(Fetch(at, rows, first + row, col), AreBfloat16(rows), row, col, tile);
    }
  }

  DDL_INLINE static void Put(const Place& place, const Strip& strip, float* tile) {
    DDL_UNROLL
    for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; i += 2) {
        const float* two = strip.at[n].at + i;
        Tile::PutTwo(two[0], two[1], place.Row(i), place.Col(n, i), tile);
      }
    }
  }

  // Which probabilities of a strip are kept: bit 4 n + i is number i of eight n. Rows are queries
  // and columns keys, or with kIsAcross the other way round.
  template <bool kIsAcross>
  [[nodiscard]] DDL_INLINE std::uint32_t Kept(const ThreadPlace& at, const Place& place,
                                              std::uint32_t first_row,
                                              std::uint32_t first_col) const {
    const LaneStep& step = board.Step(at.lane);
    const RandomPlace drawn{.seed = std::uint64_t{step.seed_high} << 32U | step.seed_low,
                            .step = step.number,
                            .purpose = purpose};
    const std::uint32_t row = MaskPair(first_row + place.Row(0));
    std::uint32_t kept = 0;
    DDL_ROLLED
    for (std::uint32_t n = 0; n < kEightsOfTile; n += 2) {
      for (std::uint32_t i = 0; i < 2; ++i) {
        const std::uint32_t col = MaskPair(first_col + place.Col(n, i));
        const PhiloxWords words = kIsAcross ? DrawScores(drawn, places.length, Head(at), col, row)
                                            : DrawScores(drawn, places.length, Head(at), row, col);
        const std::uint32_t next_col = kIsAcross ? words.c : words.b;
        const std::uint32_t next_row = kIsAcross ? words.b : words.c;
        const std::uint32_t below = step.dropout.dropped_below;
        kept |= (words.a < below ? 0U : 1U) << (4 * n + i);
        kept |= (next_row < below ? 0U : 1U) << (4 * n + i + 2);
        kept |= (next_col < below ? 0U : 1U) << (4 * n + i + 4);
        kept |= (words.d < below ? 0U : 1U) << (4 * n + i + 6);
      }
    }
    return kept;
  }
  // Of probabilities or their gradients: the others become zero, and these make up for them.
  DDL_INLINE void Drop(const ThreadPlace& at, std::uint32_t kept, Strip& strip) const {
    const float factor = board.Step(at.lane).dropout.kept_factor;
    DDL_UNROLL
    for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        strip.at[n].at[i] *= (kept >> (4 * n + i) & 1U) != 0 ? factor : 0.0F;
      }
    }
  }

  // Rows beyond the text are left out.
  DDL_INLINE void Store(const ThreadPlace& at, const Place& place, const Strip& strip,
                        std::uint32_t first, const HeadRows& to) const {
    DDL_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const std::uint32_t row = first + place.Row(2 * half);
      if (row >= places.length) continue;
      const std::size_t start = RowAt(to, Head(at), row);
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
        const std::uint32_t col = place.Col(n, 0);
        const float* two = strip.at[n].at + std::size_t{2} * half;
        if (col + 1 < places.depth && start % 2 == 0) {
          to.numbers.PutTwo(arena, at.lane, start + col, two[0], two[1]);
          continue;
        }
        DDL_UNROLL
        for (std::uint32_t i = 0; i < 2; ++i) {
          if (col + i < places.depth) to.numbers.Put(arena, at.lane, start + col + i, two[i]);
        }
      }
    }
  }
};

}  // namespace ddl
