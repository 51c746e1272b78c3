// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/learning_search.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>
#include <utility>

#include "configs/allowed_sampling.h"
#include "configs/grid.h"
#include "configs/initial_points.h"
#include "configs/json.h"
#include "scheduler/search/custom_search.h"
#include "scheduler/search/make_adaptive.h"
#include "scheduler/search/pbt.h"

namespace ddl {

namespace {

constexpr std::array<std::string_view, 4> kOutcomeNames{"finished", "pruned", "failed", "canceled"};
constexpr std::uint64_t kFallbackStream = 0x66616c6c6261636bU;
constexpr std::int64_t kDraws = 100;             // before a space is looked through
constexpr std::int64_t kMostPoints = 1'000'000;  // of one that is

// Every parameter counts by its values, as in a grid.
bool IsCountable(const Space& space) {
  return std::ranges::all_of(space, [](const Parameter& p) {
    return p.distribution == Distribution::kConstant ||
           p.distribution == Distribution::kCategorical ||
           p.distribution == Distribution::kIntUniform || p.distribution == Distribution::kQUniform;
  });
}

// False where a parameter has a value of probability 0.
bool IsDrawn(const Space& space, const Configuration& configuration) {
  return std::ranges::all_of(space, [&configuration](const Parameter& p) {
    if (p.probabilities.empty() || !configuration.contains(p.Name())) return true;
    const Json& value = configuration.at(p.Name());
    for (std::size_t i = 0; i < p.values.size(); ++i) {
      if (p.probabilities[i] > 0 && p.values[i] == value) return true;
    }
    return false;
  });
}

std::vector<double> SignsOf(const SweepSpec& spec) {
  std::vector<double> signs;
  const auto add = [&signs](const Metric& metric) {
    signs.push_back(metric.goal == Goal::kMaximize ? -1 : 1);
  };
  std::ranges::for_each(spec.objectives, add);
  if (signs.empty() && spec.metric) add(*spec.metric);
  if (signs.empty()) signs.push_back(1);
  return signs;
}

}  // namespace

std::string ToText(const Outcome& outcome) {
  Json text{{"outcome", kOutcomeNames.at(static_cast<std::size_t>(outcome.kind))}};
  if (!outcome.values.empty()) text["values"] = outcome.values;
  if (outcome.kind == Outcome::Kind::kPruned) text["resource"] = outcome.resource;
  return DumpJson(text);
}

Outcome OutcomeOf(const std::string& text) {
  const Json json = ParseJson(text, "a result in the store");
  const auto name = std::ranges::find(kOutcomeNames, json.at("outcome").get<std::string>());
  assert(name != kOutcomeNames.end());
  return {.kind = static_cast<Outcome::Kind>(name - kOutcomeNames.begin()),
          .values = json.value("values", std::vector<double>{}),
          .resource = json.value("resource", 0.0)};
}

SearchProblem ProblemOf(const SweepSpec& spec) {
  return {.space = spec.space,
          .seed = spec.search_seed,
          .objectives = SignsOf(spec).size(),
          .budget = spec.run_cap ? (*spec.run_cap + spec.seeds - 1) / spec.seeds : 0};
}

LearningSearch::LearningSearch(const SweepSpec& spec, const std::vector<SearchStep>& steps,
                               std::stop_token stop)
    : space_(spec.space),
      constraints_(spec.constraints),
      conditions_(spec.space, spec.constraints),
      seed_(spec.search_seed),
      initial_(InitialPoints(spec)),
      signs_(SignsOf(spec)),
      may_repeat_(spec.pbt.has_value()),
      may_choose_all_(spec.pbt || spec.own_search) {
  SearchProblem problem = ProblemOf(spec);
  problem.is_allowed = [this](const Configuration& configuration) {
    return MayPropose(configuration);
  };
  if (spec.own_search) {
    method_ = MakeCustomSearch(spec, problem.budget, std::move(stop));
  } else if (spec.pbt) {
    method_ = MakePbt(std::move(problem), *spec.pbt);
  } else {
    method_ = MakeAdaptiveSearch(kMethodNames.at(static_cast<std::size_t>(spec.method)),
                                 std::move(problem));
  }
  assert(method_ != nullptr);
  LearnFrom(spec.warm_points);
  for (const SearchStep& step : steps) {
    if (!step.outcome_json.empty()) {
      Tell(step.configuration, OutcomeOf(step.outcome_json));
    } else if (!step.params_json.empty()) {
      Take(ParseJson(step.params_json, "a configuration in the store"), step.parent);
    } else if (auto proposed = Next()) {
      Take(std::move(*proposed), next_parent_);
    }
  }
}

// How far a pruned one got is not known: it comes behind those of the sweep's own.
void LearningSearch::LearnFrom(const std::vector<WarmPoint>& points) {
  for (const WarmPoint& point : points) {
    method_->Take(before_, point.configuration);
    known_.insert(DumpJson(point.configuration));
    const Outcome::Kind kind = point.state == TrialState::kFailed   ? Outcome::Kind::kFailed
                               : point.state == TrialState::kPruned ? Outcome::Kind::kPruned
                                                                    : Outcome::Kind::kFinished;
    Tell(0, {.kind = kind, .values = point.values});
    ++before_;  // numbers of the sweep's own begin after it
  }
}

std::vector<Configuration> LearningSearch::Propose(std::int64_t first, std::int64_t count) {
  std::vector<Configuration> answer;
  for (std::int64_t number = first; number < first + count; ++number) {
    if (number == std::ssize(proposed_)) {
      auto next = Next();
      if (!next) break;
      Take(std::move(*next), next_parent_);
    }
    if (number > std::ssize(proposed_)) break;
    answer.push_back(proposed_[static_cast<std::size_t>(number)]);
  }
  return answer;
}

void LearningSearch::Tell(std::int64_t configuration, const Outcome& outcome) {
  Outcome lower_is_better = outcome;
  for (std::size_t i = 0; i < lower_is_better.values.size(); ++i)
    lower_is_better.values[i] *= signs_[i];
  method_->Tell(before_ + configuration, lower_is_better);
}

std::optional<Configuration> LearningSearch::Next() {
  const std::int64_t number = std::ssize(proposed_);
  next_parent_.reset();
  if (number < std::ssize(initial_)) {
    const Configuration& initial = initial_[static_cast<std::size_t>(number)];
    if (IsNew(initial)) return initial;
  }
  std::optional<Configuration> proposed = method_->Propose(before_ + number);
  if (!proposed && method_->IsExhausted()) return std::nullopt;
  if (!proposed || !MayPropose(*proposed)) return Fallback(number);
  next_parent_ = method_->ParentOfProposal();
  return proposed;
}

// Where its method finds nothing new: a drawn point, or the first of a countable space that is
// left.
std::optional<Configuration> LearningSearch::Fallback(std::int64_t number) const {
  for (std::int64_t draw = 0; draw < kDraws; ++draw) {
    auto drawn =
        SampleAllowed(space_, conditions_, seed_ ^ kFallbackStream, number * kDraws + draw);
    if (!drawn) break;
    if (MayPropose(*drawn)) return drawn;
  }
  if (!IsCountable(space_)) return std::nullopt;
  const Grid grid(space_, constraints_);
  const std::int64_t points = grid.Size().value_or(kMostPoints);
  for (std::int64_t i = 0; points < kMostPoints && i < points; ++i) {
    Configuration point = grid.Point(i);
    if (MayPropose(point)) return point;
  }
  return std::nullopt;
}

std::optional<std::int64_t> LearningSearch::ParentOf(std::int64_t configuration) const {
  const auto found = parents_.find(configuration);
  return found == parents_.end() ? std::nullopt : std::optional(found->second);
}

void LearningSearch::Take(Configuration configuration, std::optional<std::int64_t> parent) {
  if (parent) parents_[std::ssize(proposed_)] = *parent;
  method_->Take(before_ + std::ssize(proposed_), configuration);
  known_.insert(DumpJson(configuration));
  proposed_.push_back(std::move(configuration));
}

bool LearningSearch::IsNew(const Configuration& configuration) const {
  return conditions_.Allows(configuration) &&
         (may_repeat_ || !known_.contains(DumpJson(configuration)));
}

bool LearningSearch::MayPropose(const Configuration& configuration) const {
  return IsNew(configuration) && (may_choose_all_ || IsDrawn(space_, configuration));
}

}  // namespace ddl
