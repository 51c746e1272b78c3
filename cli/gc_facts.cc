// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <utility>

#include "cli/choose.h"
#include "cli/gc.h"
#include "runner/rank_record.h"
#include "scheduler/spool_rows.h"
#include "store/location.h"
#include "store/rebuild.h"

namespace ddl {

namespace {

class FactReader {
 public:
  FactReader(const StoreReader& reader, const std::string& store_folder, const HostPaths& paths)
      : reader_(reader), paths_(paths) {
    const std::string backup = BackupFolder(store_folder);
    const DatabaseState state = LookAtDatabase(backup + "/ddl.db");
    if (!state.is_there || !state.problem.empty()) return;
    for (SpoolMark& mark : SpoolMarks(backup)) {
      saved_.emplace(mark.rank, std::move(mark));
    }
  }

  GcSweep Read(const SweepLine& line) {
    GcSweep sweep{.metric = line.metric, .maximize = line.maximize, .trials = {}};
    for (const TrialLine& trial : reader_.Trials(line.id, {})) {
      sweep.trials.push_back(Read(line, trial));
    }
    return sweep;
  }
  [[nodiscard]] std::int64_t JobsElsewhere() const { return jobs_elsewhere_; }

 private:
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
      const RankId rank{attempt.job, 0};
      const std::string folder = paths_.Job(rank);
      if (attempt.job_folder != folder) {
        ++jobs_elsewhere_;
      } else if (SizeOf(folder) != FolderSize{}) {
        trial.jobs.push_back(Read(rank, folder, attempt));
      }
    }
    const FolderSize size = SizeOf(paths_.Checkpoints(HostPaths::CheckpointName(line.id)));
    if (size != FolderSize{}) trial.checkpoints = size;
    return trial;
  }

  [[nodiscard]] GcJob Read(RankId rank, const std::string& folder,
                           const AttemptLine& attempt) const {
    FolderSize logs = SizeOf(folder + "/log");
    logs += SizeOf(folder + "/log.tail");
    return {.rank = rank,
            .is_settled = attempt.cause.has_value() && IsSettled(folder),
            .is_saved = IsSaved(rank),
            .ended_ms = attempt.ended_ms,
            .folder = SizeOf(folder),
            .plain_logs = logs};
  }

  // The backup knows the attempt's end, and its spool has nothing that the backup has not.
  [[nodiscard]] bool IsSaved(RankId rank) const {
    const auto saved = saved_.find(rank);
    if (saved == saved_.end() || !saved->second.has_ended) return false;
    const SpoolRows beyond = CountSpoolRows({saved->second});
    return beyond.rows + beyond.waiting == 0;
  }

  const StoreReader& reader_;
  const HostPaths& paths_;
  std::map<RankId, SpoolMark> saved_;
  std::int64_t jobs_elsewhere_ = 0;
};

}  // namespace

GcFacts ReadGcFacts(const StoreReader& reader, const std::string& store_folder,
                    const HostPaths& paths, const std::string& sweep) {
  FactReader facts_reader(reader, store_folder, paths);
  GcFacts facts;
  if (sweep.empty()) {
    for (const SweepLine& line : reader.Sweeps()) {
      facts.sweeps.push_back(facts_reader.Read(line));
    }
  } else {
    facts.sweeps.push_back(facts_reader.Read(ChooseSweep(reader, sweep)));
  }
  facts.others = OtherStores(paths);
  facts.jobs_elsewhere = facts_reader.JobsElsewhere();
  return facts;
}

}  // namespace ddl
