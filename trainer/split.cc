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
  ShuffleFirst(stream, numbers, numbers.size());
}

void ShuffleFirst(const RandomStream& stream, std::span<std::uint32_t> numbers, std::size_t count) {
  constexpr std::size_t kWords = 4096;  // drawn at a time
  std::array<std::uint32_t, kWords> words{};
  for (std::size_t i = 0; i < count && i + 1 < numbers.size(); ++i) {
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

// Marks and one pass in place of two sorts: this is most of what a warm training's start takes.
SplitIndices MakeSplit(std::size_t rows, std::size_t validation, std::uint64_t seed) {
  assert(validation < rows || rows == 0);
  std::vector<std::uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0U);
  ShuffleFirst({.seed = seed, .purpose = RandomPurpose::kSplit}, order, validation);
  std::vector<std::uint8_t> validates(rows);
  for (std::size_t i = 0; i < validation; ++i)
    validates[order[i]] = 1;
  SplitIndices split;
  split.train.reserve(rows - validation);
  split.validation.reserve(validation);
  for (std::uint32_t row = 0; row < rows; ++row)
    (validates[row] != 0 ? split.validation : split.train).push_back(row);
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
