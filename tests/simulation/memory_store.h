// SPDX-License-Identifier: Apache-2.0
// A store in memory that refuses what the real one refuses. It keeps what was committed and nothing
// else, so a coordinator can be rebuilt from it at any point. Whoever breaks one of its rules is
// reported to `violated`, by the name of the rule.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/changes.h"
#include "store/store.h"

namespace ddl::simulation {

struct StoredAttempt {
  AttemptAdded added;
  bool started = false;
  std::optional<AttemptEnded> ended;
  std::int64_t mark = 0;  // committed seq of its only rank
  std::vector<MetricReport> reports;
};

struct StoredTrial {
  TrialAdded added;
  TrialState state = TrialState::kWaiting;
  std::string reason;
  std::string wanted;
  int failures = 0;
  std::optional<double> objective;
  std::vector<StoredAttempt> attempts;

  [[nodiscard]] StoredAttempt* Open() {
    return attempts.empty() || attempts.back().ended ? nullptr : &attempts.back();
  }
};

struct StoredSweep {
  SweepAdded added;
  SweepChanged last;
  std::int64_t metric_reports = 0;
};

class MemoryStore {
 public:
  using Violated = std::function<void(std::string_view rule, const std::string& text)>;
  explicit MemoryStore(Violated violated) : violated_(std::move(violated)) {}

  // False, and nothing done: a coordinator of a later epoch has the store.
  bool Commit(std::span<const Change> changes, std::uint64_t epoch);
  [[nodiscard]] std::optional<SweepHistory> Load(const std::string& name) const;
  [[nodiscard]] std::optional<SweepHistory> Load(SweepId sweep) const;
  [[nodiscard]] std::vector<SweepId> UnfinishedSweeps() const;
  // Marks that moved since the last backup.
  [[nodiscard]] std::vector<Store::SavedMark> Backup();
  // The machine of the store loses power: what is not synced is gone.
  void LosePower();

  [[nodiscard]] StoredTrial& Trial(std::int64_t number, SweepId sweep = SweepId{1}) {
    return tables_.trials.at(tables_.by_number.at({sweep, number}));
  }
  [[nodiscard]] bool HasTrial(std::int64_t number, SweepId sweep = SweepId{1}) const {
    return tables_.by_number.contains({sweep, number});
  }
  [[nodiscard]] const StoredTrial* TrialOfJob(JobId job) const;
  [[nodiscard]] const StoredAttempt* FindJob(JobId job) const;
  [[nodiscard]] const StoredSweep& Sweep(SweepId id) const { return tables_.sweeps.at(id); }
  [[nodiscard]] const std::map<SweepId, StoredSweep>& Sweeps() const { return tables_.sweeps; }
  [[nodiscard]] const std::map<TrialId, StoredTrial>& Trials() const { return tables_.trials; }
  [[nodiscard]] const std::map<SweepId, std::vector<SearchStep>>& Searches() const {
    return tables_.search;
  }
  [[nodiscard]] const std::vector<EventNoted>& Notes() const { return tables_.notes; }
  [[nodiscard]] std::int64_t CountState(TrialState state) const;
  [[nodiscard]] const Counters& Given() const { return tables_.given; }
  [[nodiscard]] std::int64_t Saved(JobId job) const;

  std::int64_t commits = 0;
  bool user_acts_allowed = true;  // in this turn an ended trial may be reopened

 private:
  struct Tables {
    std::map<SweepId, StoredSweep> sweeps;
    std::map<TrialId, StoredTrial> trials;
    std::map<std::pair<SweepId, std::int64_t>, TrialId> by_number;
    std::map<JobId, TrialId> job_trials;
    std::map<std::pair<SweepId, std::int64_t>, std::string> params;  // by configuration
    std::map<RankId, std::int64_t> unsaved;                          // marks
    std::map<JobId, std::int64_t> saved;
    std::vector<EventNoted> notes;
    std::map<SweepId, std::vector<SearchStep>> search;
    std::set<std::string> tokens;
    Counters given;
  };

  void Apply(const SweepAdded& added);
  void Apply(const SweepChanged& changed);
  void Apply(const TrialAdded& added);
  void Apply(const AttemptAdded& added);
  void Apply(const AttemptStarted& started);
  void Apply(const AttemptEnded& ended);
  void Apply(const TrialMoved& moved);
  void Apply(const TrialWanted& wanted);
  void Apply(const MetricsAdded& added);
  void Apply(const EpochRaised& raised);
  void Apply(const EventNoted& noted);
  void Apply(const SearchAsked& asked);
  void Apply(const SearchProposed& proposed);
  void Apply(const SearchTold& told);
  void AddStep(SweepId sweep, SearchStep step);
  void Expect(bool holds, std::string_view rule, const std::string& text) const {
    if (!holds) violated_(rule, text);
  }
  StoredTrial& Touch(TrialId id);
  // The open attempt with this number; a violation and nothing when there is none.
  StoredAttempt* OpenAttemptOf(StoredTrial& trial, int attempt);
  void ExpectConsistent(StoredTrial& trial) const;
  void AddTrials(SweepId id, SweepHistory& history) const;
  void AddLimits(SweepHistory& history) const;
  void AddReports(SweepHistory& history) const;

  Violated violated_;
  Tables tables_;
  std::unique_ptr<Tables> synced_;  // only while a planted bug skips syncs
  std::set<TrialId> touched_;
};

}  // namespace ddl::simulation
