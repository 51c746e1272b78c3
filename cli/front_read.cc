// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "cli/front.h"
#include "configs/error.h"
#include "configs/spec.h"
#include "scheduler/search/hypervolume_growth.h"
#include "scheduler/search/seed_outcomes.h"

namespace ddl {

namespace {

// Lower is better to what compares.
Objectives Lowered(const std::vector<SweepObjective>& objectives,
                   const std::vector<double>& values) {
  Objectives lowered = values;
  for (std::size_t i = 0; i < lowered.size(); ++i) {
    if (objectives[i].maximize) lowered[i] = -lowered[i];
  }
  return lowered;
}

std::vector<Objectives> Lowered(const std::vector<SweepObjective>& objectives,
                                const std::vector<FrontMember>& members) {
  std::vector<Objectives> points;
  points.reserve(members.size());
  for (const FrontMember& member : members) {
    points.push_back(Lowered(objectives, member.values));
  }
  return points;
}

// Nothing of one that does not count.
std::optional<FrontMember> MemberOf(std::span<const ObjectiveLine> trials,
                                    std::int64_t configuration) {
  FrontMember member{.configuration = configuration,
                     .first_trial = trials.front().number,
                     .seeds = 0,
                     .values = {}};
  std::vector<SeedResult> seeds;
  for (const ObjectiveLine& trial : trials) {
    seeds.push_back({trial.state, trial.values});
    const auto is_number = [](double value) { return std::isfinite(value); };
    if (!std::ranges::all_of(trial.values, is_number)) seeds.back().values.clear();
    const bool counts = trial.state != TrialState::kFailed &&
                        trial.state != TrialState::kCanceled && !seeds.back().values.empty();
    member.seeds += counts ? 1 : 0;
    member.ended_ms = std::max(member.ended_ms, trial.ended_ms);
  }
  std::optional<Outcome> outcome = OutcomeOverSeeds(seeds);
  if (!outcome || outcome->kind != Outcome::Kind::kFinished) return std::nullopt;
  member.values = std::move(outcome->values);
  return member;
}

}  // namespace

std::vector<FrontMember> ReadFinished(const StoreReader& reader, const SweepLine& sweep,
                                      int seeds) {
  const std::vector<ObjectiveLine> trials = reader.Objectives(sweep);
  std::vector<FrontMember> finished;
  for (std::size_t begin = 0; begin < trials.size();) {
    const std::int64_t configuration = (trials[begin].number - 1) / seeds;
    std::size_t end = begin;
    while (end < trials.size() && (trials[end].number - 1) / seeds == configuration) {
      ++end;
    }
    // The last configuration has fewer seeds where run_cap is no multiple of them.
    std::int64_t all = (configuration + 1) * seeds;
    if (sweep.trials_planned > 0) all = std::min(all, sweep.trials_planned);
    const bool is_whole = static_cast<std::int64_t>(end - begin) >= all - configuration * seeds;
    if (is_whole) {
      auto member = MemberOf(std::span(trials).subspan(begin, end - begin), configuration);
      if (member) finished.push_back(*std::move(member));
    }
    begin = end;
  }
  std::ranges::stable_sort(finished, {}, &FrontMember::ended_ms);
  return finished;
}

Front FrontOf(const SweepLine& sweep, int seeds, const std::vector<FrontMember>& finished) {
  Front front{.objectives = sweep.objectives,
              .seeds = seeds,
              .finished = std::ssize(finished),
              .members = {}};
  for (const std::size_t place : ParetoFront(Lowered(sweep.objectives, finished))) {
    front.members.push_back(finished[place]);
  }
  std::ranges::sort(front.members, [&sweep](const FrontMember& a, const FrontMember& b) {
    const Objectives left = Lowered(sweep.objectives, a.values);
    const Objectives right = Lowered(sweep.objectives, b.values);
    return std::tie(left, a.configuration) < std::tie(right, b.configuration);
  });
  return front;
}

Front ReadFront(const StoreReader& reader, const SweepLine& sweep) {
  if (sweep.objectives.empty()) return {};
  const int seeds = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec in the store")).seeds;
  return FrontOf(sweep, seeds, ReadFinished(reader, sweep, seeds));
}

Fronts ReadFronts(const StoreReader& reader, std::span<const SweepLine> sweeps) {
  Fronts fronts;
  for (const SweepLine& sweep : sweeps) {
    if (!sweep.objectives.empty()) fronts[sweep.id] = ReadFront(reader, sweep);
  }
  return fronts;
}

std::vector<FrontMember> ReadShown(const StoreReader& reader, const SweepLine& sweep,
                                   const Front& front, std::int64_t count) {
  const std::int64_t all = std::ssize(front.members);
  const std::int64_t shown = std::min(all, count);
  std::vector<FrontMember> members;
  for (std::int64_t i = 0; i < shown; ++i) {
    const std::int64_t place = shown == 1 ? 0 : i * (all - 1) / (shown - 1);
    members.push_back(front.members[static_cast<std::size_t>(place)]);
    if (const auto trial = reader.Trial(sweep.id, members.back().first_trial)) {
      members.back().params_json = trial->params_json;
    }
  }
  return members;
}

std::vector<std::int64_t> TrialsOf(const Front& front) {
  std::vector<std::int64_t> numbers;
  for (const FrontMember& member : front.members) {
    for (int seed = 0; seed < front.seeds; ++seed) {
      numbers.push_back(member.first_trial + seed);
    }
  }
  return numbers;
}

std::optional<FrontGrowth> GrowthOf(const SweepLine& sweep,
                                    const std::vector<FrontMember>& finished,
                                    const std::vector<double>& reference) {
  if (!reference.empty() && reference.size() != sweep.objectives.size()) {
    std::string names;
    for (const SweepObjective& objective : sweep.objectives) {
      names += (names.empty() ? "" : ",") + objective.name;
    }
    throw Error(fmt::format("the reference has {} values for {} objectives", reference.size(),
                            sweep.objectives.size()),
                sweep.name,
                names.empty() ? "only sweeps with several objectives have one"
                              : fmt::format("give one for each: --reference {}", names));
  }
  if (finished.empty() || sweep.objectives.empty()) return std::nullopt;
  const std::vector<Objectives> points = Lowered(sweep.objectives, finished);
  FrontGrowth growth{.reference = reference, .is_given = !reference.empty(), .steps = {}};
  if (!growth.is_given) growth.reference = Lowered(sweep.objectives, ReferenceFor(points));
  const auto steps = HypervolumeGrowth(points, Lowered(sweep.objectives, growth.reference));
  growth.is_known = steps.has_value();
  if (!steps) return growth;
  for (const HypervolumeStep& step : *steps) {
    growth.steps.push_back({static_cast<std::int64_t>(step.count), step.volume});
  }
  return growth;
}

}  // namespace ddl
