// SPDX-License-Identifier: Apache-2.0
// Causal attention that keeps no squares, for heads of up to 64 numbers: Dao et al. 2022,
// "FlashAttention", in the loops of Dao 2023, "FlashAttention-2". Of a head's square of scores, a
// block sees tiles of 64 x 64, one after the other, in shared memory. On the way forward it
// corrects what it has added up whenever a larger score turns up, and keeps of each row its largest
// score and one over its sum. On the way back tiles are multiplied anew: one kernel goes along the
// keys of a tile of queries, for their gradients, another one along the queries of a tile of keys,
// for those of keys and values. So nothing adds atomically.
//
// Tiles lie in shared memory as in a head's matrix, a row a place of the text. Each of the four
// warps of a block has 16 rows of a tile's products, in the layout of tile_fragments.h; tensor
// cores multiply for TensorFloat-32. On a host each thread adds up the numbers that are its own.
#pragma once

#include "trainer/attention.h"
#include "trainer/cuda/attention_bodies.h"
#include "trainer/cuda/product.h"
#include "trainer/cuda/tile_fragments.h"
#include "trainer/vector_math.h"

namespace ddl {

static_assert(kMostFusedDepth <= kTileSide);

// A matrix [samples * length, stride] in which heads lie side by side.
struct HeadRows {
  std::size_t offset = 0;  // of the first head's first column
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

  [[nodiscard]] std::uint32_t BlocksOf() const { return places.Count() * TileCount(); }
  [[nodiscard]] DDL_INLINE std::uint32_t TileCount() const {
    return (places.length + kTileSide - 1) / kTileSide;
  }
  [[nodiscard]] DDL_INLINE std::uint32_t Head(const ThreadPlace& at) const {
    return at.block / TileCount();
  }
};

enum class AttentionStatistic : std::uint32_t { kLargest = 0, kShare = 1, kAlong = 2 };

// Products of tiles in shared memory, and how tiles get there.
template <ProductPrecision kPrecision>
struct FusedTiles : FusedAttention {
  static constexpr std::uint32_t kThreads = 128;
  static constexpr std::uint32_t kPitch = kTileSide + 4;  // rows of 16 bytes each in another bank
  static constexpr std::uint32_t kTileFloats = kTileSide * kPitch;
  static constexpr std::uint32_t kEights = kTileSide / 8;

  // A thread's numbers of a warp's 16 x 64.
  struct Strip {
    FourSums at[kEights];
  };
  // Where a thread's numbers are: rows `row` and `row` + 8 of a tile, columns of each eight.
  struct Place : FragmentPlace {
    DDL_INLINE explicit Place(const ThreadPlace& at)
        : FragmentPlace(at.thread % 32), row_of_tile(at.thread / 32 * 16 + row) {}
    [[nodiscard]] DDL_INLINE std::uint32_t Row(std::uint32_t number) const {
      return row_of_tile + number / 2 * 8;
    }
    [[nodiscard]] DDL_INLINE std::uint32_t Col(std::uint32_t eight, std::uint32_t number) const {
      return 8 * eight + col + number % 2;
    }
    std::uint32_t row_of_tile;
  };

  [[nodiscard]] DDL_INLINE static float Rounded(float number) {
    return kPrecision == ProductPrecision::kTensorFloat32 ? RoundedToTensorFloat(number) : number;
  }

  [[nodiscard]] DDL_INLINE std::size_t RowAt(const HeadRows& rows, std::uint32_t head,
                                             std::uint32_t row) const {
    const std::size_t place = std::size_t{head / places.heads} * places.length + row;
    return rows.offset + place * rows.stride + std::size_t{head % places.heads} * places.depth;
  }
  [[nodiscard]] DDL_INLINE float* StatisticsOf(const ThreadPlace& at,
                                               AttentionStatistic which) const {
    const std::size_t row = std::size_t{Head(at)} * 3 + static_cast<std::uint32_t>(which);
    return arena.At(at.lane, statistics + row * places.square);
  }

  // 64 rows from `first` on; zero beyond the text and beyond the head.
  DDL_INLINE void Load(const ThreadPlace& at, const HeadRows& rows, std::uint32_t first,
                       float* tile) const {
    constexpr std::uint32_t kFours = kTileSide / kFour;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kTileSide * kFours / kThreads; ++i) {
      const std::uint32_t index = at.thread + i * kThreads;
      const std::uint32_t row = index / kFours;
      const std::uint32_t col = index % kFours * kFour;
      FourFloats four{};
      if (first + row < places.length && col < places.depth) {
        const std::size_t from = RowAt(rows, Head(at), first + row) + col;
        const float* numbers = arena.At(at.lane, from);
        if (col + kFour <= places.depth && from % kFour == 0) {
          four = *reinterpret_cast<const FourFloats*>(numbers);
        } else {
          DDL_UNROLL
          for (std::uint32_t j = 0; j < kFour; ++j) {
            if (col + j < places.depth) four.at[j] = numbers[j];
          }
        }
        for (float& number : four.at) {
          number = Rounded(number);
        }
      }
      *reinterpret_cast<FourFloats*>(tile + row * kPitch + col) = four;
    }
  }

