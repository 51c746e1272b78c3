// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/tpe_history.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "configs/mix.h"

namespace ddl {

namespace {

bool HasValue(const std::optional<Outcome>& outcome) {
  return outcome &&
         (outcome->kind == Outcome::Kind::kFinished || outcome->kind == Outcome::Kind::kPruned);
}

bool IsCanceled(const std::optional<Outcome>& outcome) {
  return outcome && outcome->kind == Outcome::Kind::kCanceled;
}

bool IsKnown(const std::optional<Outcome>& outcome) {
  return outcome && !IsCanceled(outcome);
}

std::pair<std::uint64_t, std::int64_t> SamplingKey(std::int64_t number) {
  return {Mix(static_cast<std::uint64_t>(number) + 1), number};
}

}  // namespace

TpeHistory::TpeHistory(std::size_t dimensions, std::size_t objectives) : objectives_(objectives) {
  Dimensions all(dimensions);
  std::iota(all.begin(), all.end(), std::size_t{0});
  groups_.push_back(Rebuilt(std::move(all)));
}

bool TpeHistory::Has(const Point& point, const Group& group) {
  return std::ranges::none_of(group.dimensions,
                              [&point](std::size_t i) { return std::isnan(point[i]); });
}

void TpeHistory::Enter(Group& group, std::int64_t number, const Trial& trial) {
  if (IsCanceled(trial.outcome)) return;
  if (!trial.outcome) {
    group.running.insert(number);
    return;
  }
  group.ranking.Add(number, *trial.outcome);
  group.sampled.insert(SamplingKey(number));
}

void TpeHistory::Leave(Group& group, std::int64_t number, const Trial& trial) {
  if (IsCanceled(trial.outcome)) return;
  if (!trial.outcome) {
    group.running.erase(number);
    return;
  }
  group.ranking.Remove(number, *trial.outcome);
  group.sampled.erase(SamplingKey(number));
}

TpeHistory::Group TpeHistory::Rebuilt(Dimensions dimensions) const {
  Group group{std::move(dimensions), TrialRanking(objectives_, kMostGood), {}, {}};
  for (std::size_t i = 0; i < trials_.size(); ++i) {
    if (Has(trials_[i].point, group)) Enter(group, static_cast<std::int64_t>(i), trials_[i]);
  }
  return group;
}

// A group of which a configuration has some dimensions, but not all, is two.
void TpeHistory::Refine(const Point& point) {
  for (std::size_t i = 0, end = groups_.size(); i < end; ++i) {
    Dimensions present = groups_[i].dimensions;
    const auto absent = std::ranges::stable_partition(
        present, [&point](std::size_t dimension) { return !std::isnan(point[dimension]); });
    if (absent.empty() || absent.size() == present.size()) continue;
    groups_.push_back(Rebuilt(Dimensions(absent.begin(), absent.end())));
    present.erase(absent.begin(), absent.end());
    groups_[i] = Rebuilt(std::move(present));
  }
}

void TpeHistory::Take(std::int64_t number, Point point) {
  assert(number == std::ssize(trials_));
  Refine(point);
  trials_.push_back({std::move(point), std::nullopt});
  for (Group& group : groups_) {
    if (Has(trials_.back().point, group)) Enter(group, number, trials_.back());
  }
}

void TpeHistory::Tell(std::int64_t number, const Outcome& outcome) {
  Trial& trial = trials_.at(static_cast<std::size_t>(number));
  Trial told{trial.point, outcome};
  for (Group& group : groups_) {
    if (!Has(trial.point, group)) continue;
    Leave(group, number, trial);
    Enter(group, number, told);
  }
  valued_ += (HasValue(told.outcome) ? 1 : 0) - (HasValue(trial.outcome) ? 1 : 0);
  ended_ += (IsKnown(told.outcome) ? 1 : 0) - (IsKnown(trial.outcome) ? 1 : 0);
  trial = std::move(told);
}

TpeHistory::Split TpeHistory::SplitOf(std::size_t group, std::size_t good) const {
  const Group& of = groups_[group];
  Split split{of.ranking.Best(std::min(good, kMostGood)), {}};
  std::erase_if(split.good, [this](std::int64_t number) {
    return !HasValue(trials_[static_cast<std::size_t>(number)].outcome);
  });
  std::vector<std::int64_t> sorted = split.good;
  std::ranges::sort(sorted);
  for (const std::int64_t number : of.running) {
    if (split.bad.size() == kMostBad) return split;
    split.bad.push_back(number);
  }
  for (const auto& [hash, number] : of.sampled) {
    if (split.bad.size() == kMostBad) break;
    if (!std::ranges::binary_search(sorted, number)) split.bad.push_back(number);
  }
  return split;
}

}  // namespace ddl
