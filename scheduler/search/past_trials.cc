// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/past_trials.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "configs/parameter_values.h"

namespace ddl {

namespace {

bool AreWhole(const std::vector<double>& values) {
  return !values.empty() &&
         std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

std::vector<double> MeansOf(const std::vector<std::vector<double>>& trials) {
  std::vector<double> means(trials.front().size());
  for (const std::vector<double>& values : trials) {
    for (std::size_t i = 0; i < means.size(); ++i) {
      means[i] += values[i] / static_cast<double>(trials.size());
    }
  }
  return means;
}

}  // namespace

PastTrials::PastTrials(const SweepSpec& spec)
    : domain_(spec.space), conditions_(spec.space, spec.constraints) {}

void PastTrials::Add(const std::string& configuration, const PastTrial& trial) {
  const bool has_failed = trial.state == TrialState::kFailed;
  const bool was_pruned = trial.state == TrialState::kPruned;
  if (!has_failed && !was_pruned && trial.state != TrialState::kFinished) return;
  if (!has_failed && !AreWhole(trial.values)) return;
  const auto [at, is_new] = groups_.emplace(configuration, Group{});
  Group& group = at->second;
  if (is_new) {
    order_.push_back(&group);
    group.configuration = InSpace(trial.parameters);
  }
  if (!has_failed) (was_pruned ? group.pruned : group.finished).push_back(trial.values);
}

PastResults PastTrials::Results() const {
  PastResults past;
  for (const Group* group : order_) {
    if (!group->configuration) {
      ++past.left_out;
    } else if (!group->finished.empty()) {
      past.results.push_back({*group->configuration, MeansOf(group->finished)});
    } else if (!group->pruned.empty()) {
      past.results.push_back({*group->configuration, MeansOf(group->pruned), TrialState::kPruned});
    } else {
      past.results.push_back({*group->configuration, {}, TrialState::kFailed});
    }
  }
  return past;
}

// As the space would have it: in the parameters' own form, constants that it lacks put in.
std::optional<Configuration> PastTrials::InSpace(const Json& parameters) const {
  Configuration given = Json::object();
  for (const Parameter& p : domain_.GetSpace()) {
    if (!p.expr.empty()) continue;
    const auto found = parameters.find(p.Name());
    if (found == parameters.end()) {
      if (p.distribution == Distribution::kConstant) given[p.Name()] = p.values.front();
      continue;
    }
    const std::optional<Json> value = AsValueOf(p, *found);
    if (!value) return std::nullopt;
    given[p.Name()] = *value;
  }
  Configuration complete = conditions_.Complete(given);
  const bool is_one =
      IsWhole(given, complete) && IsInOnePlace(complete) && conditions_.Allows(complete);
  return is_one ? std::optional(std::move(complete)) : std::nullopt;
}

// All that is active has a value: what is drawn in its place is there, and is not missing.
bool PastTrials::IsWhole(const Configuration& given, const Configuration& complete) const {
  Configuration filled = given;
  for (const Parameter& p : domain_.GetSpace()) {
    if (!filled.contains(p.Name())) filled[p.Name()] = Json();
  }
  return conditions_.Complete(std::move(filled)).size() == complete.size();
}

// Zipped lists have the values at some place.
bool PastTrials::IsInOnePlace(const Configuration& complete) const {
  const Point point = domain_.Encode(complete);
  for (std::size_t i = 0; i < point.size(); ++i) {
    const Parameter& p = domain_.ParameterOf(i);
    const bool is_list = p.distribution == Distribution::kCategorical;
    if (is_list && complete.contains(p.Name()) && std::isnan(point[i])) return false;
  }
  return true;
}

std::vector<WarmPoint> BestResults(std::vector<WarmPoint> results,
                                   std::optional<std::int64_t> limit, Goal goal) {
  if (!limit || std::ssize(results) <= *limit) return results;
  const auto rank = [&results, goal](std::size_t i) {
    const double value = results[i].values.empty() ? 0 : results[i].values.front();
    const bool has_failed = results[i].state == TrialState::kFailed;
    const bool was_pruned = results[i].state == TrialState::kPruned;
    return std::tuple(has_failed, was_pruned, goal == Goal::kMaximize ? -value : value, i);
  };
  std::vector<std::size_t> places(results.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i] = i;
  }
  std::ranges::sort(places, {}, rank);
  places.resize(static_cast<std::size_t>(*limit));
  std::ranges::sort(places);
  std::vector<WarmPoint> best;
  for (const std::size_t place : places) {
    best.push_back(std::move(results[place]));
  }
  return best;
}

}  // namespace ddl
