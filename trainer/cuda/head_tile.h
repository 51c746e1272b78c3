// SPDX-License-Identifier: Apache-2.0
// A tile of 64 rows of a head, or of 64 x 64 scores, in shared memory: how its numbers lie there,
// and how the four warps of a block multiply two of them. Each warp has 16 rows of a product, in
// the layout of tile_fragments.h. On a host each thread adds up the numbers that are its own.
#pragma once

#include "trainer/cuda/fetched_numbers.h"
#include "trainer/cuda/tile_fragments.h"

namespace ddl {

inline constexpr std::uint32_t kEightsOfTile = kTileSide / 8;

// A thread's numbers of a warp's 16 x 64.
struct TileStrip {
  FourSums at[kEightsOfTile];
};

// Where they are: rows `row` and `row` + 8 of a tile, columns of each eight.
struct StripPlace : FragmentPlace {
  DDL_INLINE explicit StripPlace(std::uint32_t thread)
      : FragmentPlace(thread % 32),
        lane(thread % 32),
        warp_row(thread / 32 * 16),
        row_of_tile(warp_row + row) {}
  [[nodiscard]] DDL_INLINE std::uint32_t Row(std::uint32_t number) const {
    return row_of_tile + number / 2 * 8;
  }
  [[nodiscard]] DDL_INLINE std::uint32_t Col(std::uint32_t eight, std::uint32_t number) const {
    return 8 * eight + col + number % 2;
  }

  std::uint32_t lane = 0;      // of its warp
  std::uint32_t warp_row = 0;  // the warp's first
  std::uint32_t row_of_tile = 0;
};

// sums += left right', or left right (kIsAcross), of 64 inner numbers, number by number.
template <class Tile, bool kIsAcross>
DDL_INLINE void AddTileProducts(const StripPlace& place, const float* left, const float* right,
                                TileStrip& sums) {
  for (std::uint32_t k = 0; k < kTileSide; ++k) {
    const float a[] = {Tile::At(left, place.row_of_tile, k),
                       Tile::At(left, place.row_of_tile + 8, k)};
    DDL_UNROLL
    for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
      DDL_UNROLL
      for (std::uint32_t i = 0; i < 4; ++i) {
        const std::uint32_t col = place.Col(n, i);
        sums.at[n].at[i] +=
            a[i / 2] * (kIsAcross ? Tile::At(right, k, col) : Tile::At(right, col, k));
      }
    }
  }
}

// Of floats, a row behind the other; `kIsRounded`: to TensorFloat-32, for tensor cores.
template <bool kIsRounded>
struct FloatHeadTile {
  using Numbers = FetchedFour;
  static constexpr std::uint32_t kPitch = kTileSide + 4;  // rows of 16 bytes each in another bank
  static constexpr std::uint32_t kWords = kTileSide * kPitch;

  // Numbers of a row from a column on that is a multiple of as many.
  DDL_INLINE static void Take(const Numbers& numbers, bool /*is_bfloat16*/, std::uint32_t row,
                              std::uint32_t col, float* tile) {
    FourFloats four = numbers.floats;
    DDL_UNROLL
    for (float& number : four.at) {
      number = Rounded(number);
    }
    *reinterpret_cast<FourFloats*>(tile + row * kPitch + col) = four;
  }
  // Two of a row, from an even column on.
  DDL_INLINE static void PutTwo(float one, float other, std::uint32_t row, std::uint32_t col,
                                float* tile) {
    tile[row * kPitch + col] = Rounded(one);
    tile[row * kPitch + col + 1] = Rounded(other);
  }
  [[nodiscard]] DDL_INLINE static float At(const float* tile, std::uint32_t row,
                                           std::uint32_t col) {
    return tile[row * kPitch + col];
  }

  // What a thread has of the left factor, 16 rows from its warp's first on and eight inner numbers;
  // and of the right one, whose columns are rows of its tile, or columns where it lies across.
  [[nodiscard]] DDL_INLINE static LeftFragment LeftOf(const StripPlace& place, const float* left,
                                                      std::uint32_t inner) {
    const float* near = left + place.row_of_tile * kPitch + inner + place.inner;
    const float* far = near + 8 * kPitch;
    return {{BitsOf(near[0]), BitsOf(far[0]), BitsOf(near[4]), BitsOf(far[4])}};
  }
  template <bool kIsAcross>
  [[nodiscard]] DDL_INLINE static RightFragment RightOf(const StripPlace& place, const float* right,
                                                        std::uint32_t inner, std::uint32_t eight) {
    constexpr std::uint32_t kInnerOn = kIsAcross ? kPitch : 1;
    constexpr std::uint32_t kColOn = kIsAcross ? 1 : kPitch;
    const float* near = right + (inner + place.inner) * kInnerOn + (8 * eight + place.row) * kColOn;
    return {{BitsOf(near[0]), BitsOf(near[4 * kInnerOn])}};
  }

