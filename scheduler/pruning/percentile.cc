// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/percentile.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "configs/json.h"

namespace ddl {

namespace {

// Of sorted values but for the one at `but`, between the neighbours, as most tools reckon it. There
// is another one.
double PercentileOf(const std::vector<double>& sorted, std::size_t but, double percentile) {
  const auto at = [&](std::size_t i) { return sorted[i < but ? i : i + 1]; };
  const std::size_t others = sorted.size() - 1;
  const double place = percentile / 100 * static_cast<double>(others - 1);
  const auto below = static_cast<std::size_t>(place);
  const double share = place - static_cast<double>(below);
  if (share <= 0 || below + 1 == others) return at(below);
  return at(below) + (at(below + 1) - at(below)) * share;
}

}  // namespace

std::optional<double> PercentilePruner::Falls(const Column& column, const Own& own) const {
  const std::int64_t others = std::ssize(column.values) - 1;
  if (own.at.first < min_iter_ || others < trials_needed_) return std::nullopt;
  const auto place = std::ranges::lower_bound(column.values, own.value) - column.values.begin();
  const double bound = PercentileOf(column.values, static_cast<std::size_t>(place), percentile_);
  const bool is_worse = own.best > bound || own.best == kWorst;
  return is_worse ? std::optional(bound) : std::nullopt;
}

std::optional<std::string> PercentilePruner::Report(const PrunerReport& report) {
  const double value = OrWorst(report.value);
  Own& own = trials_.try_emplace(report.trial, Own{value, value}).first->second;
  own.best = std::min(own.best, value);
  own.value = value;
  own.at = {report.iteration, report.seed_index};
  Column& column = columns_[own.at];
  column.values.insert(std::ranges::upper_bound(column.values, value), value);
  moved_.insert(own.at);
  const auto bound = Falls(column, own);
  if (!bound) return std::nullopt;
  return fmt::format("at report {} worse than {}, which {} % of {} trials had reached then",
                     report.iteration, FormatNumber(*bound), FormatNumber(percentile_),
                     column.values.size() - 1);
}

void PercentilePruner::Hold(std::int64_t trial) {
  const auto own = trials_.find(trial);
  if (own == trials_.end()) return;
  columns_[own->second.at].held.emplace(own->second.best, trial);
  moved_.insert(own->second.at);
}

void PercentilePruner::Release(std::int64_t trial) {
  const auto own = trials_.find(trial);
  if (own != trials_.end()) columns_[own->second.at].held.erase({own->second.best, trial});
}

// Each is compared with others than itself, so that the bounds of two differ, but by no more than a
// place: whoever is beyond the worst bound does not go on, and nobody after it.
double PercentilePruner::WorstBound(const Column& column) const {
  const std::int64_t last = std::ssize(column.values) - 1;
  if (last < trials_needed_ || last < 1) return kWorst;
  const auto below = static_cast<std::int64_t>(percentile_ / 100 * static_cast<double>(last - 1));
  return column.values[static_cast<std::size_t>(std::min(last, below + 2))];
}

std::vector<Promotion> PercentilePruner::Promoted() {
  std::vector<Promotion> promoted;
  for (const auto& at : std::exchange(moved_, {})) {
    Column& column = columns_.at(at);
    const double worst = WorstBound(column);
    for (auto held = column.held.begin(); held != column.held.end() && held->first <= worst;) {
      if (Falls(column, trials_.at(held->second))) {
        ++held;
        continue;
      }
      promoted.push_back(
          {held->second,
           fmt::format("at report {} now no worse than what {} % of {} trials had "
                       "reached",
                       at.first, FormatNumber(percentile_), column.values.size() - 1)});
      held = column.held.erase(held);
    }
  }
  return promoted;
}

}  // namespace ddl
