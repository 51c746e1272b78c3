// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/memory_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "configs/json.h"
#include "configs/planted_bugs.h"
#include "scheduler/slots_json.h"

namespace ddl::simulation {

bool MemoryStore::Commit(std::span<const Change> changes, std::uint64_t epoch) {
  if (epoch < tables_.given.epoch && !PlantedBug(Bug::kUnfencedCommit)) return false;
  Expect(epoch >= tables_.given.epoch, "a stale epoch has no effect",
         fmt::format("epoch {} commits after epoch {}", epoch, tables_.given.epoch));
  constexpr std::int64_t kSyncedEvery = 8;  // of the planted bug
  if (PlantedBug(Bug::kSkipSync) && commits % kSyncedEvery == 0) {
    synced_ = std::make_unique<Tables>(tables_);
  }
  for (const Change& change : changes) {
    std::visit([this](const auto& what) { Apply(what); }, change);
  }
  for (const TrialId id : touched_)
    ExpectConsistent(tables_.trials.at(id));
  touched_.clear();
  commits += changes.empty() ? 0 : 1;
  return true;
}

void MemoryStore::LosePower() {
  if (synced_) tables_ = *synced_;
}

std::optional<SweepHistory> MemoryStore::Load(const std::string& name) const {
  for (auto sweep = tables_.sweeps.rbegin(); sweep != tables_.sweeps.rend(); ++sweep) {
    if (sweep->second.added.name == name) return Load(sweep->first);
  }
  return std::nullopt;
}

std::optional<SweepHistory> MemoryStore::Load(SweepId id) const {
  const auto found = tables_.sweeps.find(id);
  if (found == tables_.sweeps.end()) return std::nullopt;
  const StoredSweep& sweep = found->second;
  SweepHistory history;
  history.id = id;
  history.name = sweep.added.name;
  history.spec_json = sweep.added.spec_json;
  history.spec_text = sweep.added.spec_text;
  history.state = sweep.last.state;
  history.outcome = sweep.last.outcome;
  history.reason = sweep.last.reason;
  history.metric_reports = sweep.metric_reports;
  AddTrials(id, history);
  AddLimits(history);
  return history;
}

void MemoryStore::AddTrials(SweepId id, SweepHistory& history) const {
  for (auto entry = tables_.by_number.lower_bound({id, 0});
       entry != tables_.by_number.end() && entry->first.first == id; ++entry) {
    const StoredTrial& trial = tables_.trials.at(entry->second);
    const int attempts = trial.attempts.empty() ? 0 : trial.attempts.back().added.attempt;
    history.trials.push_back({entry->second, trial.added.number, trial.added.configuration,
                              trial.added.seed_index, trial.state, attempts, trial.failures,
                              trial.wanted, trial.objective, trial.reason});
    const bool waits = trial.state == TrialState::kWaiting || trial.state == TrialState::kPaused;
    for (const StoredAttempt& attempt : trial.attempts) {
      if (!waits || !attempt.started) continue;
      history.last_attempts[trial.added.number] = {attempt.added.host,
                                                   attempt.ended ? attempt.ended->exit_code : 0};
    }
    if (trial.attempts.empty() || trial.attempts.back().ended) continue;
    const StoredAttempt& open = trial.attempts.back();
    history.open_attempts.push_back({entry->second, open.added.attempt, open.added.job,
                                     open.added.token, open.added.host, open.added.slots_json,
                                     open.started, open.mark, open.added.busy_ms});
  }
}

// By the lengths of attempts, as the real one does.
void MemoryStore::AddLimits(SweepHistory& history) const {
  double gpu_ms = 0;
  for (const auto& [id, trial] : tables_.trials) {
    if (trial.added.sweep != history.id) continue;
    for (const StoredAttempt& attempt : trial.attempts) {
      const std::int64_t wall = attempt.ended ? attempt.ended->wall_ms : 0;
      history.wall_ms = std::max(history.wall_ms, attempt.added.busy_ms + wall);
      const std::optional<Slots> slots = SlotsFromJson(attempt.added.slots_json);
      for (const GpuShare& gpu : slots->gpus)
        gpu_ms += static_cast<double>(wall) * gpu.length / 1000;
    }
  }
  history.gpu_ms = static_cast<std::int64_t>(gpu_ms);
  AddReports(history);
  for (const EventNoted& note : tables_.notes) {
    if (note.sweep != history.id || note.trial || !note.text.starts_with(kOfSearch)) continue;
    history.search_note = note.text.substr(kOfSearch.size());
  }
  const auto search = tables_.search.find(history.id);
  if (search != tables_.search.end()) history.search = search->second;
}

void MemoryStore::AddReports(SweepHistory& history) const {
  const SweepAdded& sweep = tables_.sweeps.at(history.id).added;
  const Json spec = ParseJson(sweep.spec_json, "spec");
  const bool is_pbt = spec.at("method") == "pbt";
  if (!spec.contains("early_terminate") && !is_pbt) return;
  for (const auto& [id, trial] : tables_.trials) {
    if (trial.added.sweep != history.id) continue;
    if (is_pbt && !trial.attempts.empty()) {
      history.ran_on[trial.added.number] = trial.attempts.back().added.host;
    }
    for (const StoredAttempt& attempt : trial.attempts) {
      for (const MetricReport& report : attempt.reports) {
        for (const auto& [name, value] : report.values) {
          if (name != sweep.metric) continue;
          history.reports.push_back({trial.added.number, report.step, value});
        }
      }
    }
  }
}

std::vector<SweepId> MemoryStore::UnfinishedSweeps() const {
  std::vector<SweepId> sweeps;
  for (const auto& [id, sweep] : tables_.sweeps) {
    if (sweep.last.state == SweepState::kRunning) sweeps.push_back(id);
  }
  return sweeps;
}

std::vector<Store::SavedMark> MemoryStore::Backup() {
  std::vector<Store::SavedMark> marks;
  for (const auto& [rank, seq] : std::exchange(tables_.unsaved, {})) {
    marks.push_back({rank, seq});
    tables_.saved[rank.job] = seq;
  }
  return marks;
}

std::int64_t MemoryStore::Saved(JobId job) const {
  const auto found = tables_.saved.find(job);
  return found == tables_.saved.end() ? 0 : found->second;
}

const StoredTrial* MemoryStore::TrialOfJob(JobId job) const {
  const auto found = tables_.job_trials.find(job);
  return found == tables_.job_trials.end() ? nullptr : &tables_.trials.at(found->second);
}

const StoredAttempt* MemoryStore::FindJob(JobId job) const {
  const StoredTrial* trial = TrialOfJob(job);
  if (trial == nullptr) return nullptr;
  for (const StoredAttempt& attempt : trial->attempts) {
    if (attempt.added.job == job) return &attempt;
  }
  return nullptr;
}

std::int64_t MemoryStore::CountState(TrialState state) const {
  return std::ranges::count_if(tables_.trials,
                               [state](const auto& entry) { return entry.second.state == state; });
}

void MemoryStore::Apply(const SweepAdded& added) {
  Expect(added.id.value == ++tables_.given.sweeps, "ids only rise", "of a sweep");
  tables_.sweeps[added.id].added = added;
  tables_.sweeps[added.id].last.trials_planned = added.trials_planned;
}

void MemoryStore::Apply(const SweepChanged& changed) {
  StoredSweep& sweep = tables_.sweeps.at(changed.id);
  const auto planned = changed.trials_planned ? changed.trials_planned : sweep.last.trials_planned;
  if (changed.spec_json) sweep.added.spec_json = *changed.spec_json;
  sweep.last = changed;
  sweep.last.trials_planned = planned;
  const bool ended = changed.state != SweepState::kRunning;
  Expect(!ended || !changed.reason.empty(), "whoever is refused is told why",
         "a sweep ended without a reason");
}

void MemoryStore::Apply(const TrialAdded& added) {
  Expect(added.id.value == ++tables_.given.trials, "ids only rise", "of a trial");
  const bool is_new =
      tables_.by_number.emplace(std::pair(added.sweep, added.number), added.id).second;
  Expect(is_new, "ids only rise", fmt::format("trial {} is added twice", added.number));
  const auto known =
      tables_.params.emplace(std::pair(added.sweep, added.configuration), added.params_json).first;
  Expect(known->second == added.params_json, "enumerated configurations never change",
         fmt::format("configuration {} was {}, is {}", added.configuration, known->second,
                     added.params_json));
  tables_.trials[added.id].added = added;
}

void MemoryStore::Apply(const AttemptAdded& added) {
  StoredTrial& trial = Touch(added.trial);
  Expect(trial.state == TrialState::kWaiting, "moves of trials are legal",
         fmt::format("launched while {}", ToString(trial.state)));
  Expect(trial.Open() == nullptr, "at most one live accepted attempt per trial",
         fmt::format("two open attempts of trial {}", trial.added.number));
  const int before = trial.attempts.empty() ? 0 : trial.attempts.back().added.attempt;
  Expect(added.attempt > before, "attempt numbers only rise",
         fmt::format("attempt {} after {} of trial {}", added.attempt, before, added.trial.value));
  Expect(added.job.value == ++tables_.given.jobs, "ids only rise", "of a job");
  Expect(tables_.tokens.insert(added.token).second, "a token is given once", added.token);
  trial.state = TrialState::kLaunching;
  trial.attempts.push_back({.added = added, .ended = std::nullopt, .reports = {}});
  tables_.job_trials[added.job] = added.trial;
}

StoredAttempt* MemoryStore::OpenAttemptOf(StoredTrial& trial, int attempt) {
  StoredAttempt* open = trial.Open();
  const bool fits = open != nullptr && open->added.attempt == attempt;
  Expect(fits, "moves of trials are legal",
         fmt::format("attempt {} of trial {} is not open", attempt, trial.added.number));
  return fits ? open : nullptr;
}

void MemoryStore::Apply(const AttemptStarted& started) {
  StoredTrial& trial = Touch(started.trial);
  StoredAttempt* open = OpenAttemptOf(trial, started.attempt);
  if (open == nullptr) return;
  Expect(trial.state == TrialState::kLaunching, "moves of trials are legal",
         fmt::format("started while {}", ToString(trial.state)));
  open->started = true;
  trial.state = TrialState::kRunning;
}

void MemoryStore::Apply(const AttemptEnded& ended) {
  if (StoredAttempt* open = OpenAttemptOf(Touch(ended.trial), ended.attempt)) open->ended = ended;
}

void MemoryStore::Apply(const TrialMoved& moved) {
  StoredTrial& trial = Touch(moved.trial);
  if (moved.reopened) {
    Expect(IsEnded(trial.state) && moved.to == TrialState::kWaiting, "moves of trials are legal",
           "reopened");
    Expect(user_acts_allowed, "an ended trial changes only by a recorded act of the user",
           fmt::format("trial {} was reopened unasked", trial.added.number));
  } else {
    Expect(CanMove(trial.state, moved.to), "moves of trials are legal",
           fmt::format("{} to {}", ToString(trial.state), ToString(moved.to)));
  }
  const bool is_failure = moved.to == TrialState::kFailed || moved.to == TrialState::kCanceled;
  Expect(!is_failure || !moved.reason.empty(), "whoever is refused is told why",
         fmt::format("trial {} is {} without a reason", trial.added.number, ToString(moved.to)));
  trial.state = moved.to;
  trial.reason = moved.reason;
  trial.failures = moved.failures;
}

void MemoryStore::Apply(const TrialWanted& wanted) {
  Touch(wanted.trial).wanted = wanted.wanted;
}

void MemoryStore::Apply(const MetricsAdded& added) {
  StoredTrial& trial = Touch(added.trial);
  StoredAttempt* open = OpenAttemptOf(trial, added.attempt);
  if (open == nullptr) return;
  StoredSweep& sweep = tables_.sweeps.at(trial.added.sweep);
  for (const MetricReport& report : added.reports) {
    ++open->mark;
    Expect(report.seq == open->mark, "every metric row exactly once",
           fmt::format("seq {} of job {} instead of {}", report.seq, added.rank.job.value,
                       open->mark));
    open->reports.push_back(report);
    for (const auto& [name, value] : report.values) {
      if (name != sweep.added.metric) continue;
      trial.objective = value;
      ++sweep.metric_reports;
    }
  }
  tables_.unsaved[added.rank] = open->mark;
}

void MemoryStore::Apply(const EpochRaised& raised) {
  tables_.given.epoch = std::max(tables_.given.epoch, raised.epoch);
}

void MemoryStore::Apply(const EventNoted& noted) {
  tables_.notes.push_back(noted);
}

void MemoryStore::AddStep(SweepId sweep, SearchStep step) {
  std::vector<SearchStep>& steps = tables_.search[sweep];
  Expect(step.step == std::ssize(steps) + 1, "questions and answers of a search are numbered",
         fmt::format("step {} after {}", step.step, steps.size()));
  steps.push_back(std::move(step));
}

void MemoryStore::Apply(const SearchAsked& asked) {
  AddStep(asked.sweep, {asked.step, asked.configuration, "", ""});
}

void MemoryStore::Apply(const SearchProposed& proposed) {
  SearchStep& step =
      tables_.search.at(proposed.sweep).at(static_cast<std::size_t>(proposed.step - 1));
  Expect(step.params_json.empty() && step.outcome_json.empty(),
         "a question to a search is answered once", fmt::format("step {}", proposed.step));
  step.params_json = proposed.params_json;
  step.parent = proposed.parent;
}

void MemoryStore::Apply(const SearchTold& told) {
  AddStep(told.sweep, {told.step, told.configuration, "", told.outcome_json});
}

StoredTrial& MemoryStore::Touch(TrialId id) {
  touched_.insert(id);
  return tables_.trials.at(id);
}

void MemoryStore::ExpectConsistent(StoredTrial& trial) const {
  const bool is_live = trial.state == TrialState::kLaunching ||
                       trial.state == TrialState::kRunning || trial.state == TrialState::kStopping;
  Expect((trial.Open() != nullptr) == is_live, "moves of trials are legal",
         fmt::format("trial {} is {}", trial.added.number, ToString(trial.state)));
}

}  // namespace ddl::simulation
