// SPDX-License-Identifier: Apache-2.0
// Products in tiles of 64 x 64, as kernels of our own where a library's product would not do: what
// becomes of a sum happens while it is in registers (bias and activation of a layer, the
// optimizer's step of a weight), the
// matrices are many and partly zero (the heads of causal attention), or the inner dimension is long
// and the result small (sums that are split among blocks).
//
// A block goes through the inner dimension in slabs of 16: a phase fetches the next slab into
// registers, multiplies the one that lies in shared memory and puts the fetched one into the other
// half of it. Each of its four warps has a quarter of the tile, 32 x 32, in the layout of
// tile_fragments.h; tensor cores multiply for TensorFloat-32 and bfloat16. On a host each thread
// adds up the numbers that are its own.
#pragma once

#include "trainer/bfloat16.h"
#include "trainer/cuda/dense_bodies.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"
#include "trainer/cuda/product.h"
#include "trainer/cuda/rounding_body.h"
#include "trainer/cuda/tile_fragments.h"
#include "trainer/cuda/update_body.h"

namespace ddl {

inline constexpr std::uint32_t kTileSlab = 16;

// A row-major matrix, of each member of a family of matrices: samples, and heads within them.
struct TileFactor {
  std::size_t offset = 0;  // in the lane, in floats
  std::uint32_t stride = 0;
  bool is_transposed = false;
  std::size_t sample = 0;  // numbers from a sample's matrix to the next one's
  std::size_t head = 0;    // and from a head's
};

// Where the left factor of a product is zero, or the result of no use.
enum class TileTriangle : std::uint32_t {
  kNone,
  kLowerResult,  // columns behind a tile's last row are not wanted: whole tiles are left out
  kLowerLeft,    // left[r, i] = 0 for i > r
  kUpperLeft     // left[r, i] = 0 for i < r
};

// The inner dimension in equal parts of so many numbers each, a multiple of a slab.
struct TileSlices {
  std::uint32_t count = 1;
  std::uint32_t inner = 0;
  std::size_t apart = 0;  // floats from a slice's result to the next
};

// What becomes of the sums of a layer: pre = sums + bias, out = f(pre).
struct TileActivation {
  std::size_t bias = kNoTensor;  // none: sums are stored as they are
  std::size_t pre = 0;           // may be `out`, but for gelu
  Activation activation = Activation::kIdentity;
};

// result[rows, cols] = a[rows, inner] b[inner, cols] of every member, stored at `out` or, where
// `moved` is told, taken as the gradient of weights that the optimizer moves at once.
struct TileProduct {
  std::uint32_t blocks = 0;  // BlocksOf
  LaneFloats arena;
  StepBoard board;  // where weights are moved
  std::uint32_t rows = 0;
  std::uint32_t cols = 0;
  std::uint32_t inner = 0;
  std::uint32_t members = 1;
  std::uint32_t heads = 1;  // members of a sample
  TileFactor a;
  TileFactor b;
  TileFactor out;
  TileTriangle triangle = TileTriangle::kNone;
  TileSlices slices;
  TileActivation active;
  UpdatePart moved = {.value = kNoTensor};  // weights, of which `out` tells the stride: whole
                                            // strides of columns, of one member

  [[nodiscard]] std::uint32_t BlocksOf() const {
    return BlocksFor(rows, kTileSide) * BlocksFor(cols, kTileSide) * slices.count * members;
  }
};

// What a block of a product works on.
struct TilePlace {
  DDL_INLINE TilePlace(const TileProduct& product, const ThreadPlace& at) {
    const std::uint32_t wide = (product.cols + kTileSide - 1) / kTileSide;
    const std::uint32_t high = (product.rows + kTileSide - 1) / kTileSide;
    col = at.block % wide * kTileSide;
    row = at.block / wide % high * kTileSide;
    slice = at.block / wide / high % product.slices.count;
    member = at.block / wide / high / product.slices.count;
    is_left_out = product.triangle == TileTriangle::kLowerResult && col > row;
    end = product.inner;
    if (product.slices.count > 1) {
      begin = slice * product.slices.inner;
      end = Less(begin + product.slices.inner, end);
    }
    if (product.triangle == TileTriangle::kLowerLeft) end = Less(row + kTileSide, end);
    if (product.triangle == TileTriangle::kUpperLeft) begin = row;
  }
  [[nodiscard]] DDL_INLINE std::uint32_t Slabs() const {
    return is_left_out ? 0 : (end - begin + kTileSlab - 1) / kTileSlab;
  }
  [[nodiscard]] DDL_INLINE static std::uint32_t Less(std::uint32_t one, std::uint32_t other) {
    return one < other ? one : other;
  }

