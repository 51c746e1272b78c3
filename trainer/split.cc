// SPDX-License-Identifier: Apache-2.0
#include "trainer/split.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

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

void Shuffle(const RandomStream& stream, std::span<std::uint32_t> numbers) {
  constexpr std::size_t kWords = 4096;  // drawn at a time
  std::array<std::uint32_t, kWords> words{};
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    if (i % kWords == 0) FillWords(stream, i, words);
    const std::uint64_t left = numbers.size() - i;
    const std::size_t pick = i + static_cast<std::size_t>((words[i % kWords] * left) >> 32U);
    std::swap(numbers[i], numbers[pick]);
  }
}

std::vector<std::uint32_t> Permutation(const RandomStream& stream, std::size_t n) {
  std::vector<std::uint32_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0U);
  Shuffle(stream, numbers);
  return numbers;
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