  DDL_INLINE static void Put(const Place& place, const Strip& strip, float* tile) {
    DDL_UNROLL
    for (std::uint32_t n = 0; n < kEights; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        tile[place.Row(i) * kPitch + place.Col(n, i)] = Rounded(strip.at[n].at[i]);
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
      float* out_row = arena.At(at.lane, RowAt(to, Head(at), row));
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kEights; ++n) {
        DDL_UNROLL
        for (std::uint32_t i = 0; i < 2; ++i) {
          const std::uint32_t col = place.Col(n, i);
          if (col < places.depth) out_row[col] = strip.at[n].at[2 * half + i];
        }
      }
    }
  }

  // What a thread has of the left factor, 16 rows from its warp's first on and eight inner numbers;
  // and of the right one, whose columns are rows of its tile, or columns where it lies across.
  [[nodiscard]] DDL_INLINE static LeftFragment LeftOf(const Place& place, const float* left,
                                                      std::uint32_t inner) {
    const float* near = left + place.row_of_tile * kPitch + inner + place.inner;
    const float* far = near + 8 * kPitch;
    return {{BitsOf(near[0]), BitsOf(far[0]), BitsOf(near[4]), BitsOf(far[4])}};
  }
  template <bool kIsAcross>
  [[nodiscard]] DDL_INLINE static RightFragment RightOf(const Place& place, const float* right,
                                                        std::uint32_t inner, std::uint32_t eight) {
    constexpr std::uint32_t kInnerOn = kIsAcross ? kPitch : 1;
    constexpr std::uint32_t kColOn = kIsAcross ? 1 : kPitch;
    const float* near = right + (inner + place.inner) * kInnerOn + (8 * eight + place.row) * kColOn;
    return {{BitsOf(near[0]), BitsOf(near[4 * kInnerOn])}};
  }

  // sums += left right', or left right (kIsAcross), of 64 inner numbers.
  template <bool kIsAcross>
  DDL_INLINE static void Multiply(const Place& place, const float* left, const float* right,
                                  Strip& sums) {
#if defined(__CUDA_ARCH__)
    if constexpr (kPrecision == ProductPrecision::kTensorFloat32) {
      DDL_UNROLL
      for (std::uint32_t k = 0; k < kTileSide; k += 8) {
        const LeftFragment a = LeftOf(place, left, k);
        DDL_UNROLL
        for (std::uint32_t n = 0; n < kEights; ++n) {
          MultiplyEight(sums.at[n], a, RightOf<kIsAcross>(place, right, k, n));
        }
      }
      return;
    }
#endif
    AddProducts<kIsAcross>(place, left, right, sums);
  }

 private:
  // The same, number by number.
  template <bool kIsAcross>
  DDL_INLINE static void AddProducts(const Place& place, const float* left, const float* right,
                                     Strip& sums) {
    for (std::uint32_t k = 0; k < kTileSide; ++k) {
      const float* a = left + place.row_of_tile * kPitch + k;
      const float* b = kIsAcross ? right + k * kPitch : right + k;
      constexpr std::uint32_t kColOn = kIsAcross ? 1 : kPitch;
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kEights; ++n) {
        DDL_UNROLL
        for (std::uint32_t i = 0; i < 4; ++i) {
          sums.at[n].at[i] += a[i / 2 * 8 * kPitch] * b[place.Col(n, i) * kColOn];
        }
      }
    }
  }
};

// out = softmax(scale queries keys') values, of each tile of queries.
template <ProductPrecision kPrecision>
struct FusedAttentionBody : FusedTiles<kPrecision> {
  using Tiles = FusedTiles<kPrecision>;
  using typename Tiles::Place;
  using typename Tiles::Strip;
  // Queries; keys, then probabilities; values; of each row four threads' parts.
  static constexpr std::size_t kSharedBytes =
      (3 * Tiles::kTileFloats + 4 * kTileSide) * sizeof(float);

  struct State {
    Strip scores;
    Strip out;
    float largest[2];
    float sums[2];  // of its own columns
  };

  [[nodiscard]] DDL_INLINE std::uint32_t Phases(const ThreadPlace& at) const {
    return kPhasesOfTile * (Tile(at) + 1) + 1;
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    auto* q = static_cast<float*>(shared);
    float* k = q + Tiles::kTileFloats;
    float* v = k + Tiles::kTileFloats;
    float* parts = v + Tiles::kTileFloats;
    const Place place(at);
    const std::uint32_t tile = Tile(at);
    const std::uint32_t other = phase / kPhasesOfTile;
    if (other > tile) return Finish(at, place, parts, state);
    switch (phase % kPhasesOfTile) {
      case 0:
        if (other == 0) this->Load(at, this->queries, tile * kTileSide, q);
        return this->Load(at, this->keys, other * kTileSide, k);
      case 1:
        state.scores = {};
        Tiles::template Multiply<false>(place, q, k, state.scores);
        this->Load(at, this->values, other * kTileSide, v);
        return TellLargest(place, other == tile, state.scores, parts);
      case 2:
        Soften(place, other == 0, other == tile, parts, state);
        return Tiles::Put(place, state.scores, k);
      default:
        Tiles::template Multiply<true>(place, k, v, state.out);
        if (other < tile) return;
        for (std::uint32_t half = 0; half < 2; ++half) {
          PartsOf(place, half, parts)[place.inner] = state.sums[half];
        }
    }
  }