  template <bool kIsAcross>
  DDL_INLINE static void Multiply(const StripPlace& place, const float* left, const float* right,
                                  TileStrip& sums) {
#if defined(__CUDA_ARCH__)
    if constexpr (kIsRounded) {
      DDL_UNROLL
      for (std::uint32_t k = 0; k < kTileSide; k += 8) {
        const LeftFragment a = LeftOf(place, left, k);
        DDL_UNROLL
        for (std::uint32_t n = 0; n < kEightsOfTile; ++n) {
          MultiplyEight(sums.at[n], a, RightOf<kIsAcross>(place, right, k, n));
        }
      }
      return;
    }
#endif
    AddTileProducts<FloatHeadTile, kIsAcross>(place, left, right, sums);
  }

 private:
  [[nodiscard]] DDL_INLINE static float Rounded(float number) {
    return kIsRounded ? RoundedToTensorFloat(number) : number;
  }
};

// Of bfloat16, two to a word, in eights of 16 bytes, which are permuted within their row so that
// those of eight rows are in different banks. Matrices of eight eights become fragments by
// ldmatrix.
struct RoundedHeadTile {
  using Numbers = FetchedEight;
  static constexpr std::uint32_t kRowBytes = 2 * kTileSide;
  static constexpr std::uint32_t kWords = kTileSide * kRowBytes / sizeof(float);

  // Where the eight of a row begins, in bytes; of its columns multiples of 16 may be flipped in it.
  [[nodiscard]] DDL_INLINE static std::uint32_t EightAt(std::uint32_t row, std::uint32_t eight) {
    return row * kRowBytes + (eight ^ row % 8) * 16;
  }

  DDL_INLINE static void Take(const Numbers& numbers, bool is_bfloat16, std::uint32_t row,
                              std::uint32_t col, float* tile) {
    *reinterpret_cast<FourFloats*>(PlaceIn(tile, EightAt(row, col / 8))) =
        numbers.Rounded(is_bfloat16);
  }
  DDL_INLINE static void PutTwo(float one, float other, std::uint32_t row, std::uint32_t col,
                                float* tile) {
    PlaceIn(tile, EightAt(row, col / 8))[col % 8 / 2] = RoundedPair(one, other);
  }
  [[nodiscard]] DDL_INLINE static float At(const float* tile, std::uint32_t row,
                                           std::uint32_t col) {
    const float pair = PlaceIn(tile, EightAt(row, col / 8))[col % 8 / 2];
    return col % 2 == 0 ? LowOf(pair) : HighOf(pair);
  }

  // Which eights a thread names to ldmatrix, in bytes, of four matrices of 8 x 8 each. Of a left
  // factor rows go on in the second one and inner numbers in the third; of a right one inner
  // numbers in the second one and columns in the third.
  [[nodiscard]] DDL_INLINE static std::uint32_t OfLeft(const StripPlace& place,
                                                       std::uint32_t inner) {
    const std::uint32_t row = place.warp_row + place.lane % 16;
    return EightAt(row, place.lane / 16) ^ 2 * inner;
  }
  template <bool kIsAcross>
  [[nodiscard]] DDL_INLINE static std::uint32_t OfRight(const StripPlace& place,
                                                        std::uint32_t inner, std::uint32_t col) {
    if (kIsAcross) {
      return (EightAt(place.lane % 16, place.lane / 16) ^ 2 * col) + inner * kRowBytes;
    }
    const std::uint32_t row = place.lane % 8 + place.lane / 16 * 8;
    return (EightAt(row, place.lane / 8 % 2) ^ 2 * inner) + col * kRowBytes;
  }

  template <bool kIsAcross>
  DDL_INLINE static void Multiply(const StripPlace& place, const float* left, const float* right,
                                  TileStrip& sums) {
#if defined(__CUDA_ARCH__)
    DDL_UNROLL
    for (std::uint32_t k = 0; k < kTileSide; k += 16) {
      const LeftFragment a = FourMatrices<false>(PlaceIn(left, OfLeft(place, k)));
      DDL_UNROLL
      for (std::uint32_t n = 0; n < kTileSide; n += 16) {
        const LeftFragment b =
            FourMatrices<kIsAcross>(PlaceIn(right, OfRight<kIsAcross>(place, k, n)));
        MultiplySixteen(sums.at[n / 8], a, {{b.at[0], b.at[1]}});
        MultiplySixteen(sums.at[n / 8 + 1], a, {{b.at[2], b.at[3]}});
      }
    }
#else
    AddTileProducts<RoundedHeadTile, kIsAcross>(place, left, right, sums);
#endif
  }
};

}  // namespace ddl
