// SPDX-License-Identifier: Apache-2.0
// Products in tiles of 64 x 64, as kernels of our own where a library's product would not do: what
// becomes of a sum happens while it is in registers (bias and activation of a layer, the
// optimizer's step of a weight), the matrices are many and partly zero (the heads of causal
// attention), the inner dimension is long and the result small (sums that are split among blocks),
// or a factor is not stored as a matrix (the windows of a convolution).
//
// Factors are float32 and are rounded as they are multiplied, or stored in bfloat16 where that is
// what is multiplied; so may results be.
//
// A block goes through the inner dimension in slabs of 16: a phase fetches the next slab into
// registers, multiplies the one that lies in shared memory and puts the fetched one into the other
// half of it, rounded. At the end the sums lie there and are finished. Each of its four warps has a
// quarter of the tile, 32 x 32, in the layout of tile_fragments.h; tensor cores multiply for
// TensorFloat-32 and bfloat16. On a host each thread adds up the numbers that are its own.
#pragma once

#include "trainer/cuda/dense_bodies.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/cuda/product.h"
#include "trainer/cuda/slab_walk.h"
#include "trainer/cuda/tile_finish.h"
#include "trainer/cuda/tile_fragments.h"
#include "trainer/cuda/tile_matrices.h"
#include "trainer/cuda/tile_product.h"
#include "trainer/cuda/tile_windows.h"
#include "trainer/cuda/update_body.h"

namespace ddl {

// `Factors` fetches numbers of both factors, and knows what tile_finish.h asks for.
template <ProductPrecision kPrecision, class Factors = TileMatrices>
struct TileBody : TileProduct {
  static constexpr std::uint32_t kThreads = kTileThreads;
  static constexpr std::uint32_t kLeastBlocks = 5;
  static constexpr bool kIsPaired = kPrecision == ProductPrecision::kBfloat16;
  // Words of a factor's slab: a float, or two numbers of bfloat16 in a word.
  static constexpr std::uint32_t kSlabWords = kTileSlab * kTilePitch / (kIsPaired ? 2 : 1);
  static constexpr std::uint32_t kHalf = 2 * kSlabWords;
  // A tile of sums lies there too, after the slabs.
  static constexpr std::size_t kSharedBytes = std::size_t{kTileSide} * kTilePitch * sizeof(float);
  static_assert(kSharedBytes >= std::size_t{2} * kHalf * sizeof(float));

  Factors factors;

  // Of a thread, from phase to phase.
  struct State {
    std::uint32_t slabs;
    std::uint32_t begin;  // of the inner dimension
    std::uint32_t end;
    bool multiplies;  // its warp has rows and columns of the result
    typename Factors::Walk walk;
    FourFloats left[kSlabFetches];  // as fetched_four.h says
    FourFloats right[kSlabFetches];
    FourSums sums[2][4];  // of 16 rows, 8 columns each
  };

  [[nodiscard]] DDL_INLINE std::uint32_t Phases(const ThreadPlace& at) const {
    return PlaceOf(at).Slabs() + 3;
  }

  DDL_INLINE void Start(const ThreadPlace& at, State& state) const {
    const TilePlace tile = PlaceOf(at);
    state.slabs = tile.Slabs();
    state.begin = tile.begin;
    state.end = tile.end;
    state.multiplies = tile.row + WarpRow(at) < rows && tile.col + WarpCol(at) < cols;
    factors.template Start<kIsPaired>(*this, tile, at.thread, state.walk);
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    auto* halves = static_cast<float*>(shared);
    if (phase < state.slabs) {
      factors.template Fetch<kIsPaired>(*this, at.thread, state.begin + phase * kTileSlab,
                                        state.end, state.walk, state.left, state.right);
    }
    if (phase > 0 && phase <= state.slabs && state.multiplies) {
      MultiplySlab(at, halves + (phase - 1) % 2 * kHalf, state);
    }
    if (phase < state.slabs) return Put(at, halves + phase % 2 * kHalf, state);
    if (phase == state.slabs) return;
    if (phase == state.slabs + 1) {
      if (state.multiplies) PutTile(at, halves, state);
      return;
    }
    const TilePlace tile = PlaceOf(at);
    if (tile.is_left_out) return;
    TileFinish<kPrecision, Factors>(*this, factors, tile, at.thread, halves).Run();
  }

 private:
  [[nodiscard]] DDL_INLINE TilePlace PlaceOf(const ThreadPlace& at) const {
    TilePlace tile(*this, at);
    factors.Limit(*this, tile);
    return tile;
  }

  [[nodiscard]] DDL_INLINE bool IsLeftAlong() const { return factors.IsLeftAlong(*this); }
  [[nodiscard]] DDL_INLINE bool IsRightAlong() const { return factors.IsRightAlong(*this); }

