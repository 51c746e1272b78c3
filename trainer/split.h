// SPDX-License-Identifier: Apache-2.0
// Which rows train, which validate, and in what order an epoch visits them: pure functions, so a
// resumed or repeated trial sees the same rows at the same step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "configs/json.h"
#include "trainer/random.h"

namespace ddl {

// Row numbers into Dataset::train, both ascending; together each row exactly once.
struct SplitIndices {
  std::vector<std::uint32_t> train;
  std::vector<std::uint32_t> validation;
};

// How many of `rows` the key `validation` asks for: a fraction in [0, 1) is rounded to the nearest
// row, an integer is a count, null means one sixth (10,000 of 60,000). Throws Error on anything
// else, and when no training row would be left.
[[nodiscard]] std::size_t ValidationRows(const Json& validation, std::size_t rows);

// `validation` of `rows` rows, drawn without replacement. With the same seed a smaller validation
// part is a subset of a larger one. rows < 2^32.
[[nodiscard]] SplitIndices MakeSplit(std::size_t rows, std::size_t validation, std::uint64_t seed);

// Fisher and Yates from the front, so that a longer prefix of the result begins with a shorter one.
// A word of 32 bits picks among at most n places: the bias is below n / 2^32. n < 2^32.
void Shuffle(const RandomStream& stream, std::span<std::uint32_t> numbers);
// Of the same permutation the first `count` places; the rest holds the other numbers.
void ShuffleFirst(const RandomStream& stream, std::span<std::uint32_t> numbers, std::size_t count);

// 0 .. n-1, shuffled.
[[nodiscard]] std::vector<std::uint32_t> Permutation(const RandomStream& stream, std::size_t n);

// A permutation of 0 .. n-1, a pure function of its arguments. Epochs count from 0. n < 2^32.
[[nodiscard]] std::vector<std::uint32_t> EpochOrder(std::uint64_t seed, std::uint64_t epoch,
                                                    std::size_t n);

// The given rows in that order: out[i] = rows[EpochOrder(seed, epoch, rows.size())[i]].
// `out` has the size of `rows` and does not overlap it.
void EpochRows(std::uint64_t seed, std::uint64_t epoch, std::span<const std::uint32_t> rows,
               std::span<std::uint32_t> out);

}  // namespace ddl
