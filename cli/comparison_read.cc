// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/choose.h"
#include "cli/comparison.h"
#include "cli/format.h"
#include "cli/sweep_json.h"
#include "cli/trial_name.h"
#include "configs/error.h"
#include "configs/spec.h"

namespace ddl {

namespace {

struct FoundSide {
  ComparedSide side;
  SweepLine sweep;
  std::vector<TrialLine> trials;
  bool is_alone = false;  // a trial that stands for no configuration
};

int SeedsOf(const StoreReader& reader, const SweepLine& sweep) {
  return SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec in the store")).seeds;
}

// Finished trials of the configuration that this one belongs to.
std::vector<TrialLine> AllSeeds(const StoreReader& reader, const SweepLine& sweep, int seeds,
                                std::int64_t configuration) {
  std::vector<TrialLine> trials;
  for (int seed = 0; seed < seeds; ++seed) {
    auto trial = reader.Trial(sweep.id, configuration * seeds + seed + 1);
    if (trial && trial->state == TrialState::kFinished) trials.push_back(*std::move(trial));
  }
  return trials;
}

std::string NumbersText(const std::vector<TrialLine>& trials) {
  if (trials.size() == 1) return fmt::format("trial {}", trials.front().number);
  return fmt::format("trials {} to {}", trials.front().number, trials.back().number);
}

FoundSide BestOfSweep(const StoreReader& reader, const SweepLine& sweep) {
  if (!sweep.objectives.empty()) {
    throw Error(fmt::format("\"{}\" has several objectives: none of its configurations is the best",
                            OneLine(sweep.name)),
                "", "compare trials of its front by SWEEP/NUMBER; ddl report lists them");
  }
  const int seeds = SeedsOf(reader, sweep);
  FoundSide found{.sweep = sweep};
  const auto best = reader.Configurations(sweep.id, 1);
  if (!best.empty() && best.front().ended > 0) {
    found.trials = AllSeeds(reader, sweep, seeds, best.front().configuration);
  }
  if (found.trials.empty()) {
    throw Error(fmt::format("no trial of \"{}\" has finished with a value of its metric yet",
                            OneLine(sweep.name)),
                "", "compare trials by SWEEP/NUMBER, or ask again when one has ended");
  }
  found.side.what = fmt::format("best of {} ended trials: {}",
                                FormatCount(EndedCount(sweep.counts)), NumbersText(found.trials));
  return found;
}

FoundSide OneTrial(const StoreReader& reader, const std::string& name, bool single) {
  ChosenTrial chosen = ChooseTrial(reader, name);
  if (!chosen.trial.id) {
    throw Error(fmt::format("trial {} has not begun yet", chosen.trial.number), chosen.sweep.name,
                "ask again when it has reported something");
  }
  FoundSide found{.sweep = chosen.sweep};
  const int seeds = SeedsOf(reader, chosen.sweep);
  if (seeds > 1 && !single) {
    found.trials = AllSeeds(reader, chosen.sweep, seeds, chosen.trial.configuration);
  }
  if (found.trials.empty()) {
    found.trials = {chosen.trial};
    found.is_alone = true;
    found.side.what = fmt::format("trial {}", chosen.trial.number);
    if (chosen.trial.state != TrialState::kFinished) {
      found.side.what += fmt::format(" ({})", ToString(chosen.trial.state));
    }
  } else {
    found.side.what =
        fmt::format("{}, {} of {} seeds", NumbersText(found.trials), found.trials.size(), seeds);
  }
  return found;
}

FoundSide Find(const StoreReader& reader, const std::string& name, bool single) {
  const TargetName target = ParseTargetName(name);
  FoundSide found = target.number ? OneTrial(reader, name, single)
                                  : BestOfSweep(reader, ChooseSweep(reader, target.sweep));
  found.side.name = name;
  found.side.sweep = found.sweep.name;
  found.side.parameters = ParametersOf(found.trials.front().params_json);
  for (const TrialLine& trial : found.trials) {
    found.side.trials.push_back(trial.number);
  }
  return found;
}

std::string MetricOf(const std::vector<FoundSide>& all, const std::string& asked) {
  if (!asked.empty()) return asked;
  const std::string& metric = all.front().sweep.metric;
  for (const FoundSide& found : all) {
    if (found.sweep.metric.empty()) {
      throw Error(fmt::format("sweep \"{}\" has no metric", OneLine(found.sweep.name)), "",
                  "say which one to compare: --metric NAME");
    }
    if (found.sweep.metric != metric) {
      throw Error(fmt::format("these sweeps have different metrics: {} and {}", OneLine(metric),
                              OneLine(found.sweep.metric)),
                  "", "say which one to compare: --metric NAME");
    }
  }
  return metric;
}

std::optional<bool> DirectionOf(const std::vector<FoundSide>& all, const std::string& metric) {
  std::optional<bool> maximize;
  for (const FoundSide& found : all) {
    if (found.sweep.metric != metric) continue;
    if (maximize && *maximize != found.sweep.maximize) return std::nullopt;
    maximize = found.sweep.maximize;
  }
  return maximize;
}

// A trial by itself stands for its only seed, whichever that was.
void ReadValues(const StoreReader& reader, FoundSide& found, const std::string& metric) {
  std::map<std::string, std::vector<double>> last;
  for (const TrialLine& trial : found.trials) {
    const std::size_t seed = found.is_alone ? 0 : static_cast<std::size_t>(trial.seed_index);
    for (const MetricSummary& summary : reader.Summaries(trial.id)) {
      if (!std::isfinite(summary.last)) continue;
      last[summary.name].push_back(summary.last);
      if (summary.name != metric) continue;
      found.side.values.resize(std::max(found.side.values.size(), seed + 1));
      found.side.values[seed] = summary.last;
    }
  }
  for (const auto& [name, values] : last) {
    found.side.last[name] = MeanOf(values);
  }
  if (!found.side.values.empty()) return;
  std::vector<std::string> known;
  for (const auto& [name, mean] : found.side.last) {
    known.push_back(name);
  }
  const std::string nearest = NearestName(metric, known);
  throw Error(fmt::format("{} of \"{}\" has reported no {} that is a number",
                          NumbersText(found.trials), OneLine(found.sweep.name), OneLine(metric)),
              "",
              nearest.empty() ? fmt::format("`ddl show {}/{}` lists its metrics",
                                            OneLine(found.sweep.name), found.side.trials.front())
                              : fmt::format("did you mean --metric {}?", OneLine(nearest)));
}

}  // namespace

SeedComparison ReadComparison(const StoreReader& reader, const CompareQuery& query) {
  if (query.names.size() < 2 || query.names.size() > kMostSides) {
    throw Error(fmt::format("{} sides are given", query.names.size()), "",
                fmt::format("two to {} can be compared", kMostSides));
  }
  std::vector<FoundSide> all;
  for (const std::string& name : query.names) {
    all.push_back(Find(reader, name, query.single));
  }
  std::string metric = MetricOf(all, query.metric);
  std::vector<ComparedSide> sides;
  for (FoundSide& found : all) {
    ReadValues(reader, found, metric);
    sides.push_back(found.side);
  }
  const std::optional<bool> maximize = DirectionOf(all, metric);
  return Compare(std::move(metric), maximize, std::move(sides));
}

std::optional<SeedComparison> CompareConfigurations(
    const StoreReader& reader, const SweepLine& sweep, int seeds,
    const std::vector<ConfigurationLine>& configurations) {
  std::vector<std::int64_t> numbers;
  for (const ConfigurationLine& line : configurations) {
    numbers.push_back(line.configuration);
  }
  std::vector<ComparedSide> sides;
  for (const FinishedConfiguration& one : reader.Finished(sweep.id, numbers, seeds, kMostSides)) {
    ComparedSide side{.name = fmt::format("{}/{}", sweep.name, one.first_trial_number),
                      .sweep = sweep.name,
                      .parameters = ParametersOf(one.params_json),
                      .values = SeedValues(static_cast<std::size_t>(seeds))};
    for (const auto& [seed, value] : one.values) {
      side.trials.push_back(one.configuration * seeds + seed + 1);
      side.values.at(static_cast<std::size_t>(seed)) = value;
    }
    sides.push_back(std::move(side));
  }
  if (sides.size() < 2) return std::nullopt;
  return Compare(sweep.metric, sweep.maximize, std::move(sides));
}

}  // namespace ddl
