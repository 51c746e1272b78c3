// SPDX-License-Identifier: Apache-2.0
// The way back of attention that keeps no squares (fused_tiles.h).
#pragma once

#include "trainer/cuda/fused_tiles.h"
#include "trainer/vector_math.h"

namespace ddl {

// Gradients of the queries, of each tile of them; and how far the gradient of each row of
// probabilities lies along them, for FusedKeyGradientBody.
template <ProductPrecision kPrecision>
struct FusedQueryGradientBody : FusedTiles<kPrecision> {
  using Tiles = FusedTiles<kPrecision>;
  using typename Tiles::Numbers;
  using typename Tiles::Place;
  using typename Tiles::Strip;
  // Queries; gradients of the output; keys; values, then gradients of scores; of each row two
  // threads' parts.
  static constexpr std::size_t kSharedBytes =
      (4 * Tiles::Tile::kWords + 2 * kTileSide) * sizeof(float);

  HeadRows gradient;  // of `out`
  HeadRows to;

  struct State {
    Strip scores;
    Strip slopes;
    Strip sums;
    float largest[2];
    float share[2];
    float along[2];
  };

  [[nodiscard]] DDL_INLINE std::uint32_t Phases(const ThreadPlace& at) const {
    return kPhasesOfTile * (this->TileOfQueries(at) + 1);
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    auto* q = static_cast<float*>(shared);
    float* g = q + Tiles::Tile::kWords;
    float* k = g + Tiles::Tile::kWords;
    float* v = k + Tiles::Tile::kWords;
    float* parts = v + Tiles::Tile::kWords;
    const Place place(at.thread);
    const std::uint32_t tile = this->TileOfQueries(at);
    const std::uint32_t first = tile * kTileSide;
    const std::uint32_t other = phase / kPhasesOfTile;
    switch (phase % kPhasesOfTile) {
      case 0:
        if (other == 0) {
          this->Load(at, this->queries, first, q);
          this->Load(at, gradient, first, g);
          parts[at.thread] = Along(at, first);
        }
        this->Load(at, this->keys, other * kTileSide, k);
        return this->Load(at, this->values, other * kTileSide, v);
      case 1:
        if (other == 0) Recall(at, place, parts, state);
        state.scores = {};
        state.slopes = {};
        Tiles::Tile::template Multiply<false>(place, q, k, state.scores);
        Tiles::Tile::template Multiply<false>(place, g, v, state.slopes);
        if (this->purpose != 0) {
          this->Drop(at, this->template Kept<false>(at, place, first, other * kTileSide),
                     state.slopes);
        }
        return Slope(place, other == tile, state);
      case 2:
        return Tiles::Put(place, state.slopes, v);
      default:
        Tiles::Tile::template Multiply<true>(place, v, k, state.sums);
        if (other == tile) this->Store(at, place, state.sums, first, to);
    }
  }

 private:
  static constexpr std::uint32_t kPhasesOfTile = 4;

  // A thread's half of a row of the output times its gradient, every second of what is fetched at
  // once: what the probabilities times their own gradients add up to.
  [[nodiscard]] DDL_INLINE float Along(const ThreadPlace& at, std::uint32_t first) const {
    const std::uint32_t row = first + at.thread / 2;
    float sum = 0.0F;
    DDL_UNROLL
    for (std::uint32_t pair = 0; pair < kTileSide; pair += 2 * Numbers::kCount) {
      const std::uint32_t col = pair + at.thread % 2 * Numbers::kCount;
      const Numbers o = this->Fetch(at, this->out, row, col);
      const Numbers slopes = this->Fetch(at, gradient, row, col);
      DDL_UNROLL
      for (std::uint32_t i = 0; i < Numbers::kCount; ++i) {
        sum += o.At(i, Tiles::AreBfloat16(this->out)) * slopes.At(i, Tiles::AreBfloat16(gradient));
      }
    }
    return sum;
  }

  DDL_INLINE void Recall(const ThreadPlace& at, const Place& place, const float* parts,
                         State& state) const {
    DDL_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const std::uint32_t row_of_tile = place.Row(2 * half);
      const std::uint32_t row = this->TileOfQueries(at) * kTileSide + row_of_tile;
      if (row >= this->places.length) continue;  // a share of zero
      state.largest[half] = this->StatisticsOf(at, AttentionStatistic::kLargest)[row];
      state.share[half] = this->StatisticsOf(at, AttentionStatistic::kShare)[row];
      state.along[half] = parts[2 * row_of_tile] + parts[2 * row_of_tile + 1];
      if (place.inner != 0) continue;
      this->StatisticsOf(at, AttentionStatistic::kAlong)[row] = state.along[half];
    }
  }

