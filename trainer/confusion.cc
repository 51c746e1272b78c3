// SPDX-License-Identifier: Apache-2.0
#include "trainer/confusion.h"

#include <algorithm>

namespace ddl {

namespace {

std::optional<double> Ratio(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void Confusion::Add(std::size_t label, std::size_t answer) {
  ++counts_.at(label).support;
  ++counts_.at(answer).answers;
  if (label == answer) ++counts_[label].right;
  ++cells_[{label, answer}];
  ++rows_;
}

std::uint64_t Confusion::Count(std::size_t label, std::size_t answer) const {
  const auto found = cells_.find({label, answer});
  return found == cells_.end() ? 0 : found->second;
}

ClassFigures Confusion::Of(std::size_t class_number) const {
  const Counts& counts = counts_.at(class_number);
  return {.support = counts.support,
          .answers = counts.answers,
          .right = counts.right,
          .precision = Ratio(counts.right, counts.answers),
          .recall = Ratio(counts.right, counts.support),
          .f1 = Ratio(2 * counts.right, counts.support + counts.answers)};
}

double Confusion::Accuracy() const {
  std::uint64_t right = 0;
  for (const Counts& counts : counts_) {
    right += counts.right;
  }
  return Ratio(right, rows_).value_or(0.0);
}

double Confusion::MacroF1() const {
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t c = 0; c < counts_.size(); ++c) {
    const std::optional<double> f1 = Of(c).f1;
    if (!f1) continue;
    sum += *f1;
    ++count;
  }
  return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

std::vector<Mistake> Confusion::Mistakes(std::size_t most) const {
  std::vector<Mistake> mistakes;
  for (const auto& [cell, rows] : cells_) {
    if (cell.first == cell.second) continue;
    mistakes.push_back({.label = cell.first, .answer = cell.second, .rows = rows});
  }
  std::ranges::stable_sort(mistakes,
                           [](const Mistake& a, const Mistake& b) { return a.rows > b.rows; });
  if (mistakes.size() > most) mistakes.resize(most);
  return mistakes;
}

}  // namespace ddl
