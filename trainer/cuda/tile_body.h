// SPDX-License-Identifier: Apache-2.0
// Products in tiles of 64 x 64 or 128 x 32, as kernels of our own where a library's product would
// not do: what becomes of a sum happens while it is in registers (bias and activation of a layer,
// the optimizer's step of a weight), the matrices are many and partly zero (the heads of causal
// attention), the inner dimension is long and the result small (sums that are split among blocks),
// or a factor is not stored as a matrix (the windows of a convolution).
//
// Factors are float32 and are rounded as they are multiplied, or stored in bfloat16 where that is
// what is multiplied; so may results be.
//
// A block goes through the inner dimension in slabs of 16 numbers, or of 32 in bfloat16: a phase
// fetches the next slab into registers, multiplies the one that lies in shared memory and puts the
// fetched one into the other half of it, rounded. At the end the sums lie there and are finished.
// Each of its four warps has a quarter of the tile, 32 x 32, in the layout of tile_fragments.h;
// tensor cores multiply for TensorFloat-32 and bfloat16. On a host each thread adds up the numbers
// that are its own.
#pragma once

#include <type_traits>

#include "trainer/cuda/dense_bodies.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/cuda/product.h"
#include "trainer/cuda/tile_finish.h"
#include "trainer/cuda/tile_fragments.h"
#include "trainer/cuda/tile_matrices.h"
#include "trainer/cuda/tile_product.h"
#include "trainer/cuda/tile_slab.h"
#include "trainer/cuda/tile_windows.h"
#include "trainer/cuda/update_body.h"

namespace ddl {

// `Factors` fetches numbers of both factors, and knows what tile_finish.h asks for.
template <ProductPrecision kPrecision, class Factors = TileMatrices,
          class TileOfResult = SquareTile>
struct TileBody : TileProduct {
  static constexpr std::uint32_t kThreads = kTileThreads;
  using Tile = TileOfResult;
  using Slabs = TileSlabs<kPrecision, Tile>;
  using Left = typename Slabs::Left;
  using Right = typename Slabs::Right;
  using Numbers = typename Slabs::Numbers;
  static constexpr std::uint32_t kLeastBlocks = Numbers::kCount == kFour ? 5 : 4;
  static constexpr std::uint32_t kInner = Left::Place::kInner;
  static constexpr std::uint32_t kHalf = Left::kWords + Right::kWords;
  // A tile of sums lies there too, after the slabs.
  static constexpr std::size_t kSharedBytes =
      std::size_t{Tile::kRows} * Tile::kPitch * sizeof(float);
  static_assert(kSharedBytes >= std::size_t{2} * kHalf * sizeof(float));

  Factors factors;

  // Of a thread, from phase to phase.
  struct State {
    std::uint32_t slabs;
    std::uint32_t begin;  // of the inner dimension
    std::uint32_t end;
    bool multiplies;  // its warp has rows and columns of the result
    SlabPlaces of_left;
    SlabPlaces of_right;
    typename Factors::template Walk<Slabs> walk;
    Numbers left[Left::Place::kFetches];  // as fetched_numbers.h says
    Numbers right[Right::Place::kFetches];
    FourSums sums[2][4];  // of 16 rows, 8 columns each
  };

  [[nodiscard]] DDL_INLINE std::uint32_t Phases(const ThreadPlace& at) const {
    return PlaceOf(at).Slabs(kInner) + 3;
  }

  DDL_INLINE void Start(const ThreadPlace& at, State& state) const {
    const TilePlace tile = PlaceOf(at);
    state.slabs = tile.Slabs(kInner);
    state.begin = tile.begin;
    state.end = tile.end;
    state.multiplies = tile.row + WarpRow(at) < rows && tile.col + WarpCol(at) < cols;
    state.of_left = PlacesOf<Left>(at, {WarpRow(at), true}, IsLeftAlong());
    state.of_right = PlacesOf<Right>(at, {WarpCol(at), false}, IsRightAlong());
    factors.template Start<Slabs>(*this, tile, at.thread, state.walk);
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    auto* halves = static_cast<float*>(shared);
    if (phase < state.slabs) {
      factors.template Fetch<Slabs>(*this, at.thread, state.begin + phase * kInner, state.end,
                                    state.walk, state.left, state.right);
    }
    if (phase > 0 && phase <= state.slabs && state.multiplies) {
      MultiplySlab(at, halves + (phase - 1) % 2 * kHalf, state);
    }
    if (phase < state.slabs) return Put(halves + phase % 2 * kHalf, state);
    if (phase == state.slabs) return;
    if (phase == state.slabs + 1) {
      if (state.multiplies) PutTile(at, halves, state);
      return;
    }
    const TilePlace tile = PlaceOf(at);
    if (tile.is_left_out) return;
    TileFinish<kPrecision, Factors, Tile>(*this, factors, tile, at.thread, halves).Run();
  }

