// SPDX-License-Identifier: Apache-2.0
// What came of a trial that ran outside.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"
#include "scheduler/outside.h"
#include "scheduler/search/learning_search.h"
#include "scheduler/search/search.h"
#include "scheduler/search/seed_outcomes.h"

namespace ddl {

namespace {

std::vector<Metric> MetricsOf(const SweepSpec& spec) {
  if (!spec.objectives.empty()) return spec.objectives;
  return spec.metric ? std::vector{*spec.metric} : std::vector<Metric>{};
}

const KnownTrial& OpenTrial(const SweepHistory& history, const Telling& telling) {
  const auto trial = std::ranges::find(history.trials, telling.number, &KnownTrial::number);
  if (trial == history.trials.end()) {
    throw Error(fmt::format("there is no trial {} in sweep \"{}\"", telling.number, history.name),
                "",
                history.trials.empty()
                    ? "ask for one by ddl ask"
                    : fmt::format("asked for are 1 to {}", history.trials.back().number));
  }
  if (IsEnded(trial->state)) {
    throw Error(fmt::format("trial {} of sweep \"{}\" has ended already: {}", telling.number,
                            history.name, ToString(trial->state)),
                "", "what was told stays; ask for another trial by ddl ask");
  }
  return *trial;
}

void CheckValues(const Telling& telling, const std::vector<Metric>& objectives) {
  if (telling.has_failed) {
    if (telling.values.empty()) return;
    throw Error("a failed trial has no values", "", "leave out the values, or --failed");
  }
  if (telling.values.size() != objectives.size()) {
    std::string names;
    for (const Metric& metric : objectives) {
      names += (names.empty() ? "" : " ") + metric.name;
    }
    throw Error(
        fmt::format("{} values for {} objectives", telling.values.size(), objectives.size()), "",
        objectives.empty() ? "the spec has no metric: tell the number alone, or --failed"
                           : fmt::format("tell: {}; or --failed", names));
  }
  for (const double value : telling.values) {
    if (std::isfinite(value)) continue;
    throw Error(fmt::format("{} is no result", FormatNumber(value)), "",
                "say --failed of a trial that has none");
  }
}

// With what is told now.
SeedResult ResultOf(const SweepHistory& history, const KnownTrial& trial, const Telling& telling,
                    std::size_t objectives) {
  if (trial.number == telling.number) {
    return {telling.has_failed ? TrialState::kFailed : TrialState::kFinished, telling.values};
  }
  SeedResult result{trial.state, {}};
  if (!trial.objective) return result;
  result.values.push_back(*trial.objective);
  const auto further = history.further.find(trial.number);
  if (further != history.further.end()) {
    result.values.insert(result.values.end(), further->second.begin(), further->second.end());
  }
  const auto is_number = [](double value) { return std::isfinite(value); };
  const bool is_whole =
      result.values.size() == objectives && std::ranges::all_of(result.values, is_number);
  if (!is_whole) result.values.clear();
  return result;
}

// Of the configuration, once its last seed is told.
std::optional<Change> SearchChange(const SweepHistory& history, const SweepSpec& spec,
                                   const KnownTrial& trial, const Telling& telling) {
  if (!Learns(spec.method)) return std::nullopt;
  const std::size_t objectives = MetricsOf(spec).size();
  const std::int64_t planned = PlannedTrials(spec);
  std::vector<SeedResult> seeds;
  for (int seed = 0; seed < spec.seeds; ++seed) {
    const std::int64_t number = trial.configuration * spec.seeds + seed + 1;
    if (number > planned) break;
    const auto found = std::ranges::find(history.trials, number, &KnownTrial::number);
    if (found == history.trials.end()) return std::nullopt;
    seeds.push_back(ResultOf(history, *found, telling, objectives));
  }
  const std::optional<Outcome> outcome = OutcomeOverSeeds(seeds);
  if (!outcome) return std::nullopt;
  const std::int64_t step = history.search.empty() ? 1 : history.search.back().step + 1;
  return SearchTold{history.id, step, trial.configuration, ToText(*outcome)};
}

// Ends with its target, or with the last trial that it plans.
std::optional<SweepChanged> SweepEndOf(const SweepHistory& history, const SweepSpec& spec,
                                       const Telling& telling, std::int64_t unix_ms) {
  if (history.state != SweepState::kRunning) return std::nullopt;
  SweepChanged changed{.id = history.id,
                       .spec_json = {},
                       .trials_planned = {},
                       .state = SweepState::kFinished,
                       .reason = {},
                       .at_ms = unix_ms};
  const bool has_target = spec.metric && spec.metric->target;
  if (has_target && !telling.has_failed) {
    const double value = telling.values.front();
    const double target = *spec.metric->target;
    if (spec.metric->goal == Goal::kMaximize ? value >= target : value <= target) {
      changed.outcome = SweepOutcome::kTargetReached;
      changed.reason = fmt::format("target reached: {} {} by trial {}", spec.metric->name,
                                   FormatNumber(value), telling.number);
      return changed;
    }
  }
  const auto planned = PlannedTrials(spec);
  if (history.open_attempts.size() > 1 || std::ssize(history.trials) < planned) return std::nullopt;
  const auto is_failed = [](const KnownTrial& t) { return t.state == TrialState::kFailed; };
  const auto failed =
      std::ranges::count_if(history.trials, is_failed) + (telling.has_failed ? 1 : 0);
  changed.outcome = has_target   ? SweepOutcome::kTargetMissed
                    : failed > 0 ? SweepOutcome::kSomeFailed
                                 : SweepOutcome::kAllDone;
  changed.reason = failed > 0 ? fmt::format("{} of {} trials failed", failed, planned)
                              : fmt::format("all {} trials have ended", planned);
  return changed;
}

std::vector<Change> EndOfTrial(const SweepSpec& spec, const OpenAttempt& open,
                               const Telling& telling, std::int64_t unix_ms) {
  const std::int64_t wall_ms = std::max<std::int64_t>(0, unix_ms - open.started_ms);
  std::vector<Change> changes;
  if (!telling.values.empty()) {
    MetricReport report;
    report.seq = 1;
    report.elapsed_ms = wall_ms;
    const std::vector<Metric> objectives = MetricsOf(spec);
    for (std::size_t i = 0; i < objectives.size(); ++i) {
      report.values.emplace_back(objectives[i].name, telling.values[i]);
    }
    changes.emplace_back(MetricsAdded{{open.job, 0}, open.trial, open.attempt, {report}});
  }
  changes.emplace_back(AttemptEnded{.trial = open.trial,
                                    .attempt = open.attempt,
                                    .exit_code = telling.has_failed ? 1 : 0,
                                    .detail = {},
                                    .wall_ms = wall_ms,
                                    .last_seq = telling.values.empty() ? 0 : 1,
                                    .at_ms = unix_ms});
  changes.emplace_back(
      TrialMoved{.trial = open.trial,
                 .to = telling.has_failed ? TrialState::kFailed : TrialState::kFinished,
                 .reason = telling.has_failed ? "told as failed" : "",
                 .failures = telling.has_failed ? 1 : 0,
                 .at_ms = unix_ms});
  return changes;
}

}  // namespace

ToldOutside TellOutside(Store& store, const Telling& telling, std::int64_t unix_ms) {
  const std::optional<SweepHistory> history = store.Load(telling.sweep);
  if (!history) {
    throw Error(fmt::format("no sweep \"{}\" here", telling.sweep), "",
                "ddl status lists them; ddl ask begins one");
  }
  const SweepSpec spec = SpecFromJson(ParseJson(history->spec_json, "spec in the store"));
  if (!spec.is_outside) {
    throw Error(fmt::format("the trials of sweep \"{}\" are run by ddl sweep", telling.sweep), "",
                "tell what ddl ask gave out");
  }
  const KnownTrial& trial = OpenTrial(*history, telling);
  CheckValues(telling, MetricsOf(spec));
  const auto open = std::ranges::find(history->open_attempts, trial.id, &OpenAttempt::trial);
  assert(open != history->open_attempts.end());
  std::vector<Change> changes = EndOfTrial(spec, *open, telling, unix_ms);
  if (auto told = SearchChange(*history, spec, trial, telling)) changes.push_back(*std::move(told));
  ToldOutside told{.configuration = trial.configuration, .reason = {}};
  if (const auto end = SweepEndOf(*history, spec, telling, unix_ms)) {
    told.ends_sweep = true;
    told.reason = end->reason;
    changes.emplace_back(*end);
  }
  store.Commit(changes);
  return told;
}

}  // namespace ddl
