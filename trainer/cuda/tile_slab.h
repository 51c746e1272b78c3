// SPDX-License-Identifier: Apache-2.0
// A slab of a factor of a product in tiles: which of its numbers a thread fetches, how they lie in
// shared memory, and how a warp takes fragments from there. A slab is so many numbers of the inner
// dimension of 32, 64 or 128 *sides*, which are rows of the result or columns.
//
// Floats lie as words, a row for each number of the inner dimension. Numbers in bfloat16 lie as
// they are fetched, in *eights* of 16 bytes, along the inner dimension or across it; matrices of
// eight eights become fragments by ldmatrix, which turns them round where they lie across (PTX ISA,
// "ldmatrix"). Eights are permuted, so that those that are written or read at once are in different
// banks.
#pragma once

#include <type_traits>

#include "trainer/cuda/fetched_numbers.h"
#include "trainer/cuda/tile_fragments.h"
#include "trainer/cuda/tile_product.h"

namespace ddl {

// Of the numbers that a thread fetches first; others are `kSidesApart` sides further each where
// numbers lie along the inner dimension, or the next number of it where they lie across. Then a
// warp has 32 sides, and nothing to do where a result has no more than the others' 32.
template <class FetchedNumbers, std::uint32_t kSides>
struct SlabPlace {
  using Numbers = FetchedNumbers;
  static constexpr std::uint32_t kCount = Numbers::kCount;
  static constexpr std::uint32_t kThreadsAlong = 4;                // of a side
  static constexpr std::uint32_t kInner = kThreadsAlong * kCount;  // numbers of a slab
  static constexpr std::uint32_t kSidesApart = kTileThreads / kThreadsAlong;
  static constexpr std::uint32_t kFetches = kSides / kSidesApart;  // of a thread

  DDL_INLINE SlabPlace(std::uint32_t thread, bool is_along) {
    constexpr std::uint32_t kAcross = 32 / kCount;  // threads of a warp, side by side
    if (is_along) {
      inner = thread % kThreadsAlong * kCount;
      side = thread / kThreadsAlong;
    } else if constexpr (kSides == 32) {
      inner = thread / kAcross;
      side = thread % kAcross * kCount;
    } else {  // of 64; where there are 128 they lie along
      inner = thread % 32 / kAcross * 2 + thread / 64 * (2 * kCount);
      side = thread % kAcross * kCount | (thread & 32U);
    }
  }

  std::uint32_t inner = 0;
  std::uint32_t side = 0;
};

// Where a thread puts and finds numbers in a slab of a factor, in bytes.
struct SlabPlaces {
  std::uint32_t put = 0;
  std::uint32_t read = 0;
};
// A factor's 32 sides of which a warp takes fragments.
struct WarpSides {
  std::uint32_t first = 0;
  bool is_left = false;
};

// Of floats; `kIsRounded`: to TensorFloat-32.
template <bool kIsRounded>
struct FloatSlab {
  using Numbers = FetchedFour;
  using Place = SlabPlace<Numbers, kTileSide>;
  static constexpr std::uint32_t kWords = Place::kInner * kTilePitch;
  static constexpr std::uint32_t kSteps = 2;  // of eight numbers each

  [[nodiscard]] DDL_INLINE static SlabPlaces PlacesOf(std::uint32_t thread, const WarpSides& warp,
                                                      bool is_along) {
    const Place own(thread, is_along);
    const FragmentPlace fragment(thread % 32);
    return {.put = (own.inner * kTilePitch + own.side) * 4,
            .read = (fragment.inner * kTilePitch + warp.first + fragment.row) * 4};
  }

  DDL_INLINE static void Put(const SlabPlaces& places, bool is_along, bool /*is_bfloat16*/,
                             const Numbers* fetched, float* slab) {
    float* to = PlaceIn(slab, places.put);
    DDL_UNROLL
    for (std::uint32_t index = 0; index < Place::kFetches; ++index) {
      FourFloats four = fetched[index].floats;
      if constexpr (kIsRounded) {
        DDL_UNROLL
        for (float& number : four.at) {
          number = RoundedToTensorFloat(number);
        }
      }
      if (!is_along) {
        ShareAtOnce(to + index * kTilePitch, four);
        continue;
      }
      DDL_UNROLL
      for (std::uint32_t i = 0; i < kFour; ++i) {
        to[i * kTilePitch + index * Place::kSidesApart] = four.at[i];
      }
    }
  }
  [[nodiscard]] DDL_INLINE static float At(const float* slab, bool /*is_along*/, std::uint32_t side,
                                           std::uint32_t k) {
    return slab[k * kTilePitch + side];
  }

  // Of sixteen sides, the `kGroup`-th of a warp's; `sides` has room for two.
  template <std::uint32_t kStep, std::uint32_t kGroup>
  [[nodiscard]] DDL_INLINE static LeftFragment Left(const float* slab, const SlabPlaces& places,
                                                    bool /*is_along*/) {
    return LeftOfEight(PlaceIn(slab, places.read) + kStep * 8 * kTilePitch + kGroup * 16);
  }
  template <std::uint32_t kStep, std::uint32_t kGroup>
  DDL_INLINE static void Right(const float* slab, const SlabPlaces& places, bool /*is_along*/,
                               RightFragment* sides) {
    const float* first = PlaceIn(slab, places.read) + kStep * 8 * kTilePitch + kGroup * 16;
    sides[0] = RightOfEight(first);
    sides[1] = RightOfEight(first + 8);
  }
};

// Of numbers in bfloat16.
template <std::uint32_t kSides>
struct RoundedSlab {
  using Numbers = FetchedEight;
  using Place = SlabPlace<Numbers, kSides>;
  static constexpr std::uint32_t kWords = kSides * Place::kInner / 2;
  static constexpr std::uint32_t kSteps = 2;  // of sixteen numbers each