  std::uint32_t row = 0;
  std::uint32_t col = 0;
  std::uint32_t slice = 0;
  std::uint32_t member = 0;
  std::uint32_t begin = 0;  // of the inner dimension
  std::uint32_t end = 0;
  bool is_left_out = false;
};

template <ProductPrecision kPrecision>
struct TileBody : TileProduct {
  static constexpr std::uint32_t kThreads = 128;
  static constexpr std::uint32_t kHalf =
      2 * kTileSlab * kTilePitch;  // floats of both factors' slabs
  static constexpr std::size_t kSharedBytes = std::size_t{2} * kHalf * sizeof(float);
  static constexpr std::uint32_t kFetches = kTileSide * kTileSlab / kFour / kThreads;

  // Of a thread, from phase to phase.
  struct State {
    FourFloats left[kFetches];
    FourFloats right[kFetches];
    FourSums sums[2][4];  // of 16 rows, 8 columns each
  };

  [[nodiscard]] DDL_INLINE std::uint32_t Phases(const ThreadPlace& at) const {
    return TilePlace(*this, at).Slabs() + 1;
  }

  DDL_INLINE void Run(std::uint32_t phase, const ThreadPlace& at, void* shared,
                      State& state) const {
    const TilePlace tile(*this, at);
    if (tile.is_left_out) return;
    auto* halves = static_cast<float*>(shared);
    const std::uint32_t slabs = tile.Slabs();
    if (phase < slabs) Fetch(at, tile, tile.begin + phase * kTileSlab, state);
    if (phase > 0) MultiplySlab(at, halves + (phase - 1) % 2 * kHalf, state);
    if (phase < slabs) return Put(at, halves + phase % 2 * kHalf, state);
    Finish(at, tile, state);
  }

 private:
  [[nodiscard]] DDL_INLINE std::size_t Start(const TileFactor& factor,
                                             const TilePlace& tile) const {
    return tile.member / heads * factor.sample + tile.member % heads * factor.head;
  }

  // Four numbers side by side of a stored matrix; zero outside its first `lines` lines of `width`.
  [[nodiscard]] DDL_INLINE FourFloats FourAt(std::uint32_t lane, const TileFactor& factor,
                                             std::size_t start, std::uint32_t line,
                                             std::uint32_t first, std::uint32_t lines,
                                             std::uint32_t width) const {
    FourFloats four{};
    if (line >= lines || first >= width) return four;
    const std::size_t at = start + std::size_t{line} * factor.stride + first;
    if constexpr (kPrecision == ProductPrecision::kBfloat16) {
      const auto* halves =
          reinterpret_cast<const FourHalves*>(arena.At(lane, factor.offset + at / 2));
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        const std::uint32_t bits = std::uint32_t{halves->at[i].bits} << 16U;
        four.at[i] = first + i < width ? __builtin_bit_cast(float, bits) : 0.0F;
      }
    } else {
      const float* from = arena.At(lane, factor.offset + at);
      if (first + kFour <= width && (factor.offset + at) % kFour == 0) {
        four = *reinterpret_cast<const FourFloats*>(from);
      } else {
        DDL_UNROLL
        for (std::uint32_t i = 0; i < kFour; ++i) {
          if (first + i < width) four.at[i] = from[i];
        }
      }
      if constexpr (kPrecision == ProductPrecision::kTensorFloat32) {
        for (float& number : four.at) {
          number = RoundedToTensorFloat(number);
        }
      }
    }
    return four;
  }