 private:
  static constexpr std::uint32_t kPhasesOfTile = 4;

  // Those of most keys first.
  [[nodiscard]] DDL_INLINE std::uint32_t Tile(const ThreadPlace& at) const {
    return this->TileCount() - 1 - at.block % this->TileCount();
  }
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
      for (std::uint32_t n = 0; n < Tiles::kEights; ++n) {
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
      for (std::uint32_t n = 0; n < Tiles::kEights; ++n) {
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
    const std::uint32_t first = Tile(at) * kTileSide;
    DDL_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const float* own = PartsOf(place, half, parts);
      const float share = 1.0F / (own[0] + own[1] + own[2] + own[3]);
      DDL_UNROLL
      for (std::uint32_t n = 0; n < Tiles::kEights; ++n) {
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

// Gradients of the queries, of each tile of them; and how far the gradient of each row of
// probabilities lies along them, for FusedKeyGradientBody.
template <ProductPrecision kPrecision>
struct FusedQueryGradientBody : FusedTiles<kPrecision> {
  using Tiles = FusedTiles<kPrecision>;
  using typename Tiles::Place;
  using typename Tiles::Strip;
  // Queries; gradients of the output; keys; values, then gradients of scores; of each row two
  // threads' parts.
  static constexpr std::size_t kSharedBytes =
      (4 * Tiles::kTileFloats + 2 * kTileSide) * sizeof(float);

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
    return kPhasesOfTile * (Tile(at) + 1);
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    auto* q = static_cast<float*>(shared);
    float* g = q + Tiles::kTileFloats;
    float* k = g + Tiles::kTileFloats;
    float* v = k + Tiles::kTileFloats;
    float* parts = v + Tiles::kTileFloats;
    const Place place(at);
    const std::uint32_t tile = Tile(at);
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
        Tiles::template Multiply<false>(place, q, k, state.scores);
        Tiles::template Multiply<false>(place, g, v, state.slopes);
        return Slope(place, other == tile, state);
      case 2:
        return Tiles::Put(place, state.slopes, v);
      default:
        Tiles::template Multiply<true>(place, v, k, state.sums);
        if (other == tile) this->Store(at, place, state.sums, first, to);
    }
  }

 private:
  static constexpr std::uint32_t kPhasesOfTile = 4;

  [[nodiscard]] DDL_INLINE std::uint32_t Tile(const ThreadPlace& at) const {
    return this->TileCount() - 1 - at.block % this->TileCount();
  }

  // A thread's half of a row of the output times its gradient: what the probabilities times their
  // own gradients add up to.
  [[nodiscard]] DDL_INLINE float Along(const ThreadPlace& at, std::uint32_t first) const {
    const std::uint32_t row = first + at.thread / 2;
    if (row >= this->places.length) return 0.0F;
    const float* o = this->arena.At(at.lane, this->RowAt(this->out, this->Head(at), row));
    const float* slope = this->arena.At(at.lane, this->RowAt(gradient, this->Head(at), row));
    constexpr std::uint32_t kHalf = kTileSide / 2;
    const std::uint32_t from = at.thread % 2 * kHalf;
    float sum = 0.0F;
    for (std::uint32_t d = from; d < from + kHalf && d < this->places.depth; ++d) {
      sum += o[d] * slope[d];
    }
    return sum;
  }

  DDL_INLINE void Recall(const ThreadPlace& at, const Place& place, const float* parts,
                         State& state) const {
    DDL_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const std::uint32_t row_of_tile = place.Row(2 * half);
      const std::uint32_t row = Tile(at) * kTileSide + row_of_tile;
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
    for (std::uint32_t n = 0; n < Tiles::kEights; ++n) {
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
      (5 * Tiles::kTileFloats + 3 * kTileSide) * sizeof(float);

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
    float* v = k + Tiles::kTileFloats;
    float* q = v + Tiles::kTileFloats;
    float* g = q + Tiles::kTileFloats;
    float* x = g + Tiles::kTileFloats;
    float* known = x + Tiles::kTileFloats;
    const Place place(at);
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
        Tiles::template Multiply<false>(place, k, q, state.scores);
        Tiles::template Multiply<false>(place, v, g, state.slopes);
        Slope(place, other == tile, known, state);
        return Tiles::Put(place, state.scores, x);
      case 2:
        return Tiles::template Multiply<true>(place, x, g, state.values);
      case 3:
        return Tiles::Put(place, state.slopes, x);
      default:
        Tiles::template Multiply<true>(place, x, q, state.keys);
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
    for (std::uint32_t n = 0; n < Tiles::kEights; ++n) {
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
