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
        if (col + kFour <= places.depth && from % kFour == 0) {
          four = rows.numbers.FourAt(arena, at.lane, from);
        } else {
          DDL_UNROLL
          for (std::uint32_t j = 0; j < kFour; ++j) {
            if (col + j < places.depth) four.at[j] = rows.numbers.At(arena, at.lane, from + j);
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
      const std::size_t start = RowAt(to, Head(at), row);
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kEights; ++n) {
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

}  // namespace ddl
