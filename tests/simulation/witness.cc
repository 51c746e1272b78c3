// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/witness.h"

#include <algorithm>

#include <fmt/format.h>

#include "configs/json.h"
#include "scheduler/reasons.h"
#include "scheduler/search/learning_search.h"
#include "scheduler/search/search.h"
#include "tests/simulation/overlap.h"

namespace ddl::simulation {

namespace {

using std::chrono::seconds;

// How long hands that are free may take to end what has to end, beyond the grace.
constexpr Time kPatience = seconds(90);

}  // namespace

void Witness::Began(const LaunchRecord& record, const std::string& host) {
  const JobId job = record.id.job;
  around_.trace.Note(around_.agenda.Now(), host, "really runs job {}", job.value);
  CheckIntent(record);
  CheckParameters(record);
  CheckParent(record);
  if (runs_.contains(job)) {
    Surroundings::Violate("at most one live accepted attempt per trial",
                          fmt::format("job {} was started twice", job.value));
  }
  ++around_.tally.trials;
  RealRun run;
  run.job = job;
  run.sweep = record.sweep;
  run.host = host;
  run.trial = record.trial;
  run.token = record.token;
  run.timeout = record.timeout;
  run.grace = record.grace;
  run.slots = record.slots;
  run.began = around_.agenda.Now();
  run.stop_ordered = ordered_.contains(job);
  CheckRoom(run);
  runs_.emplace(job, std::move(run));
  alive_[host].insert(job);
}

void Witness::CheckIntent(const LaunchRecord& record) const {
  const StoredAttempt* attempt = store_.FindJob(record.id.job);
  if (attempt == nullptr || attempt->added.token != record.token) {
    Surroundings::Violate("a process exists only if its intent is committed",
                          fmt::format("job {} runs", record.id.job.value));
  } else if (attempt->ended && attempt->ended->cause != EndCause::kLost) {
    // A host that stays away cannot be told that a launch was given up.
    Surroundings::Violate("what was given up never starts",
                          fmt::format("job {} runs", record.id.job.value));
  }
}

void Witness::CheckParameters(const LaunchRecord& record) const {
  const StoredTrial* trial = store_.TrialOfJob(record.id.job);
  if (trial == nullptr) return;
  const SweepSpec& spec = specs_.at(record.sweep);
  const std::int64_t configuration = (trial->added.number - 1) / spec.seeds;
  std::string params = trial->added.params_json;
  if (!Learns(spec.method)) {
    const auto proposed = MakeSearch(spec)->Propose(configuration, 1);
    params = proposed.empty() ? "" : DumpJson(proposed.front());
  }
  if (record.params_json != params || trial->added.params_json != record.params_json) {
    Surroundings::Violate("enumerated configurations never change",
                          fmt::format("trial {}/{} runs with {}", record.sweep, trial->added.number,
                                      record.params_json));
  }
}

// It begins from the checkpoint of a trial that has come to its end, the same at every attempt.
void Witness::CheckParent(const LaunchRecord& record) const {
  if (!specs_.at(record.sweep).pbt) return;
  const StoredTrial* trial = store_.TrialOfJob(record.id.job);
  if (trial == nullptr) return;
  std::int64_t parent = 0;
  for (const SearchStep& step : store_.Searches().at(trial->added.sweep)) {
    const bool is_own = step.configuration == trial->added.configuration && step.parent;
    if (is_own) parent = *step.parent + 1;
  }
  const auto refuse = [&](std::string_view why) {
    Surroundings::Violate("a trial goes on from one that has ended",
                          fmt::format("trial {}/{} from {}: {}", record.sweep, trial->added.number,
                                      record.parent_number, why));
  };
  if (record.parent_number != parent) refuse("the store has another parent");
  for (const auto& [id, other] : store_.Trials()) {
    const bool is_parent =
        parent > 0 && other.added.sweep == trial->added.sweep && other.added.number == parent;
    if (is_parent && other.state != TrialState::kFinished) refuse("it has not finished");
  }
}

// The newest that an attempt of the trial left, but for this one's.
std::string Witness::LastLeft(const StoredTrial& trial, JobId but) const {
  for (auto attempt = trial.attempts.rbegin(); attempt != trial.attempts.rend(); ++attempt) {
    const auto left = left_.find(attempt->added.job);
    if (attempt->added.job != but && left != left_.end()) return left->second;
  }
  return {};
}

// Its parent's last, or what it made of that itself; and what is brought to another host is the
// newest that there is.
void Witness::GoesOnFrom(const LaunchRecord& record, const std::string& checkpoint) const {
  const StoredTrial* own = store_.TrialOfJob(record.id.job);
  const bool is_brought = !record.brought_checkpoint.empty();
  if (own == nullptr || (record.parent_number == 0 && !is_brought)) return;
  if (is_brought) around_.tally.Count(Probe::kCheckpointBrought);
  const auto is_of = [&checkpoint](const StoredAttempt& attempt) {
    return checkpoint == fmt::format("job {}", attempt.added.job.value);
  };
  std::string expected = LastLeft(*own, record.id.job);
  if (record.parent_number > 0) {
    if (std::ranges::any_of(own->attempts, is_of)) return;
    for (const auto& [id, other] : store_.Trials()) {
      const bool is_parent =
          other.added.sweep == own->added.sweep && other.added.number == record.parent_number;
      if (is_parent) expected = LastLeft(other, {});
    }
  }
  if (checkpoint == expected && !checkpoint.empty()) return;
  Surroundings::Violate(
      "a trial goes on from the last checkpoint, wherever it runs",
      fmt::format("job {} of trial {}/{} from \"{}\", not \"{}\"", record.id.job.value,
                  record.sweep, own->added.number, checkpoint, expected));
}

void Witness::CheckRoom(const RealRun& run) const {
  const auto refuse = [&run](const std::string& what) {
    Surroundings::Violate("slots in use <= capacity",
                          fmt::format("job {} on {}: {}", run.job.value, run.host, what));
  };
  // An attempt that was given up while it ran is killed: it keeps its devices from others by its
  // leases, and counts for nothing else.
  const StoredAttempt* own = store_.FindJob(run.job);
  const bool is_void = own == nullptr || own->ended;
  std::int64_t memory = run.slots.memory_mib;
  std::int64_t of_sweep = 1;
  for (const auto& [host, jobs] : alive_) {
    for (const JobId job : jobs) {
      const RealRun& other = runs_.at(job);
      const StoredAttempt* attempt = store_.FindJob(job);
      const bool is_accepted = attempt != nullptr && !attempt->ended;
      of_sweep += is_accepted && other.sweep == run.sweep ? 1 : 0;
      if (host != run.host) continue;
      if (Overlap(other.slots, run.slots)) refuse(fmt::format("shares with job {}", job.value));
      memory += is_accepted ? other.slots.memory_mib : 0;
    }
  }
  if (is_void) return;
  const auto plan = std::ranges::find(around_.scenario.hosts, run.host, &HostPlan::name);
  if (run.slots.memory_mib > 0 && memory > plan->memory_mib) refuse("more memory than there is");
  const auto parallel = most_parallel_.find(run.sweep);
  if (parallel != most_parallel_.end() && of_sweep > parallel->second) refuse("above `parallel`");
}

void Witness::Ended(JobId job, int exit_code, int signal, bool was_killed) {
  RealRun& run = runs_.at(job);
  around_.trace.Note(around_.agenda.Now(), run.host, "job {} really ended: {} {}", job.value,
                     exit_code, signal);
  run.ended = around_.agenda.Now();
  run.exit_code = exit_code;
  run.signal = signal;
  run.was_killed = was_killed;
  alive_[run.host].erase(job);
  const StoredAttempt* attempt = store_.FindJob(job);
  const bool is_superseded =
      attempt != nullptr && attempt->ended && attempt->ended->cause == EndCause::kLost;
  if (is_superseded && was_killed) around_.tally.Count(Probe::kLostCameBack);
  if (!was_killed || run.stop_ordered || run.supervisor_died) return;
  const bool is_void = attempt == nullptr || attempt->ended;
  const bool is_late = run.timeout && *run.ended - run.began >= *run.timeout * 99 / 100;
  if (!is_void && !is_late) {
    const bool has_timeout = run.timeout.has_value();
    Surroundings::Violate(
        has_timeout ? "only monotonic durations decide" : "no fault of another ends an attempt",
        fmt::format("job {} was killed unasked", job.value));
  }
}

void Witness::SpoolCut(JobId job, std::size_t left) {
  const auto run = runs_.find(job);
  if (run == runs_.end() || run->second.spooled.size() <= left) return;
  run->second.spooled.resize(left);
  run->second.spool_was_cut = true;
  around_.tally.Count(Probe::kSpoolCutShort);
}

void Witness::SupervisorDied(JobId job) {
  const auto run = runs_.find(job);
  if (run != runs_.end()) run->second.supervisor_died = true;
}

void Witness::CouldNotStart(const LaunchRecord& record) {
  CheckIntent(record);
  refused_.emplace(record.id.job, record);
}

void Witness::HostFailed(const std::string& host, const std::vector<JobId>& running) {
  for (const JobId job : running) {
    runs_.at(job).supervisor_died = true;
    Ended(job, 0, 9, true);
  }
  around_.trace.Note(around_.agenda.Now(), host, "is off, {} ran", running.size());
}

void Witness::OrderReached(JobId job, std::uint64_t epoch, std::uint64_t newest_epoch) {
  if (epoch < newest_epoch) {
    Surroundings::Violate("a stale epoch has no effect",
                          fmt::format("an order of epoch {} for job {} is obeyed at {}", epoch,
                                      job.value, newest_epoch));
  }
  ordered_.insert(job);
  const auto run = runs_.find(job);
  if (run != runs_.end()) run->second.stop_ordered = true;
}

void Witness::Acked(JobId job, std::int64_t seq, bool saved) const {
  const StoredAttempt* attempt = store_.FindJob(job);
  const std::int64_t durable = attempt == nullptr ? 0 : attempt->mark;
  if (seq > durable || (saved && seq > store_.Saved(job))) {
    Surroundings::Violate("acked <= durable", fmt::format("job {}: {} of {}{}", job.value, seq,
                                                          durable, saved ? ", saved" : ""));
  }
}

void Witness::UserStopped(TrialId trial, bool is_wanted) {
  if (is_wanted) {
    stopped_.insert(trial);
  } else {
    stopped_.erase(trial);
  }
}

void Witness::SweepIsPlanned(const SweepSpec& spec) {
  specs_.insert_or_assign(spec.name, spec);
  const int parallel = spec.parallel.value_or(1'000'000);
  int& most = most_parallel_[spec.name];
  most = std::max(most, parallel);
}

void Witness::Committed(const Change& change) {
  if (std::get_if<AttemptAdded>(&change) != nullptr) {
    const auto& added = std::get<AttemptAdded>(change);
    ++around_.tally.attempts;
    first_launched_.emplace(store_.Trials().at(added.trial).added.sweep, around_.agenda.Now());
    if (stopped_.contains(added.trial)) {
      Surroundings::Violate("a stop outlives the coordinator",
                            fmt::format("trial {} starts again", added.trial.value));
    }
    return;
  }
  if (const auto* changed = std::get_if<SweepChanged>(&change)) CheckLimit(*changed);
  const auto* moved = std::get_if<TrialMoved>(&change);
  if (moved != nullptr) NoteMove(*moved);
  const auto* ended = std::get_if<AttemptEnded>(&change);
  if (ended == nullptr) return;
  for (const StoredAttempt& attempt : store_.Trials().at(ended->trial).attempts) {
    if (attempt.added.attempt != ended->attempt) continue;
    const auto run = runs_.find(attempt.added.job);
    CheckEvidence(run == runs_.end() ? nullptr : &run->second, *ended, attempt.added);
  }
}

void Witness::NoteMove(const TrialMoved& moved) {
  if (moved.reopened) stopped_.erase(moved.trial);
  const std::string_view reason = moved.reason;
  if (reason.starts_with(kPausedByPruner)) around_.tally.Count(Probe::kHeld);
  if (reason.starts_with(kPromotedBecause)) around_.tally.Count(Probe::kPromoted);
}

void Witness::CoordinatorBegan(std::uint64_t epoch) {
  began_[epoch] = around_.agenda.Now();
}

void Witness::HostAnswers(std::uint64_t epoch, const std::string& host, bool does) {
  const auto known = away_since_.find({epoch, host});
  if (does) {
    away_since_[{epoch, host}] = std::nullopt;
  } else if (known != away_since_.end() && !known->second) {
    known->second = around_.agenda.Now();
  }
}

// The coordinator has tried for as long as the sweep says, and the host never answered.
void Witness::CheckLost(const AttemptAdded& added) const {
  const std::uint64_t epoch = store_.Given().epoch;
  const auto away = away_since_.find({epoch, added.host});
  const bool has_answered = away != away_since_.end();
  const std::optional<Time> since = has_answered ? away->second : began_.at(epoch);
  const SweepId sweep = store_.Trials().at(added.trial).added.sweep;
  const Time bound = specs_.at(store_.Sweep(sweep).added.name).lost_after;
  around_.tally.Count(Probe::kHostLost);
  if (since && around_.agenda.Now() - *since >= bound) return;
  Surroundings::Violate(
      "it ended on evidence",
      fmt::format("job {} is lost though {} was not away that long", added.job.value, added.host));
}

void Witness::CheckEvidence(const RealRun* run, const AttemptEnded& ended,
                            const AttemptAdded& added) const {
  const JobId job = added.job;
  if (ended.cause == EndCause::kLost) return CheckLost(added);
  const auto refuse = [&](std::string_view why) {
    Surroundings::Violate(
        "it ended on evidence",
        fmt::format("job {} is {} ({}): {}", job.value, ToString(ended.cause), ended.detail, why));
  };
  if (run == nullptr) {
    const bool is_given_up = ended.detail.starts_with("the launch never reached");
    if (is_given_up) around_.tally.Count(Probe::kLaunchNeverArrived);
    const bool is_own = ended.cause == EndCause::kExited || ended.cause == EndCause::kSignaled ||
                        ended.cause == EndCause::kTimedOut ||
                        ended.cause == EndCause::kMetricMissing;
    if (is_own) refuse("it never ran");
    if (ended.cause == EndCause::kCouldNotStart && !refused_.contains(job)) refuse("nobody tried");
    return;
  }
  // Its launch was on its way when the attempt was given up: a stray, which Patrol watches.
  const bool was_given_up = ended.cause == EndCause::kLaunchRefused;
  if (!run->ended && !was_given_up && !run->supervisor_died) refuse("it is alive");
  if (ended.cause == EndCause::kExited && (run->signal != 0 || run->exit_code != ended.exit_code)) {
    refuse("it ended otherwise");
  }
  if (ended.cause == EndCause::kSignaled && run->signal != ended.signal) refuse("no such signal");
  const bool is_lost =
      ended.cause == EndCause::kSupervisorLost || ended.cause == EndCause::kHostRebooted;
  if (is_lost && !run->supervisor_died) refuse("its supervisor lives");
  if (is_lost)
    around_.tally.Count(ended.cause == EndCause::kHostRebooted ? Probe::kHostRebooted
                                                               : Probe::kSupervisorLost);
  if (ended.cause != EndCause::kTimedOut) return;
  around_.tally.Count(Probe::kTimedOut);
  const bool is_early = !run->timeout || *run->ended - run->began < *run->timeout * 99 / 100;
  if (is_early) Surroundings::Violate("only monotonic durations decide", "timed out too early");
}

// No step of a clock makes a sweep older. A supervisor may wait for its disk before it starts its
// trial, and counts from its own beginning.
void Witness::CheckLimit(const SweepChanged& changed) const {
  constexpr std::chrono::duration<double> kStart = std::chrono::minutes(6);
  if (changed.outcome != SweepOutcome::kLimitReached) return;
  const SweepSpec& spec = specs_.at(store_.Sweep(changed.id).added.name);
  const auto launched = first_launched_.find(changed.id);
  const std::chrono::duration<double> wall =
      launched == first_launched_.end() ? Time{0} : around_.agenda.Now() - launched->second;
  std::chrono::duration<double> gpu{0};
  for (const auto& [job, run] : runs_) {
    if (run.sweep != spec.name) continue;
    int share = 0;
    for (const GpuShare& slot : run.slots.gpus)
      share += slot.length;
    const Time until = run.ended.value_or(around_.agenda.Now());
    gpu += (until - run.began + kStart) * share / 1000.0;
  }
  const auto is_early = [](const std::optional<double>& limit,
                           std::chrono::duration<double> spent) {
    return !limit || spent < std::chrono::hours(1) * *limit;
  };
  const bool is_wall = changed.reason.find("wall_h") != std::string::npos;
  const bool is_gpu = changed.reason.find("gpu_h") != std::string::npos;
  if ((is_wall && is_early(spec.limits.wall_h, wall)) ||
      (is_gpu && is_early(spec.limits.gpu_h, gpu))) {
    Surroundings::Violate(
        "only monotonic durations decide",
        fmt::format("{} after {:.0f} s, {:.0f} GPU s", changed.reason, wall.count(), gpu.count()));
  }
}

void Witness::Patrol(Time since_last, const std::set<std::string>& hands_free) {
  for (const auto& [host, jobs] : alive_) {
    if (!hands_free.contains(host)) continue;
    for (const JobId job : jobs) {
      RealRun& run = runs_.at(job);
      const StoredAttempt* attempt = store_.FindJob(job);
      run.stray = attempt == nullptr || attempt->ended ? run.stray + since_last : Time{0};
      run.unheeded = stopped_.contains(run.trial) ? run.unheeded + since_last : Time{0};
      const Time most = run.grace + kPatience + since_last;
      if (run.stray > most) {
        Surroundings::Violate("a void process goes",
                              fmt::format("job {} on {} lives on", job.value, host));
      }
      if (run.unheeded > most) {
        Surroundings::Violate("a stop outlives the coordinator",
                              fmt::format("job {} on {} runs on", job.value, host));
      }
    }
  }
}

bool Witness::IsAnyAlive() const {
  return std::ranges::any_of(alive_, [](const auto& entry) { return !entry.second.empty(); });
}

void Witness::CheckAll() const {
  CheckSearches();
  for (const auto& [job, run] : runs_)
    CheckRows(run);
  for (const auto& [id, trial] : store_.Trials()) {
    const bool is_over = store_.Sweep(trial.added.sweep).last.state != SweepState::kRunning;
    const bool is_held = trial.state == TrialState::kPaused &&
                         std::string_view(trial.reason).starts_with(kPausedByPruner);
    if (is_over && is_held) {
      Surroundings::Violate(
          "nothing waits for ever",
          fmt::format("trial {} of a sweep that is over is {}", id.value, trial.reason));
    }
    std::int64_t well = 0;
    for (const StoredAttempt& attempt : trial.attempts) {
      const auto run = runs_.find(attempt.added.job);
      if (run == runs_.end() || !attempt.ended) continue;
      const bool counts = attempt.ended->cause == EndCause::kExited ||
                          attempt.ended->cause == EndCause::kMetricMissing;
      // One that had made its reports was told to leave, and may have been killed when it did not.
      const bool is_pbt = specs_.at(run->second.sweep).pbt.has_value();
      const bool was_done = is_pbt && run->second.stop_ordered;
      const int code = run->second.exit_code;
      const bool is_well = (code == 0 || (is_pbt && code == 75)) && !run->second.was_killed;
      well += (counts && is_well) || was_done ? 1 : 0;
    }
    if (trial.state == TrialState::kFinished && well == 0) {
      Surroundings::Violate("it ended on evidence",
                            fmt::format("trial {} never ran to its end", id.value));
    }
  }
}

// The rows of a job are what its supervisor took, in order. The attempt's end waits for the last.
// Everything that a search was asked and told is in the store: one that begins anew and goes
// through the same proposes the same.
void Witness::CheckSearches() const {
  for (const auto& [id, steps] : store_.Searches()) {
    const SweepSpec& spec = specs_.at(store_.Sweep(id).added.name);
    const auto search = MakeSearch(spec);
    for (const SearchStep& step : steps) {
      if (!step.outcome_json.empty()) {
        search->Tell(step.configuration, OutcomeOf(step.outcome_json));
        continue;
      }
      const auto proposed = search->Propose(step.configuration, 1);
      if (step.params_json.empty()) continue;
      if (!proposed.empty() && DumpJson(proposed.front()) == step.params_json) continue;
      Surroundings::Violate("a continued search proposes what an uninterrupted one would",
                            fmt::format("configuration {} of {}: {}", step.configuration, spec.name,
                                        step.params_json));
    }
  }
}

void Witness::CheckRows(const RealRun& run) const {
  const StoredAttempt* attempt = store_.FindJob(run.job);
  if (attempt == nullptr) return;
  const auto refuse = [&run](const std::string& why) {
    Surroundings::Violate("every metric row exactly once",
                          fmt::format("job {}: {}", run.job.value, why));
  };
  const auto& rows = attempt->reports;
  for (std::size_t i = 0; i < rows.size() && i < run.spooled.size(); ++i) {
    if (rows[i].values.front().second != run.spooled[i]) refuse("another value");
  }
  if (rows.size() > run.spooled.size() && !run.spool_was_cut) refuse("more rows than reports");
  const bool is_whole = attempt->ended && !run.spool_was_cut && !run.supervisor_died &&
                        attempt->ended->cause != EndCause::kLaunchRefused &&
                        attempt->ended->cause != EndCause::kLost;
  if (is_whole && rows.size() < run.spooled.size()) {
    refuse(fmt::format("{} of {} reports", rows.size(), run.spooled.size()));
  }
}

}  // namespace ddl::simulation