  // The `index`-th four of a slab of a factor, of which `side` is the row or column of a result.
  // Along the inner dimension or across it, whichever lies side by side in memory.
  struct Quad {
    DDL_INLINE Quad(std::uint32_t index, bool is_along)
        : inner(is_along ? index % (kTileSlab / kFour) * kFour : index / (kTileSide / kFour)),
          side(is_along ? index / (kTileSlab / kFour) : index % (kTileSide / kFour) * kFour) {}
    std::uint32_t inner;
    std::uint32_t side;
  };
  [[nodiscard]] DDL_INLINE bool IsLeftAlong() const { return !a.is_transposed; }
  [[nodiscard]] DDL_INLINE bool IsRightAlong() const { return b.is_transposed; }

  DDL_INLINE void Fetch(const ThreadPlace& at, const TilePlace& tile, std::uint32_t from,
                        State& state) const {
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFetches; ++i) {
      const Quad left(at.thread + i * kThreads, IsLeftAlong());
      const std::uint32_t row = tile.row + left.side;
      const std::uint32_t k = from + left.inner;
      state.left[i] = IsLeftAlong() ? FourAt(at.lane, a, Start(a, tile), row, k, rows, tile.end)
                                    : FourAt(at.lane, a, Start(a, tile), k, row, tile.end, rows);
      const Quad right(at.thread + i * kThreads, IsRightAlong());
      const std::uint32_t col = tile.col + right.side;
      const std::uint32_t l = from + right.inner;
      state.right[i] = IsRightAlong() ? FourAt(at.lane, b, Start(b, tile), col, l, cols, tile.end)
                                      : FourAt(at.lane, b, Start(b, tile), l, col, tile.end, cols);
    }
  }

  DDL_INLINE static void PutFour(const Quad& quad, bool is_along, const FourFloats& four,
                                 float* slab) {
    float* to = slab + quad.inner * kTilePitch + quad.side;
    if (!is_along) {
      *reinterpret_cast<FourFloats*>(to) = four;
      return;
    }
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      to[i * kTilePitch] = four.at[i];
    }
  }
  DDL_INLINE void Put(const ThreadPlace& at, float* half, const State& state) const {
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFetches; ++i) {
      const std::uint32_t index = at.thread + i * kThreads;
      PutFour(Quad(index, IsLeftAlong()), IsLeftAlong(), state.left[i], half);
      PutFour(Quad(index, IsRightAlong()), IsRightAlong(), state.right[i],
              half + kTileSlab * kTilePitch);
    }
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
    const float* right = half + kTileSlab * kTilePitch + WarpCol(at);
    const FragmentPlace place(at.thread % 32);
#if defined(__CUDA_ARCH__)
    if constexpr (kPrecision == ProductPrecision::kTensorFloat32) {
      DDL_UNROLL
      for (std::uint32_t k = 0; k < kTileSlab; k += 8) {
        RightFragment b_of[4];
        DDL_UNROLL
        for (std::uint32_t n = 0; n < 4; ++n) {
          b_of[n] = RightOfEight(right + k * kTilePitch + 8 * n, place);
        }
        DDL_UNROLL
        for (std::uint32_t m = 0; m < 2; ++m) {
          const LeftFragment a_of = LeftOfEight(left + k * kTilePitch + 16 * m, place);
          DDL_UNROLL
          for (std::uint32_t n = 0; n < 4; ++n) {
            MultiplyEight(state.sums[m][n], a_of, b_of[n]);
          }
        }
      }
      return;
    }
    if constexpr (kPrecision == ProductPrecision::kBfloat16) {
      RightFragment b_of[4];
      DDL_UNROLL
      for (std::uint32_t n = 0; n < 4; ++n) {
        b_of[n] = RightOfSixteen(right + 8 * n, place);
      }
      DDL_UNROLL
      for (std::uint32_t m = 0; m < 2; ++m) {
        const LeftFragment a_of = LeftOfSixteen(left + 16 * m, place);
        DDL_UNROLL
        for (std::uint32_t n = 0; n < 4; ++n) {
          MultiplySixteen(state.sums[m][n], a_of, b_of[n]);
        }
      }
      return;
    }
