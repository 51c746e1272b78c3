// SPDX-License-Identifier: Apache-2.0
// The way forward of attention that keeps no squares (fused_tiles.h).
#pragma once

#include "trainer/cuda/fused_tiles.h"
#include "trainer/vector_math.h"

namespace ddl {

// out = softmax(scale queries keys') values, of each tile of queries.
template <ProductPrecision kPrecision>
struct FusedAttentionBody : FusedTiles<kPrecision> {
  using Tiles = FusedTiles<kPrecision>;
  using typename Tiles::Place;
  using typename Tiles::Strip;
  // Queries; keys, then probabilities; values; of each row four threads' parts.
  static constexpr std::size_t kSharedBytes =
      (3 * Tiles::Tile::kWords + 4 * kTileSide) * sizeof(float);

  struct State {
    Strip scores;
    Strip out;
    float largest[2];
    float sums[2];  // of its own columns
  };

  [[nodiscard]] DDL_INLINE std::uint32_t Phases(const ThreadPlace& at) const {
    return kPhasesOfTile * (this->TileOfQueries(at) + 1) + 1;
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    auto* q = static_cast<float*>(shared);
    float* k = q + Tiles::Tile::kWords;
    float* v = k + Tiles::Tile::kWords;
    float* parts = v + Tiles::Tile::kWords;
    const Place place(at.thread);
    const std::uint32_t tile = this->TileOfQueries(at);
    const std::uint32_t other = phase / kPhasesOfTile;
    if (other > tile) return Finish(at, place, parts, state);
    switch (phase % kPhasesOfTile) {
      case 0:
        if (other == 0) this->Load(at, this->queries, tile * kTileSide, q);
        return this->Load(at, this->keys, other * kTileSide, k);
      case 1:
        state.scores = {};
        Tiles::Tile::template Multiply<false>(place, q, k, state.scores);
        this->Load(at, this->values, other * kTileSide, v);
        return TellLargest(place, other == tile, state.scores, parts);
      case 2:
        Soften(place, other == 0, other == tile, parts, state);
        if (this->purpose != 0) {
          const std::uint32_t first = other * kTileSide;
          this->Drop(at, this->template Kept<false>(at, place, tile * kTileSide, first),
                     state.scores);
        }
        return Tiles::Put(place, state.scores, k);
      default:
        Tiles::Tile::template Multiply<true>(place, k, v, state.out);
        if (other < tile) return;
        for (std::uint32_t half = 0; half < 2; ++half) {
          PartsOf(place, half, parts)[place.inner] = state.sums[half];
        }
    }
  }

 private:
  static constexpr std::uint32_t kPhasesOfTile = 4;

  [[nodiscard]] DDL_INLINE static float* PartsOf(const Place& place, std::uint32_t half,
                                                 float* parts) {
    return parts + place.Row(2 * half) * 4;
  }

  DDL_INLINE static void TellLargest(const Place& place, bool is_diagonal, const Strip& scores,
                                     float* parts) {
    DDL_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      float most = -__builtin_inff();
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
        DDL_UNROLL
        for (std::uint32_t i = 2 * half; i < 2 * half + 2; ++i) {
          if (is_diagonal && place.Col(n, i) > place.Row(i)) continue;
          most = scores.at[n].at[i] > most ? scores.at[n].at[i] : most;
        }
      }
      PartsOf(place, half, parts)[place.inner] = most;
    }
  }

  // Scores become probabilities but for a factor, and what was added up before them is corrected.
  DDL_INLINE void Soften(const Place& place, bool is_first, bool is_diagonal, float* parts,
                         State& state) const {
    DDL_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const float* own = PartsOf(place, half, parts);
      float most = is_first ? own[0] : state.largest[half];
      for (std::uint32_t i = 0; i < 4; ++i) {
        most = own[i] > most ? own[i] : most;
      }
      const float correction =
          is_first ? 0.0F : VectorExp(this->scale * (state.largest[half] - most));
      state.largest[half] = most;
      float sum = 0.0F;
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
        DDL_UNROLL
        for (std::uint32_t i = 2 * half; i < 2 * half + 2; ++i) {
          float& score = state.scores.at[n].at[i];
          const bool is_behind = is_diagonal && place.Col(n, i) > place.Row(i);
          score = is_behind ? 0.0F : VectorExp(this->scale * (score - most));
          sum += score;
          state.out.at[n].at[i] *= correction;
        }
      }
      state.sums[half] = state.sums[half] * correction + sum;
    }
  }

  DDL_INLINE void Finish(const ThreadPlace& at, const Place& place, float* parts,
                         State& state) const {
    const std::uint32_t first = this->TileOfQueries(at) * kTileSide;
    DDL_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const float* own = PartsOf(place, half, parts);
      const float share = 1.0F / (own[0] + own[1] + own[2] + own[3]);
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
        DDL_UNROLL
        for (std::uint32_t i = 2 * half; i < 2 * half + 2; ++i) {
          state.out.at[n].at[i] *= share;
        }
      }
      const std::uint32_t row = first + place.Row(2 * half);
      if (place.inner != 0 || row >= this->places.length) continue;
      this->StatisticsOf(at, AttentionStatistic::kLargest)[row] = state.largest[half];
      this->StatisticsOf(at, AttentionStatistic::kShare)[row] = share;
    }
    this->Store(at, place, state.out, first, this->out);
  }
};

}  // namespace ddl
