// SPDX-License-Identifier: Apache-2.0
#include "trainer/split.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/random.h"

namespace ddl {

namespace {

// 0 .. n-1 shuffled from the front (Fisher and Yates), so that a longer prefix begins with a
// shorter one. A word of 32 bits picks among at most n places: the bias is below n / 2^32.
std::vector<std::uint32_t> Permutation(const RandomStream& stream, std::size_t n) {
  std::vector<std::uint32_t> numbers(n);
  std::vector<std::uint32_t> words(n);
  std::iota(numbers.begin(), numbers.end(), 0U);
  FillWords(stream, 0, words);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const std::uint64_t left = n - i;
    const std::size_t pick = i + static_cast<std::size_t>((words[i] * left) >> 32U);
    std::swap(numbers[i], numbers[pick]);
  }
  return numbers;
}

Error WrongValidation(const Json& validation, std::size_t rows) {
  return {fmt::format("{} does not fit {} rows", DumpJson(validation), rows), "validation",
          "give a share below 1, or a count that leaves rows to train on; 0 trains on all"};
}

}  // namespace

std::size_t ValidationRows(const Json& validation, std::size_t rows) {
  if (validation.is_null()) return rows / 6;
  if (!validation.is_number()) throw WrongValidation(validation, rows);
  const auto number = validation.get<double>();
  if (!std::isfinite(number) || number < 0.0) throw WrongValidation(validation, rows);
  const bool is_count = validation.is_number_integer() || number >= 1.0;
  if (is_count && std::floor(number) != number) throw WrongValidation(validation, rows);
  const double wanted = is_count ? number : std::round(number * static_cast<double>(rows));
  if (wanted >= static_cast<double>(rows)) throw WrongValidation(validation, rows);
  return static_cast<std::size_t>(wanted);
}

SplitIndices MakeSplit(std::size_t rows, std::size_t validation, std::uint64_t seed) {
  assert(validation < rows || rows == 0);
  std::vector<std::uint32_t> order =
      Permutation({.seed = seed, .purpose = RandomPurpose::kSplit}, rows);
  const auto cut = order.begin() + static_cast<std::ptrdiff_t>(validation);
  SplitIndices split{.train = {cut, order.end()}, .validation = {order.begin(), cut}};
  std::ranges::sort(split.train);
  std::ranges::sort(split.validation);
  return split;
}

std::vector<std::uint32_t> EpochOrder(std::uint64_t seed, std::uint64_t epoch, std::size_t n) {
  return Permutation({.seed = seed, .purpose = RandomPurpose::kOrder, .step = epoch}, n);
}

void EpochRows(std::uint64_t seed, std::uint64_t epoch, std::span<const std::uint32_t> rows,
               std::span<std::uint32_t> out) {
  assert(rows.size() == out.size());
  const std::vector<std::uint32_t> order = EpochOrder(seed, epoch, rows.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = rows[order[i]];
  }
}

}  // namespace ddl
