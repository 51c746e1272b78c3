// SPDX-License-Identifier: Apache-2.0
// A store in memory that refuses what the real one refuses: it keeps what was committed and nothing
// else, so a coordinator can be rebuilt from it at any point.
#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/json.h"
#include "store/changes.h"
#include "store/store.h"

namespace ddl::test {

struct StoredAttempt {
  AttemptAdded added;
  bool started = false;
  std::optional<AttemptEnded> ended;
  std::int64_t mark = 0;  // committed seq of its only rank
  int gpus_thousandths = 0;
  std::vector<KnownReport> reports{};  // of the sweep's metric
};

struct StoredTrial {
  TrialAdded added;
  TrialState state = TrialState::kWaiting;
  std::string reason;
  std::string wanted;
  int failures = 0;
  std::optional<double> objective;
  std::vector<StoredAttempt> attempts;
  std::map<std::string, double> last;  // values by metric

  [[nodiscard]] StoredAttempt* Open() {
    return attempts.empty() || attempts.back().ended ? nullptr : &attempts.back();
  }
};

struct StoredSweep {
  SweepAdded added;
  SweepChanged last;
  std::int64_t metric_reports = 0;
};

class FakeStore {
 public:
  void Commit(std::span<const Change> changes) {
    for (const Change& change : changes) {
      std::visit([this](const auto& what) { Apply(what); }, change);
    }
    for (const TrialId id : touched_)
      ExpectConsistent(trials.at(id));
    touched_.clear();
    commits += changes.empty() ? 0 : 1;
  }

  [[nodiscard]] std::optional<SweepHistory> Load(const std::string& name) {
    for (const auto& [id, sweep] : sweeps) {
      if (sweep.added.name == name) return HistoryOf(sweep);
    }
    return std::nullopt;
  }

  [[nodiscard]] StoredTrial& Trial(std::int64_t number, SweepId sweep = SweepId{1}) {
    return trials.at(by_number.at({sweep, number}));
  }
  [[nodiscard]] bool HasTrial(std::int64_t number, SweepId sweep = SweepId{1}) const {
    return by_number.contains({sweep, number});
  }
  [[nodiscard]] const StoredAttempt* FindJob(JobId job) {
    const auto found = job_trials.find(job);
    if (found == job_trials.end()) return nullptr;
    for (const StoredAttempt& attempt : trials.at(found->second).attempts) {
      if (attempt.added.job == job) return &attempt;
    }
    return nullptr;
  }
  [[nodiscard]] std::int64_t CountState(TrialState state) const {
    std::int64_t count = 0;
    for (const auto& [id, trial] : trials)
      count += trial.state == state ? 1 : 0;
    return count;
  }

  std::map<SweepId, StoredSweep> sweeps;
  std::map<TrialId, StoredTrial> trials;
  std::map<std::pair<SweepId, std::int64_t>, TrialId> by_number;
  std::map<JobId, TrialId> job_trials;
  std::map<std::pair<SweepId, std::int64_t>, std::string> params;  // by configuration
  std::vector<EventNoted> notes;
  std::map<SweepId, std::vector<SearchStep>> search;
  Counters given;
  std::int64_t commits = 0;

 private:
  void Apply(const SweepAdded& added) {
    EXPECT_EQ(added.id.value, ++given.sweeps);
    sweeps[added.id].added = added;
    sweeps[added.id].last.trials_planned = added.trials_planned;
  }

  void Apply(const SweepChanged& changed) {
    StoredSweep& sweep = sweeps.at(changed.id);
    const auto planned =
        changed.trials_planned ? changed.trials_planned : sweep.last.trials_planned;
    if (changed.spec_json) sweep.added.spec_json = *changed.spec_json;
    sweep.last = changed;
    sweep.last.trials_planned = planned;
  }

  void Apply(const TrialAdded& added) {
    EXPECT_EQ(added.id.value, ++given.trials);
    EXPECT_TRUE(by_number.emplace(std::pair(added.sweep, added.number), added.id).second)
        << "trial " << added.number << " added twice";
    const auto [known, is_new] =
        params.emplace(std::pair(added.sweep, added.configuration), added.params_json);
    EXPECT_EQ(known->second, added.params_json) << "a configuration changed";
    trials[added.id].added = added;
  }

