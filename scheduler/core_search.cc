// SPDX-License-Identifier: Apache-2.0
// Questions to the search of a sweep and its answers; what a search that learns is told. Each is
// numbered and committed, so that the search of a continued sweep goes through the same.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "configs/json.h"
#include "scheduler/core_state.h"
#include "scheduler/search/learning_search.h"
#include "scheduler/search/seed_outcomes.h"

namespace ddl {

void Core::State::Ask(SweepRun& sweep, std::int64_t configuration, Turn& turn) {
  if (!MayAsk(sweep, configuration)) return;
  const bool learns = Learns(sweep.spec.method);
  const auto question = learns ? sweep.proposals.AskInTime(configuration)
                               : sweep.proposals.Ask(configuration, sweep.Configurations());
  if (!question) return;
  const std::int64_t end = question->first + question->count;
  for (; learns && sweep.search.asked < end; ++sweep.search.asked) {
    sweep.search.unanswered[sweep.search.asked] = ++sweep.search.steps;
    turn.Commit(SearchAsked{sweep.id, sweep.search.steps, sweep.search.asked});
  }
  turn.actions.emplace_back(AskSearch{sweep.id, question->first, question->count});
}

void Core::State::On(const Proposed& proposed, Turn& turn) {
  const auto found = sweeps.find(proposed.sweep);
  if (found == sweeps.end()) return;
  SweepRun& sweep = found->second;
  if (!proposed.failure.empty()) {
    sweep.proposals.Forget();
    if (sweep.HasEnded()) return;
    return BeginEnding(sweep, SweepOutcome::kSearchFailed,
                       fmt::format("its search failed: {}", proposed.failure), turn);
  }
  StoreAnswers(sweep, proposed, turn);
  NoteSearch(sweep, proposed.note, turn);
  sweep.proposals.Add(proposed.first, proposed.asked, proposed.configurations);
  if (const auto end = sweep.proposals.Exhausted()) {
    ShrinkTo(sweep, *end * sweep.spec.seeds, turn);
  }
  if (sweep.best && sweep.best_configuration.is_null()) {
    const auto* best = sweep.proposals.Find(sweep.ConfigurationOf(sweep.best_number));
    if (best != nullptr) sweep.best_configuration = *best;
  }
  ObeyLate(sweep, turn);
  needs_placement = true;
}

void Core::State::NoteSearch(SweepRun& sweep, const std::string& note, Turn& turn) {
  if (note.empty() || note == sweep.search.note) return;
  sweep.search.note = note;
  const std::string text = std::string(kOfSearch) + note;
  turn.Commit(EventNoted{sweep.id, {}, text, turn.now.unix_ms});
  turn.actions.emplace_back(Say{sweep.id, text});
}

void Core::State::StoreAnswers(SweepRun& sweep, const Proposed& proposed, Turn& turn) {
  std::int64_t number = proposed.first;
  for (const Configuration& configuration : proposed.configurations) {
    const std::int64_t own = number++;
    const auto step = sweep.search.unanswered.find(own);
    if (step == sweep.search.unanswered.end()) continue;
    const auto parent = proposed.parents.find(own);
    const auto of = parent == proposed.parents.end() ? std::nullopt : std::optional(parent->second);
    if (of) sweep.parents[own] = *of;
    turn.Commit(SearchProposed{sweep.id, step->second, DumpJson(configuration), of});
    sweep.search.unanswered.erase(step);
  }
}

// The search came to the end of the space before run_cap.
void Core::State::ShrinkTo(SweepRun& sweep, std::int64_t trials, Turn& turn) {
  const std::int64_t planned = std::max(sweep.trials.Touched(), trials);
  if (planned >= sweep.trials.Planned()) return;
  sweep.trials.Plan(planned);
  CommitSweep(sweep, true, turn);
}

// Reports of its trial that came farthest.
double Core::State::ResourceOf(const SweepRun& sweep, std::int64_t configuration) {
  std::int64_t most = 0;
  for (int seed = 0; seed < sweep.spec.seeds; ++seed) {
    const auto own = sweep.iterations.find(configuration * sweep.spec.seeds + seed + 1);
    if (own != sweep.iterations.end()) most = std::max(most, own->second.count);
  }
  return static_cast<double>(most);
}

// The last values of a trial, one an objective; nothing where one is missing or no number.
std::vector<double> Core::State::ObjectivesOf(const SweepRun& sweep, std::int64_t number) {
  std::vector<double> values{sweep.trials.Of(number).objective};
  if (sweep.spec.objectives.size() > 1) {
    const auto further = sweep.further.find(number);
    if (further == sweep.further.end()) return {};
    values.insert(values.end(), further->second.begin(), further->second.end());
  }
  const bool is_whole =
      std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
  return is_whole ? values : std::vector<double>{};
}

// Once all of its seeds have ended.
std::optional<Outcome> Core::State::OutcomeOf(const SweepRun& sweep, std::int64_t configuration) {
  std::vector<SeedResult> seeds;
  for (int seed = 0; seed < sweep.spec.seeds; ++seed) {
    const std::int64_t number = configuration * sweep.spec.seeds + seed + 1;
    if (number > sweep.trials.Planned()) continue;
    // Who is held is pruned as far as anybody knows; should it be promoted, its end is told again.
    const TrialState state =
        sweep.held.contains(number) ? TrialState::kPruned : sweep.trials.Of(number).state;
    seeds.push_back({state, ObjectivesOf(sweep, number)});
  }
  return OutcomeOverSeeds(seeds);
}

void Core::State::NoteFront(SweepRun& sweep, std::int64_t configuration) {
  const std::vector<Metric>& objectives = sweep.spec.objectives;
  if (objectives.size() <= 1) return;
  std::optional<Outcome> outcome = OutcomeOf(sweep, configuration);
  if (!outcome || outcome->kind != Outcome::Kind::kFinished) return;
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    if (objectives[i].goal == Goal::kMaximize) outcome->values[i] = -outcome->values[i];
  }
  sweep.front.Put(configuration, std::move(outcome->values));
}

void Core::State::TellSearchOf(SweepRun& sweep, std::int64_t configuration, Turn& turn) {
  if (!Learns(sweep.spec.method)) return;
  std::optional<Outcome> outcome = OutcomeOf(sweep, configuration);
  if (!outcome) return;
  if (outcome->kind == Outcome::Kind::kPruned) outcome->resource = ResourceOf(sweep, configuration);
  turn.Commit(SearchTold{sweep.id, ++sweep.search.steps, configuration, ToText(*outcome)});
  turn.actions.emplace_back(TellSearch{sweep.id, configuration, *std::move(outcome)});
}

void Core::State::RestoreSearch(SweepRun& sweep, const SweepHistory& history) {
  sweep.further = history.further;
  sweep.search.note = history.search_note;
  for (std::int64_t i = 0; i * sweep.spec.seeds < sweep.trials.Touched(); ++i)
    NoteFront(sweep, i);
  for (const SearchStep& step : history.search) {
    sweep.search.steps = step.step;
    if (!step.outcome_json.empty()) continue;
    sweep.search.asked = step.configuration + 1;
    if (step.params_json.empty()) sweep.search.unanswered[step.configuration] = step.step;
  }
}

}  // namespace ddl