 private:
  [[nodiscard]] DDL_INLINE TilePlace PlaceOf(const ThreadPlace& at) const {
    TilePlace tile = TilePlace::Of<Tile>(*this, at);
    factors.Limit(*this, tile);
    return tile;
  }

  [[nodiscard]] DDL_INLINE bool IsLeftAlong() const { return factors.IsLeftAlong(*this); }
  [[nodiscard]] DDL_INLINE bool IsRightAlong() const { return factors.IsRightAlong(*this); }

  template <class Slab>
  [[nodiscard]] DDL_INLINE static SlabPlaces PlacesOf(const ThreadPlace& at, const WarpSides& warp,
                                                      bool is_along) {
    const SlabPlaces places = Slab::PlacesOf(at.thread, warp, is_along);
    return {FoundOnce(places.put), FoundOnce(places.read)};
  }
  DDL_INLINE void Put(float* half, const State& state) const {
    Left::Put(state.of_left, IsLeftAlong(), factors.IsLeftBfloat16(*this), state.left, half);
    Right::Put(state.of_right, IsRightAlong(), factors.IsRightBfloat16(*this), state.right,
               half + Left::kWords);
  }

  // Of a thread's warp in the tile.
  static constexpr std::uint32_t kWarpsAcross = Tile::kCols / 32;
  [[nodiscard]] DDL_INLINE static std::uint32_t WarpRow(const ThreadPlace& at) {
    return at.thread / 32 / kWarpsAcross * 32;
  }
  [[nodiscard]] DDL_INLINE static std::uint32_t WarpCol(const ThreadPlace& at) {
    return at.thread / 32 % kWarpsAcross * 32;
  }

  DDL_INLINE void MultiplySlab(const ThreadPlace& at, const float* half, State& state) const {
#if defined(__CUDA_ARCH__)
    if constexpr (kPrecision != ProductPrecision::kFloat32) {
      static_assert(Left::kSteps == 2);
      MultiplyFragments<0>(half, state);
      MultiplyFragments<1>(half, state);
      return;
    }
#endif
    AddProducts(at, half, state);
  }

#if defined(__CUDA_ARCH__)
  template <std::uint32_t kStep>
  __device__ __forceinline__ void MultiplyFragments(const float* half, State& state) const {
    RightFragment b_of[4];
    const float* right = half + Left::kWords;
    Right::template Right<kStep, 0>(right, state.of_right, IsRightAlong(), b_of);
    Right::template Right<kStep, 1>(right, state.of_right, IsRightAlong(), b_of + 2);
    const LeftFragment a_of[] = {Left::template Left<kStep, 0>(half, state.of_left, IsLeftAlong()),
                                 Left::template Left<kStep, 1>(half, state.of_left, IsLeftAlong())};
    DDL_UNROLL
    for (std::uint32_t m = 0; m < 2; ++m) {
      DDL_UNROLL
      for (std::uint32_t n = 0; n < 4; ++n) {
        if constexpr (kPrecision == ProductPrecision::kBfloat16) {
          MultiplySixteen(state.sums[m][n], a_of[m], b_of[n]);
        } else {
          MultiplyEight(state.sums[m][n], a_of[m], b_of[n]);
        }
      }
    }
  }
#endif

  // The same as tensor cores do, number by number.
  DDL_INLINE void AddProducts(const ThreadPlace& at, const float* half, State& state) const {
    const FragmentPlace place(at.thread % 32);
    const std::uint32_t row = WarpRow(at) + place.row;
    const std::uint32_t col = WarpCol(at) + place.col;
    DDL_UNROLL
    for (std::uint32_t k = 0; k < kInner; ++k) {
      DDL_UNROLL
      for (std::uint32_t m = 0; m < 2; ++m) {
        DDL_UNROLL
        for (std::uint32_t n = 0; n < 4; ++n) {
          DDL_UNROLL
          for (std::uint32_t i = 0; i < 4; ++i) {
            state.sums[m][n].at[i] +=
                Left::At(half, IsLeftAlong(), row + 16 * m + i / 2 * 8, k) *
                Right::At(half + Left::kWords, IsRightAlong(), col + 8 * n + i % 2, k);
          }
        }
      }
    }
  }

  // A whole tile of sums into shared memory.
  DDL_INLINE static void PutTile(const ThreadPlace& at, float* to, const State& state) {
    const FragmentPlace place(at.thread % 32);
    to += (WarpRow(at) + place.row) * Tile::kPitch + WarpCol(at) + place.col;
    DDL_UNROLL
    for (std::uint32_t n = 0; n < 4; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        const float* sums = state.sums[i / 2][n].at + std::size_t{2} * (i % 2);
        *reinterpret_cast<TwoFloats*>(to + (i / 2 * 16 + i % 2 * 8) * Tile::kPitch +
                                      8 * n) = {{sums[0], sums[1]}};
      }
    }
  }
};

}  // namespace ddl