  void Apply(const AttemptAdded& added) {
    StoredTrial& trial = Touch(added.trial);
    EXPECT_EQ(trial.state, TrialState::kWaiting);
    EXPECT_EQ(trial.Open(), nullptr) << "two open attempts of trial " << trial.added.number;
    const int before = trial.attempts.empty() ? 0 : trial.attempts.back().added.attempt;
    EXPECT_GT(added.attempt, before);
    EXPECT_EQ(added.job.value, ++given.jobs);
    EXPECT_TRUE(tokens_.insert(added.token).second) << "token given twice";
    trial.state = TrialState::kLaunching;
    trial.attempts.push_back({.added = added, .ended = std::nullopt});
    job_trials[added.job] = added.trial;
  }

  void Apply(const AttemptStarted& started) {
    StoredTrial& trial = Touch(started.trial);
    ASSERT_NE(trial.Open(), nullptr);
    EXPECT_EQ(trial.Open()->added.attempt, started.attempt);
    EXPECT_EQ(trial.state, TrialState::kLaunching);
    trial.Open()->started = true;
    trial.state = TrialState::kRunning;
  }

  void Apply(const AttemptEnded& ended) {
    StoredTrial& trial = Touch(ended.trial);
    ASSERT_NE(trial.Open(), nullptr) << "trial " << trial.added.number;
    EXPECT_EQ(trial.Open()->added.attempt, ended.attempt);
    trial.Open()->ended = ended;
  }

  void Apply(const TrialMoved& moved) {
    StoredTrial& trial = Touch(moved.trial);
    if (moved.reopened) {
      EXPECT_TRUE(IsEnded(trial.state));
      EXPECT_EQ(moved.to, TrialState::kWaiting);
      EXPECT_TRUE(user_acts_allowed) << "reopened without an act of the user";
    } else {
      EXPECT_TRUE(CanMove(trial.state, moved.to))
          << ToString(trial.state) << " to " << ToString(moved.to);
    }
    trial.state = moved.to;
    trial.reason = moved.reason;
    trial.failures = moved.failures;
  }

  void Apply(const TrialWanted& wanted) { Touch(wanted.trial).wanted = wanted.wanted; }

  void Apply(const MetricsAdded& added) {
    StoredTrial& trial = Touch(added.trial);
    ASSERT_NE(trial.Open(), nullptr);
    EXPECT_EQ(trial.Open()->added.attempt, added.attempt);
    const std::string& metric = sweeps.at(trial.added.sweep).added.metric;
    for (const MetricReport& report : added.reports) {
      EXPECT_EQ(report.seq, ++trial.Open()->mark);
      for (const auto& [name, value] : report.values) {
        trial.last[name] = value;
        if (name != metric) continue;
        trial.Open()->reports.push_back({trial.added.number, report.step, value});
        trial.objective = value;
        ++sweeps.at(trial.added.sweep).metric_reports;
      }
    }
  }

  void Apply(const EpochRaised& raised) { given.epoch = std::max(given.epoch, raised.epoch); }
  void Apply(const EventNoted& noted) { notes.push_back(noted); }
  void Apply(const SearchAsked& asked) {
    auto& steps = search[asked.sweep];
    EXPECT_EQ(asked.step, std::ssize(steps) + 1);
    steps.push_back({asked.step, asked.configuration, "", ""});
  }
  void Apply(const SearchProposed& proposed) {
    SearchStep& step = search.at(proposed.sweep).at(static_cast<std::size_t>(proposed.step - 1));
    EXPECT_EQ(step.params_json + step.outcome_json, "");
    step.params_json = proposed.params_json;
    step.parent = proposed.parent;
  }
  void Apply(const SearchTold& told) {
    auto& steps = search[told.sweep];
    EXPECT_EQ(told.step, std::ssize(steps) + 1);
    steps.push_back({told.step, told.configuration, "", told.outcome_json});
  }

  StoredTrial& Touch(TrialId id) {
    touched_.insert(id);
    return trials.at(id);
  }

