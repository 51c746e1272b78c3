// SPDX-License-Identifier: Apache-2.0
// Trials that go on from a checkpoint of another trial, up to a report (configs/pbt_settings.h).
#include "scheduler/core_state.h"

namespace ddl {

// The configuration begins from a trial of the generation before its own that has come to its end,
// and each of those is begun from once. All other searches answer at any time.
bool Core::State::MayAsk(const SweepRun& sweep, std::int64_t configuration) {
  if (!sweep.spec.pbt || configuration < sweep.search.asked) return true;
  if (configuration > sweep.search.asked) return false;
  const PbtSettings& pbt = *sweep.spec.pbt;
  const std::int64_t generation = pbt.GenerationOf(configuration);
  if (generation == 0) return true;
  const std::int64_t first = (generation - 1) * pbt.population + 1;
  std::int64_t ended = 0;
  for (std::int64_t number = first; number < first + pbt.population; ++number) {
    ended += IsEnded(sweep.trials.Of(number).state) ? 1 : 0;
  }
  return ended > configuration % pbt.population;
}

std::optional<std::int64_t> Core::State::ParentOf(const SweepRun& sweep, std::int64_t number) {
  const auto parent = sweep.parents.find(sweep.ConfigurationOf(number));
  if (parent == sweep.parents.end()) return std::nullopt;
  return parent->second + 1;  // a sweep with parents has one seed
}

// Reports that a trial of its own makes until it has done its part; nothing: it ends by itself.
std::optional<std::int64_t> Core::State::ReportsOfSegment(const SweepRun& sweep,
                                                          std::int64_t number) {
  if (!sweep.spec.pbt) return std::nullopt;
  const std::int64_t until = sweep.spec.pbt->UntilOf(sweep.ConfigurationOf(number));
  const auto parent = ParentOf(sweep, number);
  return parent ? until - sweep.spec.pbt->UntilOf(sweep.ConfigurationOf(*parent)) : until;
}

bool Core::State::HasDoneItsPart(const SweepRun& sweep, std::int64_t number) {
  const auto wanted = ReportsOfSegment(sweep, number);
  const auto own = sweep.iterations.find(number);
  return wanted && own != sweep.iterations.end() && own->second.count >= *wanted;
}

// One that knows DDL_UNTIL leaves by itself, with the checkpoint that it writes after its last
// report. A further report shows that it does not.
void Core::State::LookAtSegment(SweepRun& sweep, LiveJob& job, std::int64_t step, Turn& turn) {
  const auto wanted = ReportsOfSegment(sweep, job.number);
  if (!wanted) return;
  Iterations& own = sweep.iterations[job.number];
  (void)own.Add(step);
  if (own.count <= *wanted || sweep.IsEnding()) return;
  Stop(job, StopCause::kPartDone, turn);
}

void Core::State::RestoreLineage(SweepRun& sweep, const SweepHistory& history) {
  for (const SearchStep& step : history.search) {
    if (step.parent) sweep.parents[step.configuration] = *step.parent;
  }
  if (!sweep.spec.pbt) return;
  sweep.ran_on = history.ran_on;
  for (const KnownReport& report : history.reports) {
    (void)sweep.iterations[report.number].Add(report.step);
  }
}

}  // namespace ddl