#endif
    AddProducts(left, right, place, state);
  }

  // The same, number by number.
  DDL_INLINE static void AddProducts(const float* left, const float* right,
                                     const FragmentPlace& place, State& state) {
    DDL_UNROLL
    for (std::uint32_t k = 0; k < kTileSlab; ++k) {
      const float* a_of = left + k * kTilePitch + place.row;
      const float* b_of = right + k * kTilePitch + place.col;
      DDL_UNROLL
      for (std::uint32_t m = 0; m < 2; ++m) {
        DDL_UNROLL
        for (std::uint32_t n = 0; n < 4; ++n) {
          DDL_UNROLL
          for (std::uint32_t i = 0; i < 4; ++i) {
            state.sums[m][n].at[i] += a_of[16 * m + i / 2 * 8] * b_of[8 * n + i % 2];
          }
        }
      }
    }
  }

  DDL_INLINE void Finish(const ThreadPlace& at, const TilePlace& tile, const State& state) const {
    const FragmentPlace place(at.thread % 32);
    const std::uint32_t first = tile.row + WarpRow(at) + place.row;
    const std::uint32_t left = tile.col + WarpCol(at) + place.col;
    const std::size_t start = Start(out, tile) + tile.slice * slices.apart;
    DDL_UNROLL
    for (std::uint32_t m = 0; m < 2; ++m) {
      DDL_UNROLL
      for (std::uint32_t n = 0; n < 4; ++n) {
        DDL_UNROLL
        for (std::uint32_t half = 0; half < 2; ++half) {
          const std::uint32_t row = first + 16 * m + 8 * half;
          const std::uint32_t col = left + 8 * n;
          if (row >= rows || col >= cols) continue;
          const float* sums = state.sums[m][n].at + std::size_t{2} * half;
          const std::size_t to = start + std::size_t{row} * out.stride + col;
          if (moved.value != kNoTensor) {
            const LaneStep& step = board.Step(at.lane);
            if (step.rows == 0) return;
            MoveWeights(arena, at.lane, moved, to, step.rule, step.average_rate,
                        TwoFloats{{sums[0], sums[1]}});
          } else if (active.bias != kNoTensor) {
            ActivatePair(at.lane, to, col, sums);
          } else {
            StorePair(at.lane, to, sums, col + 1 < cols);
          }
        }
      }
    }
  }

  struct alignas(8) TwoFloats {
    float at[2];
  };
  // Layers have whole strides of columns, so that pairs are whole.
  DDL_INLINE void ActivatePair(std::uint32_t lane, std::size_t index, std::uint32_t col,
                               const float* sums) const {
    const auto own = LoadKept<TwoFloats>(arena, lane, active.bias, col);
    TwoFloats with_bias{};
    TwoFloats result{};
    DDL_UNROLL
    for (std::uint32_t i = 0; i < 2; ++i) {
      with_bias.at[i] = sums[i] + own.at[i];
      result.at[i] = Activated(active.activation, with_bias.at[i]);
    }
    if (active.pre != out.offset) StoreKept(arena, lane, active.pre, index, with_bias);
    StoreKept(arena, lane, out.offset, index, result);
  }
  DDL_INLINE void StorePair(std::uint32_t lane, std::size_t index, const float* sums,
                            bool is_whole) const {
    float* to = arena.At(lane, out.offset + index);
    if (is_whole && (out.offset + index) % 2 == 0) {
      *reinterpret_cast<TwoFloats*>(to) = {{sums[0], sums[1]}};
      return;
    }
    to[0] = sums[0];
    if (is_whole) to[1] = sums[1];
  }
};

}  // namespace ddl