  // Where eights begin, in bytes: those of a side, or of a number of the inner dimension.
  [[nodiscard]] DDL_INLINE static std::uint32_t Along(std::uint32_t side, std::uint32_t eight) {
    return OfFour(side, eight);
  }
  [[nodiscard]] DDL_INLINE static std::uint32_t Across(std::uint32_t k, std::uint32_t eight) {
    return kSides == 32 ? OfFour(k, eight) : OfEight(k, eight);
  }

  // Read is the eight that the thread names to ldmatrix, of four matrices of eight eights: of a
  // left factor sides go on in the second one and the inner dimension in the third, of a right one
  // the other way round.
  [[nodiscard]] DDL_INLINE static SlabPlaces PlacesOf(std::uint32_t thread, const WarpSides& warp,
                                                      bool is_along) {
    const Place own(thread, is_along);
    const std::uint32_t row = thread % 8;
    const std::uint32_t second = thread / 8 % 2;
    const std::uint32_t third = thread / 16 % 2;
    const std::uint32_t side = warp.is_left ? second : third;
    const std::uint32_t inner = warp.is_left ? third : second;
    if (is_along) {
      return {.put = Along(own.side, own.inner / 8),
              .read = Along(warp.first + side * 8 + row, inner)};
    }
    return {.put = Across(own.inner, own.side / 8),
            .read = Across(inner * 8 + row, warp.first / 8 + side)};
  }
  // Where what is fetched next goes: some sides further, or an odd number of the inner dimension.
  [[nodiscard]] DDL_INLINE static std::uint32_t PutOf(std::uint32_t put, bool is_along,
                                                      std::uint32_t index) {
    if (is_along || index == 0) return put + index * Along(Place::kSidesApart, 0);
    return (put ^ kTwoEights) + kLineBytes;
  }
  // What is read of `group`'s sixteen sides and `step`'s sixteen numbers is at Near + Further.
  [[nodiscard]] DDL_INLINE static std::uint32_t Near(std::uint32_t read, bool is_along,
                                                     std::uint32_t step, std::uint32_t group) {
    return read ^ (is_along ? step : group) * kTwoEights;
  }
  [[nodiscard]] DDL_INLINE static constexpr std::uint32_t Further(bool is_along, std::uint32_t step,
                                                                  std::uint32_t group) {
    return is_along ? group * 16 * 64 : step * 16 * kLineBytes;
  }

  DDL_INLINE static void Put(const SlabPlaces& places, bool is_along, bool is_bfloat16,
                             const Numbers* fetched, float* slab) {
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Place::kFetches; ++i) {
      ShareAtOnce(PlaceIn(slab, PutOf(places.put, is_along, i)), fetched[i].Rounded(is_bfloat16));
    }
  }
  [[nodiscard]] DDL_INLINE static float At(const float* slab, bool is_along, std::uint32_t side,
                                           std::uint32_t k) {
    const std::uint32_t in_eight = is_along ? k % 8 : side % 8;
    const std::uint32_t eight = is_along ? Along(side, k / 8) : Across(k, side / 8);
    const float pair = PlaceIn(slab, eight)[in_eight / 2];
    return in_eight % 2 == 0 ? LowOf(pair) : HighOf(pair);
  }

#if defined(__CUDA_ARCH__)
  template <std::uint32_t kStep, std::uint32_t kGroup>
  [[nodiscard]] __device__ __forceinline__ static LeftFragment Left(const float* slab,
                                                                    const SlabPlaces& places,
                                                                    bool is_along) {
    const float* near = PlaceIn(slab, Near(places.read, is_along, kStep, kGroup));
    return is_along ? FourMatrices<false, Further(true, kStep, kGroup)>(near)
                    : FourMatrices<true, Further(false, kStep, kGroup)>(near);
  }
  template <std::uint32_t kStep, std::uint32_t kGroup>
  __device__ __forceinline__ static void Right(const float* slab, const SlabPlaces& places,
                                               bool is_along, RightFragment* sides) {
    const LeftFragment both = Left<kStep, kGroup>(slab, places, is_along);
    sides[0] = {{both.at[0], both.at[1]}};
    sides[1] = {{both.at[2], both.at[3]}};
  }
#endif

 private:
  static constexpr std::uint32_t kTwoEights = 32;
  static constexpr std::uint32_t kLineBytes = 2 * kSides;  // of a number of the inner dimension

  // Of lines of four and of eight eights.
  [[nodiscard]] DDL_INLINE static std::uint32_t OfFour(std::uint32_t line, std::uint32_t eight) {
    return line * 64 + (eight ^ (line >> 1U & 3U)) * 16;
  }
  [[nodiscard]] DDL_INLINE static std::uint32_t OfEight(std::uint32_t line, std::uint32_t eight) {
    const std::uint32_t turned = (line << 1U & 6U) | (line >> 2U & 1U);
    return line * 128 + (eight ^ turned) * 16;
  }
};

// Of both factors of a product.
template <ProductPrecision kPrecision, class Tile>
struct TileSlabs {
  template <std::uint32_t kSides>
  using Slab = std::conditional_t<kPrecision == ProductPrecision::kBfloat16, RoundedSlab<kSides>,
                                  FloatSlab<kPrecision == ProductPrecision::kTensorFloat32>>;
  using Left = Slab<Tile::kRows>;
  using Right = Slab<Tile::kCols>;
  using Numbers = typename Left::Numbers;
  static_assert(Left::Place::kFetches * 32 == Tile::kRows);
  static_assert(Right::Place::kFetches * 32 == Tile::kCols);
};

}  // namespace ddl