  DDL_INLINE void Slope(const Place& place, bool is_diagonal, State& state) const {
    DDL_UNROLL
    for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        const std::uint32_t half = i / 2;
        const float score = this->scale * (state.scores.at[n].at[i] - state.largest[half]);
        const float p = VectorExp(score) * state.share[half];
        const bool is_behind = is_diagonal && place.Col(n, i) > place.Row(i);
        float& slope = state.slopes.at[n].at[i];
        slope = is_behind ? 0.0F : this->scale * p * (slope - state.along[half]);
      }
    }
  }
};

// Gradients of keys and values, of each tile of them; behind FusedQueryGradientBody.
template <ProductPrecision kPrecision>
struct FusedKeyGradientBody : FusedTiles<kPrecision> {
  using Tiles = FusedTiles<kPrecision>;
  using typename Tiles::Place;
  using typename Tiles::Strip;
  // Keys; values; queries; gradients of the output; probabilities, then gradients of scores; three
  // statistics of each query.
  static constexpr std::size_t kSharedBytes =
      (5 * Tiles::Tile::kWords + 3 * kTileSide) * sizeof(float);

  HeadRows gradient;  // of `out`
  HeadRows to_keys;
  HeadRows to_values;

  // Of 16 keys, 64 queries.
  struct State {
    Strip scores;
    Strip slopes;
    Strip keys;
    Strip values;
  };

  [[nodiscard]] DDL_INLINE std::uint32_t Phases(const ThreadPlace& at) const {
    return kPhasesOfTile * (this->TileCount() - Tile(at));
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    auto* k = static_cast<float*>(shared);
    float* v = k + Tiles::Tile::kWords;
    float* q = v + Tiles::Tile::kWords;
    float* g = q + Tiles::Tile::kWords;
    float* x = g + Tiles::Tile::kWords;
    float* known = x + Tiles::Tile::kWords;
    const Place place(at.thread);
    const std::uint32_t tile = Tile(at);
    const std::uint32_t other = tile + phase / kPhasesOfTile;
    switch (phase % kPhasesOfTile) {
      case 0:
        if (phase == 0) {
          this->Load(at, this->keys, tile * kTileSide, k);
          this->Load(at, this->values, tile * kTileSide, v);
        }
        this->Load(at, this->queries, other * kTileSide, q);
        this->Load(at, gradient, other * kTileSide, g);
        return LoadStatistics(at, other * kTileSide, known);
      case 1:
        state.scores = {};
        state.slopes = {};
        Tiles::Tile::template Multiply<false>(place, k, q, state.scores);
        Tiles::Tile::template Multiply<false>(place, v, g, state.slopes);
        if (this->purpose == 0) {
          Slope(place, other == tile, known, state);
        } else {
          const std::uint32_t kept =
              this->template Kept<true>(at, place, tile * kTileSide, other * kTileSide);
          this->Drop(at, kept, state.slopes);
          Slope(place, other == tile, known, state);
          this->Drop(at, kept, state.scores);
        }
        return Tiles::Put(place, state.scores, x);
      case 2:
        return Tiles::Tile::template Multiply<true>(place, x, g, state.values);
      case 3:
        return Tiles::Put(place, state.slopes, x);
      default:
        Tiles::Tile::template Multiply<true>(place, x, q, state.keys);
        if (other + 1 < this->TileCount()) return;
        this->Store(at, place, state.keys, tile * kTileSide, to_keys);
        this->Store(at, place, state.values, tile * kTileSide, to_values);
    }
  }

 private:
  static constexpr std::uint32_t kPhasesOfTile = 5;

  // Those of most queries first.
  [[nodiscard]] DDL_INLINE std::uint32_t Tile(const ThreadPlace& at) const {
    return at.block % this->TileCount();
  }

  // Zero beyond the text: a share of nothing.
  DDL_INLINE void LoadStatistics(const ThreadPlace& at, std::uint32_t first, float* known) const {
    for (std::uint32_t i = at.thread; i < 3 * kTileSide; i += Tiles::kThreads) {
      const auto which = static_cast<AttentionStatistic>(i / kTileSide);
      const std::uint32_t row = first + i % kTileSide;
      known[i] = row < this->places.length ? this->StatisticsOf(at, which)[row] : 0.0F;
    }
  }

  // Scores become probabilities, and their gradients those of the scores.
  DDL_INLINE void Slope(const Place& place, bool is_diagonal, const float* known,
                        State& state) const {
    DDL_UNROLL
    for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        const std::uint32_t query = place.Col(n, i);
        const float score = this->scale * (state.scores.at[n].at[i] - known[query]);
        const bool is_behind = is_diagonal && place.Row(i) > query;
        const float p = is_behind ? 0.0F : VectorExp(score) * known[kTileSide + query];
        state.scores.at[n].at[i] = p;
        float& slope = state.slopes.at[n].at[i];
        slope = is_behind ? 0.0F : this->scale * p * (slope - known[2 * kTileSide + query]);
      }
    }
  }
};

}  // namespace ddl
