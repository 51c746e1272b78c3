// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>
#include <utility>

#include "cli/choose.h"
#include "cli/front.h"
#include "cli/gc.h"
#include "cli/results.h"
#include "configs/inventory.h"
#include "configs/ssh_address.h"
#include "scheduler/spool_rows.h"
#include "store/location.h"
#include "store/rebuild.h"

namespace ddl {

namespace {

class FactReader {
 public:
  FactReader(const StoreReader& reader, const std::string& store_folder, const GcPlace& place)
      : reader_(reader), store_folder_(store_folder), place_(place) {
    const std::string backup = BackupFolder(store_folder);
    const DatabaseState state = LookAtDatabase(backup + "/ddl.db");
    if (!state.is_there || !state.problem.empty()) return;
    for (SpoolMark& mark : SpoolMarks(backup)) {
      saved_.emplace(mark.rank, std::move(mark));
    }
  }

  GcSweep Read(const SweepLine& line) {
    GcSweep sweep{.metric = line.metric, .maximize = line.maximize, .trials = {}};
    const SweepSpec spec = SpecFromJson(ParseJson(reader_.SpecJson(line.id), "spec in the store"));
    sweep.keep_best = spec.keep.value_or(sweep.keep_best);
    if (!line.objectives.empty()) {
      const std::vector<std::int64_t> front = TrialsOf(ReadFront(reader_, line));
      sweep.front.emplace(front.begin(), front.end());
    }
    const bool all_come_back = spec.results == ResultsRule::kAll && !IsHere();
    for (const TrialLine& trial : reader_.Trials(line.id, {})) {
      sweep.trials.push_back(Read(line, trial));
      GcTrial& read = sweep.trials.back();
      read.may_be_gone_on_from = spec.pbt && line.state != SweepState::kFinished;
      if (!all_come_back || read.jobs.empty()) continue;
      const auto results = ResultsOf(reader_, store_folder_, line, trial);
      read.awaits_results = results && !results->is_here;
    }
    return sweep;
  }
  [[nodiscard]] std::int64_t JobsElsewhere() const { return jobs_elsewhere_; }

 private:
  [[nodiscard]] bool IsHere() const { return place_.Host() == kLocalAddress; }

  GcTrial Read(const SweepLine& sweep, const TrialLine& line) {
    GcTrial trial{.sweep = sweep.id,
                  .sweep_name = sweep.name,
                  .number = line.number,
                  .id = line.id,
                  .state = line.state,
                  .objective = line.objective,
                  .ended_ms = line.ended_ms};
    for (const AttemptLine& attempt : reader_.Attempts(line.id)) {
      if (!attempt.cause) trial.has_open_attempt = true;
      if (attempt.host != place_.Host()) continue;
      const RankId rank{attempt.job, 0};
      const std::string folder = JobName(rank);
      if (IsHere() && attempt.job_folder != place_.PathOf(folder)) {
        ++jobs_elsewhere_;
      } else if (const auto facts = place_.LookAt(folder)) {
        trial.jobs.push_back(Read(rank, *facts, attempt));
      }
    }
    if (const auto facts = place_.LookAt(CheckpointsName(line.id))) trial.checkpoints = facts->size;
    return trial;
  }

  [[nodiscard]] GcJob Read(RankId rank, const PlacedFolder& facts,
                           const AttemptLine& attempt) const {
    return {.rank = rank,
            .is_settled = attempt.cause.has_value() && facts.is_settled,
            .is_saved = IsSaved(rank),
            .ended_ms = attempt.ended_ms,
            .folder = facts.size,
            .plain_logs = facts.plain_logs};
  }

  // The backup knows the attempt's end, and its spool has nothing that the backup has not. An end
  // is committed after all rows, so where the spool is elsewhere it need not be looked at.
  [[nodiscard]] bool IsSaved(RankId rank) const {
    const auto saved = saved_.find(rank);
    if (saved == saved_.end() || !saved->second.has_ended) return false;
    if (!IsHere()) return true;
    const SpoolRows beyond = CountSpoolRows({saved->second});
    return beyond.rows + beyond.waiting == 0;
  }

  const StoreReader& reader_;
  const std::string& store_folder_;
  const GcPlace& place_;
  std::map<RankId, SpoolMark> saved_;
  std::int64_t jobs_elsewhere_ = 0;
};

}  // namespace

GcFacts ReadGcFacts(const StoreReader& reader, const std::string& store_folder,
                    const GcPlace& place, const std::string& sweep) {
  FactReader facts_reader(reader, store_folder, place);
  GcFacts facts;
  if (sweep.empty()) {
    for (const SweepLine& line : reader.Sweeps()) {
      facts.sweeps.push_back(facts_reader.Read(line));
    }
  } else {
    facts.sweeps.push_back(facts_reader.Read(ChooseSweep(reader, sweep)));
  }
  facts.jobs_elsewhere = facts_reader.JobsElsewhere();
  return facts;
}

std::vector<std::string> OtherHosts(const StoreReader& reader, const std::string& sweep) {
  std::set<std::string> hosts;
  const std::vector<SweepLine> sweeps =
      sweep.empty() ? reader.Sweeps() : std::vector{ChooseSweep(reader, sweep)};
  for (const SweepLine& line : sweeps) {
    for (const TrialLine& trial : reader.Trials(line.id, {})) {
      for (const AttemptLine& attempt : reader.Attempts(trial.id)) {
        if (IsSshHost(attempt.host)) hosts.insert(attempt.host);
      }
    }
  }
  return {hosts.begin(), hosts.end()};
}

}  // namespace ddl
