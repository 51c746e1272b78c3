// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/trial_ranking.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace ddl {

namespace {

// What dominates as little as can be, a tenth of the range beyond the worst.
Objectives BeyondWorst(const std::vector<Objectives>& points) {
  Objectives low = points.front();
  Objectives high = points.front();
  for (const Objectives& point : points) {
    for (std::size_t i = 0; i < point.size(); ++i) {
      low[i] = std::min(low[i], point[i]);
      high[i] = std::max(high[i], point[i]);
    }
  }
  for (std::size_t i = 0; i < high.size(); ++i) {
    const double range = high[i] - low[i];
    high[i] += range > 0 ? 0.1 * range : 1;
  }
  return high;
}

// Places of `count` points, each the one that adds most to those before it. Since what a point adds
// only falls as others join, an old figure bounds the new one, and few have to be reckoned anew.
std::vector<std::size_t> MostVolume(const std::vector<Objectives>& points, std::size_t count) {
  const Objectives reference = BeyondWorst(points);
  std::priority_queue<std::tuple<double, std::int64_t, std::size_t>> gains;
  for (std::size_t i = 0; i < points.size(); ++i) {
    gains.emplace(Hypervolume({points[i]}, reference), -static_cast<std::int64_t>(i), 0);
  }
  std::vector<std::size_t> chosen;
  std::vector<Objectives> volume_of;
  double volume = 0;
  while (chosen.size() < count) {
    const auto [gain, negated, reckoned_with] = gains.top();
    gains.pop();
    const auto place = static_cast<std::size_t>(-negated);
    if (reckoned_with == chosen.size()) {
      chosen.push_back(place);
      volume_of.push_back(points[place]);
      volume = Hypervolume(volume_of, reference);
      continue;
    }
    volume_of.push_back(points[place]);
    const double with_it = Hypervolume(volume_of, reference);
    volume_of.pop_back();
    gains.emplace(with_it - volume, negated, chosen.size());
  }
  return chosen;
}

}  // namespace

bool TrialRanking::IsContender(const Outcome& outcome) const {
  return objectives_ > 1 && outcome.kind == Outcome::Kind::kFinished;
}

TrialRanking::Key TrialRanking::KeyOf(std::int64_t number, const Outcome& outcome) const {
  const double value = outcome.values.empty() ? 0 : outcome.values.front();
  switch (outcome.kind) {
    case Outcome::Kind::kFinished:
      return {0, 0.0, value, number};
    case Outcome::Kind::kPruned:
      return {1, -outcome.resource, value, number};
    default:
      return {2, 0.0, 0.0, number};
  }
}

void TrialRanking::Add(std::int64_t number, const Outcome& outcome) {
  if (!IsContender(outcome)) {
    ordered_.insert(KeyOf(number, outcome));
    return;
  }
  finished_[number] = outcome.values;
  std::size_t dominators = 0;
  for (auto it = contenders_.begin(); it != contenders_.end();) {
    dominators += Dominates(it->second.values, outcome.values);
    it->second.dominators += Dominates(outcome.values, it->second.values);
    it = it->second.dominators >= most_ ? contenders_.erase(it) : std::next(it);
  }
  if (dominators < most_) contenders_[number] = {outcome.values, dominators};
}

void TrialRanking::Remove(std::int64_t number, const Outcome& outcome) {
  if (!IsContender(outcome)) {
    ordered_.erase(KeyOf(number, outcome));
    return;
  }
  finished_.erase(number);
  contenders_.clear();
  for (const auto& [other, values] : std::exchange(finished_, {})) {
    Add(other, {.values = values});
  }
}

std::vector<std::int64_t> TrialRanking::BestContenders(std::size_t count) const {
  std::vector<std::int64_t> numbers;
  std::vector<Objectives> points;
  for (const auto& [number, contender] : contenders_) {
    numbers.push_back(number);
    points.push_back(contender.values);
  }
  std::map<std::size_t, std::vector<std::size_t>> by_rank;
  const std::vector<std::size_t> ranks = NondominationRanks(points);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    by_rank[ranks[i]].push_back(i);
  }
  std::vector<std::int64_t> best;
  for (const auto& [rank, places] : by_rank) {
    if (best.size() == count) break;
    std::vector<Objectives> of_rank;
    for (const std::size_t place : places) {
      of_rank.push_back(points[place]);
    }
    const std::size_t wanted = std::min(count - best.size(), places.size());
    for (const std::size_t i : MostVolume(of_rank, wanted)) {
      best.push_back(numbers[places[i]]);
    }
  }
  return best;
}

std::vector<std::int64_t> TrialRanking::Best(std::size_t count) const {
  std::vector<std::int64_t> best = BestContenders(std::min(count, most_));
  for (const Key& key : ordered_) {
    if (best.size() >= count) break;
    best.push_back(std::get<3>(key));
  }
  return best;
}

}  // namespace ddl