  // A thread's `index`-th four of a slab.
  DDL_INLINE static void PutFour(std::uint32_t thread, std::uint32_t index, bool is_along,
                                 FourFloats four, float* slab) {
    if constexpr (kPrecision == ProductPrecision::kTensorFloat32) {
      DDL_UNROLL
      for (float& number : four.at) {
        number = RoundedToTensorFloat(number);
      }
    }
    const SlabQuad quad(thread, is_along);
    float* to = slab + quad.inner * kTilePitch + quad.side;
    if (!is_along) {
      *reinterpret_cast<FourFloats*>(to + index * kTilePitch) = four;
      return;
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      to[i * kTilePitch + index * SlabQuad::kSidesApart] = four.at[i];
    }
  }
  // Two numbers of the inner dimension to a word.
  DDL_INLINE static void PutPairs(std::uint32_t thread, bool is_along, bool is_bfloat16,
                                  const FourFloats* fours, float* slab) {
    const SlabQuad quad(thread, is_along);
    float* to = slab + quad.inner / 2 * kTilePitch + quad.side;
    if (!is_along) {
      FourFloats pairs;
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        pairs.at[i] = PairAcross(fours[0], fours[1], i, is_bfloat16);
      }
      *reinterpret_cast<FourFloats*>(to) = pairs;
      return;
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
      to[i * SlabQuad::kSidesApart] = PairAlong(fours[i], 0, is_bfloat16);
      to[kTilePitch + i * SlabQuad::kSidesApart] = PairAlong(fours[i], 1, is_bfloat16);
    }
  }
  DDL_INLINE static void PutFactor(std::uint32_t thread, bool is_along, bool is_bfloat16,
                                   const FourFloats* fours, float* slab) {
    if constexpr (kIsPaired) {
      PutPairs(thread, is_along, is_bfloat16, fours, slab);
    } else {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kSlabFetches; ++i) {
        PutFour(thread, i, is_along, fours[i], slab);
      }
    }
  }
  DDL_INLINE void Put(const ThreadPlace& at, float* half, const State& state) const {
    PutFactor(at.thread, IsLeftAlong(), factors.IsLeftBfloat16(*this), state.left, half);
    PutFactor(at.thread, IsRightAlong(), factors.IsRightBfloat16(*this), state.right,
              half + kSlabWords);
  }

  // Of a thread's warp in the tile.
  [[nodiscard]] DDL_INLINE static std::uint32_t WarpRow(const ThreadPlace& at) {
    return at.thread / 64 * 32;
  }
  [[nodiscard]] DDL_INLINE static std::uint32_t WarpCol(const ThreadPlace& at) {
    return at.thread / 32 % 2 * 32;
  }

  DDL_INLINE static void MultiplySlab(const ThreadPlace& at, const float* half, State& state) {
    const float* left = half + WarpRow(at);
    const float* right = half + kSlabWords + WarpCol(at);
    const FragmentPlace place(at.thread % 32);
#if defined(__CUDA_ARCH__)
    if constexpr (kPrecision != ProductPrecision::kFloat32) {
      DDL_UNROLL
      for (std::uint32_t k = 0; k < kSlabWords; k += 8 * kTilePitch) {
        RightFragment b_of[4];
        DDL_UNROLL
        for (std::uint32_t n = 0; n < 4; ++n) {
          b_of[n] = RightOfEight(right + k + 8 * n, place);
        }
        DDL_UNROLL
        for (std::uint32_t m = 0; m < 2; ++m) {
          const LeftFragment a_of = LeftOfEight(left + k + 16 * m, place);
          DDL_UNROLL
          for (std::uint32_t n = 0; n < 4; ++n) {
            kIsPaired ? MultiplySixteen(state.sums[m][n], a_of, b_of[n])
                      : MultiplyEight(state.sums[m][n], a_of, b_of[n]);
          }
        }
      }
      return;
    }
#endif
    AddProducts(left, right, place, state);
  }

  // The k-th number of a column of a slab.
  [[nodiscard]] DDL_INLINE static float NumberOf(const float* column, std::uint32_t k) {
    if constexpr (kIsPaired) {
      const float pair = column[k / 2 * kTilePitch];
      return k % 2 == 0 ? LowOf(pair) : HighOf(pair);
    } else {
      return column[k * kTilePitch];
    }
  }
  // The same as tensor cores do, number by number.
  DDL_INLINE static void AddProducts(const float* left, const float* right,
                                     const FragmentPlace& place, State& state) {
    DDL_UNROLL
    for (std::uint32_t k = 0; k < kTileSlab; ++k) {
      const float* a_of = left + place.row;
      const float* b_of = right + place.col;
      DDL_UNROLL
      for (std::uint32_t m = 0; m < 2; ++m) {
        DDL_UNROLL
        for (std::uint32_t n = 0; n < 4; ++n) {
          DDL_UNROLL
          for (std::uint32_t i = 0; i < 4; ++i) {
            state.sums[m][n].at[i] +=
                NumberOf(a_of + 16 * m + i / 2 * 8, k) * NumberOf(b_of + 8 * n + i % 2, k);
          }
        }
      }
    }
  }

  // A whole tile of sums into shared memory.
  DDL_INLINE static void PutTile(const ThreadPlace& at, float* to, const State& state) {
    const FragmentPlace place(at.thread % 32);
    to += (WarpRow(at) + place.row) * kTilePitch + WarpCol(at) + place.col;
    DDL_UNROLL
    for (std::uint32_t n = 0; n < 4; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        const float* sums = state.sums[i / 2][n].at + std::size_t{2} * (i % 2);
        *reinterpret_cast<TwoFloats*>(to + (i / 2 * 16 + i % 2 * 8) * kTilePitch +
                                      8 * n) = {{sums[0], sums[1]}};
      }
    }
  }
};

}  // namespace ddl