  static void ExpectConsistent(StoredTrial& trial) {
    const bool is_open = trial.Open() != nullptr;
    const bool is_live = trial.state == TrialState::kLaunching ||
                         trial.state == TrialState::kRunning ||
                         trial.state == TrialState::kStopping;
    EXPECT_EQ(is_open, is_live) << "trial " << trial.added.number << " is "
                                << ToString(trial.state);
  }

  static void AddFurther(const StoredSweep& sweep, const StoredTrial& trial,
                         SweepHistory& history) {
    const Json spec = ParseJson(sweep.added.spec_json, "spec");
    const std::size_t objectives = spec.contains("metrics") ? spec.at("metrics").size() : 0;
    for (std::size_t i = 1; i < objectives; ++i) {
      const auto found = trial.last.find(spec.at("metrics").at(i).at("name").get<std::string>());
      history.further[trial.added.number].push_back(found == trial.last.end() ? std::nan("")
                                                                              : found->second);
    }
  }

  [[nodiscard]] SweepHistory HistoryOf(const StoredSweep& sweep) {
    SweepHistory history;
    history.id = sweep.added.id;
    history.name = sweep.added.name;
    history.spec_json = sweep.added.spec_json;
    history.spec_text = sweep.added.spec_text;
    history.state = sweep.last.state;
    history.outcome = sweep.last.outcome;
    history.reason = sweep.last.reason;
    history.metric_reports = sweep.metric_reports;
    for (const EventNoted& note : notes) {
      if (note.sweep != sweep.added.id || note.trial || !note.text.starts_with(kOfSearch)) continue;
      history.search_note = note.text.substr(kOfSearch.size());
    }
    for (const auto& [key, id] : by_number) {
      if (key.first != sweep.added.id) continue;
      StoredTrial& trial = trials.at(id);
      const int attempts = trial.attempts.empty() ? 0 : trial.attempts.back().added.attempt;
      history.trials.push_back({id, trial.added.number, trial.added.configuration,
                                trial.added.seed_index, trial.state, attempts, trial.failures,
                                trial.wanted, trial.objective, trial.reason});
      AddFurther(sweep, trial, history);
      for (const StoredAttempt& attempt : trial.attempts) {
        const std::int64_t wall = attempt.ended ? attempt.ended->wall_ms : 0;
        history.wall_ms = std::max(history.wall_ms, attempt.added.busy_ms + wall);
      }
      const StoredAttempt* open = trial.Open();
      if (open == nullptr) continue;
      history.open_attempts.push_back({id, open->added.attempt, open->added.job, open->added.token,
                                       open->added.host, open->added.slots_json, open->started,
                                       open->mark, open->added.busy_ms});
    }
    AddReports(history);
    AddLastAttempts(history);
    if (search.contains(history.id)) history.search = search.at(history.id);
    return history;
  }

  void AddReports(SweepHistory& history) const {
    const StoredSweep& sweep = sweeps.at(history.id);
    const Json spec = ParseJson(sweep.added.spec_json, "spec");
    const bool is_pbt = spec.at("method") == "pbt";
    if (!spec.contains("early_terminate") && !is_pbt) return;
    for (const auto& [id, trial] : trials) {
      if (trial.added.sweep != history.id) continue;
      if (is_pbt && !trial.attempts.empty()) {
        history.ran_on[trial.added.number] = trial.attempts.back().added.host;
      }
      for (const StoredAttempt& attempt : trial.attempts)
        for (const KnownReport& report : attempt.reports)
          history.reports.push_back(report);
    }
  }

  void AddLastAttempts(SweepHistory& history) const {
    for (const auto& [id, trial] : trials) {
      const bool waits = trial.state == TrialState::kWaiting || trial.state == TrialState::kPaused;
      if (trial.added.sweep != history.id || !waits) continue;
      for (const StoredAttempt& attempt : trial.attempts) {
        if (!attempt.started) continue;
        history.last_attempts[trial.added.number] = {attempt.added.host,
                                                     attempt.ended ? attempt.ended->exit_code : 0};
      }
    }
  }

  std::set<std::string> tokens_;
  std::set<TrialId> touched_;

 public:
  bool user_acts_allowed = true;
};

}  // namespace ddl::test
