// SPDX-License-Identifier: Apache-2.0
// How a thread goes through a factor of a product in tiles that is stored as a matrix, slab by slab
// (tile_slab.h). What does not change from slab to slab is found once.
#pragma once

#include "trainer/cuda/fetched_numbers.h"
#include "trainer/cuda/tile_product.h"
#include "trainer/cuda/tile_slab.h"

namespace ddl {

// A factor as it is stored, from its first number on.
struct StoredMatrix {
  const std::byte* at = nullptr;
  std::uint32_t stride = 0;  // numbers from a line to the next
  std::uint32_t sides = 0;   // rows or columns of the result
  bool is_along = false;     // a line is a side; else it is a number of the inner dimension
  bool is_aligned = false;   // every fourth (eighth) number is where as many may be fetched
  bool is_bfloat16 = false;
};

// Along the lines of a matrix.
template <class Slab>
struct MatrixWalk {
  using Numbers = typename Slab::Numbers;
  using Place = typename Slab::Place;
  static_assert(Place::kFetches == 2);

  const std::byte* at = nullptr;  // of the next slab
  std::uint32_t apart = 0;        // bytes to the numbers that are fetched second
  std::uint32_t advance = 0;      // and from slab to slab
  std::uint32_t counts[2] =
      {};  // numbers that are there of each, where the inner dimension goes on
  bool is_aligned = false;

  // Of the rows or columns from `first_side` on; the first slab begins at `first`.
  DDL_INLINE void Start(const StoredMatrix& matrix, std::uint32_t first_side, std::uint32_t first,
                        std::uint32_t thread) {
    const Place place(thread, matrix.is_along);
    const std::uint32_t shift = matrix.is_bfloat16 ? 1 : 2;
    const std::uint32_t side = first_side + place.side;
    const std::uint32_t inner = first + place.inner;
    const std::uint32_t line = matrix.is_along ? side : inner;
    const std::uint32_t col = matrix.is_along ? inner : side;
    at = matrix.at + ((std::size_t{line} * matrix.stride + col) << shift);
    apart = (matrix.is_along ? Place::kSidesApart : 1) * matrix.stride << shift;
    advance = (matrix.is_along ? Place::kInner : Place::kInner * matrix.stride) << shift;
    const std::uint32_t left = side < matrix.sides ? matrix.sides - side : 0;
    const std::uint32_t own =
        matrix.is_along ? (left > 0 ? Numbers::kCount : 0) : TilePlace::Less(Numbers::kCount, left);
    counts[0] = own;
    counts[1] = matrix.is_along && left <= Place::kSidesApart ? 0 : own;
    is_aligned = matrix.is_aligned;
  }

  // Of the slab that begins at `from`; zero from `end` on.
  DDL_INLINE void Fetch(bool is_along, bool is_bfloat16, std::uint32_t thread, std::uint32_t from,
                        std::uint32_t end, Numbers* fetched) {
    const std::uint32_t inner = from + Place(thread, is_along).inner;
    const std::uint32_t left = inner < end ? end - inner : 0;
    DDL_UNROLL
    for (std::uint32_t i = 0; i < Place::kFetches; ++i) {
      const std::uint32_t count =
          is_along ? TilePlace::Less(counts[i], left) : (i < left ? counts[i] : 0);
      const std::byte* own = at + i * apart;
      fetched[i] = count == Numbers::kCount && is_aligned
                       ? Numbers::All(own, is_bfloat16)
                       : FetchFirst<Numbers>(count, own, is_bfloat16);
    }
    at += advance;
  }
};

}  // namespace ddl
