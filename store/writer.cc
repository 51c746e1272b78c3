// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include <cassert>
#include <string_view>

#include <fmt/format.h>

#include "store/packed_values.h"

namespace ddl {

namespace {

// A row that must be there was not, or in another state: going on would lose what is true.
void Require(bool holds, std::string_view what, std::int64_t id) {
  if (holds) return;
  fmt::print(stderr, "ddl: the store contradicts the scheduler: {} {}\n", what, id);
  assert(holds && "the store contradicts the scheduler");
}

// The states from which `to` may be entered, as a set of bits for the statement.
int PredecessorBits(TrialState to) {
  int bits = 0;
  for (const TrialState from : LegalPredecessors(to)) {
    bits |= 1 << static_cast<int>(from);
  }
  return bits;
}

constexpr int kEndedBits =
    (1 << static_cast<int>(TrialState::kFinished)) | (1 << static_cast<int>(TrialState::kPruned)) |
    (1 << static_cast<int>(TrialState::kFailed)) | (1 << static_cast<int>(TrialState::kCanceled));

}  // namespace

ChangeWriter::ChangeWriter(const Connection& c)
    : add_sweep_(c, "INSERT INTO sweep VALUES (?,?,?,?,?,?,?,?,?,?,'',?,?)"),
      change_sweep_(c,
                    "UPDATE sweep SET spec_json = coalesce(?2, spec_json), trials_planned = "
                    "coalesce(?3, trials_planned), state = ?4, outcome = ?5, reason = ?6, "
                    "changed_ms = ?7 WHERE id = ?1"),
      add_trial_(c, "INSERT INTO trial VALUES (?,?,?,?,?,?,?,0,0,'','',NULL,NULL,NULL,?)"),
      add_attempt_(c,
                   "INSERT INTO attempt (trial, attempt, job, token, host, slots_json, argv_json, "
                   "job_folder, created_ms, busy_ms) VALUES (?,?,?,?,?,?,?,?,?,?)"),
      note_attempt_(c, "UPDATE trial SET attempts = ?2, started_ms = NULL WHERE id = ?1"),
      start_attempt_(c,
                     "UPDATE attempt SET pid = ?3, started_ms = ?4 WHERE trial = ?1 AND "
                     "attempt = ?2 AND cause IS NULL"),
      note_start_(c, "UPDATE trial SET started_ms = ?2 WHERE id = ?1"),
      end_attempt_(c,
                   "UPDATE attempt SET cause = ?3, exit_code = ?4, signal = ?5, detail = ?6, "
                   "wall_ms = ?7, cpu_ms = ?8, peak_memory_kib = ?9, last_seq = ?10, "
                   "log_bytes = ?11, ended_ms = ?12 WHERE trial = ?1 AND attempt = ?2 AND "
                   "cause IS NULL"),
      note_end_(c, "UPDATE trial SET ended_ms = ?2 WHERE id = ?1"),
      move_(c, "UPDATE trial SET state = ?2 WHERE id = ?1 AND ((1 << state) & ?3) != 0"),
      describe_(c, "UPDATE trial SET reason = ?2, failures = ?3 WHERE id = ?1"),
      want_(c, "UPDATE trial SET wanted = ?2 WHERE id = ?1"),
      add_metric_(c, "INSERT INTO metric VALUES (?,?,?,?,?,?,?,?)"),
      raise_epoch_(c, "UPDATE store SET epoch = ?1 WHERE epoch < ?1"),
      add_event_(c, "INSERT INTO event (sweep, trial, at_ms, text) VALUES (?,?,?,?)"),
      add_step_(c,
                "INSERT INTO search_step (sweep, step, configuration, outcome_json) "
                "VALUES (?,?,?,?)"),
      answer_step_(
          c, "UPDATE search_step SET params_json = ?3, parent = ?4 WHERE sweep = ?1 AND step = ?2"),
      find_name_(c, "SELECT id FROM metric_name WHERE name = ?"),
      add_name_(c, "INSERT INTO metric_name (name) VALUES (?) RETURNING id"),
      read_mark_(c, "SELECT committed FROM spool WHERE job = ? AND rank = ?"),
      write_mark_(c, "INSERT OR REPLACE INTO spool VALUES (?,?,?)"),
      summaries_(c) {}

void ChangeWriter::Write(const Change& change) {
  std::visit([this](const auto& alternative) { On(alternative); }, change);
}

void ChangeWriter::Finish() {
  summaries_.Finish();
}

void ChangeWriter::Forget() {
  names_.clear();
  marks_.clear();
  summaries_.Forget();
}

void ChangeWriter::On(const SweepAdded& change) {
  add_sweep_
      .Bind(change.id.value, change.name, change.spec_json, change.spec_text,
            change.provenance_json, change.metric, int{change.maximize}, change.trials_planned,
            static_cast<int>(SweepState::kRunning), static_cast<int>(SweepOutcome::kNone),
            change.at_ms, change.at_ms)
      .Run();
}

void ChangeWriter::On(const SweepChanged& change) {
  const int rows = change_sweep_
                       .Bind(change.id.value, change.spec_json, change.trials_planned,
                             static_cast<int>(change.state), static_cast<int>(change.outcome),
                             change.reason, change.at_ms)
                       .Run();
  Require(rows == 1, "no sweep", change.id.value);
}

void ChangeWriter::On(const TrialAdded& change) {
  add_trial_
      .Bind(change.id.value, change.sweep.value, change.number, change.configuration,
            change.seed_index, change.params_json, static_cast<int>(TrialState::kWaiting),
            change.at_ms)
      .Run();
}

void ChangeWriter::On(const AttemptAdded& change) {
  add_attempt_
      .Bind(change.trial.value, change.attempt, change.job.value, change.token, change.host,
            change.slots_json, change.argv_json, change.job_folder, change.at_ms, change.busy_ms)
      .Run();
  note_attempt_.Bind(change.trial.value, change.attempt).Run();
  Move(change.trial, TrialState::kLaunching);
}

void ChangeWriter::On(const AttemptStarted& change) {
  const int rows =
      start_attempt_.Bind(change.trial.value, change.attempt, change.pid, change.at_ms).Run();
  Require(rows == 1, "no open attempt of trial", change.trial.value);
  note_start_.Bind(change.trial.value, change.at_ms).Run();
  Move(change.trial, TrialState::kRunning);
}

void ChangeWriter::On(const AttemptEnded& change) {
  const int rows =
      end_attempt_
          .Bind(change.trial.value, change.attempt, static_cast<int>(change.cause),
                change.exit_code, change.signal, change.detail, change.wall_ms, change.cpu_ms,
                change.peak_memory_kib, change.last_seq, change.log_bytes, change.at_ms)
          .Run();
  Require(rows == 1, "no open attempt of trial", change.trial.value);
  note_end_.Bind(change.trial.value, change.at_ms).Run();
}

void ChangeWriter::Move(TrialId trial, TrialState to) {
  const int rows = move_.Bind(trial.value, static_cast<int>(to), PredecessorBits(to)).Run();
  Require(rows == 1, fmt::format("no legal way to {} for trial", ToString(to)), trial.value);
}

void ChangeWriter::On(const TrialMoved& change) {
  if (change.reopened) {
    const int rows = move_.Bind(change.trial.value, static_cast<int>(change.to), kEndedBits).Run();
    Require(rows == 1, "nothing to reopen in trial", change.trial.value);
  } else {
    Move(change.trial, change.to);
  }
  describe_.Bind(change.trial.value, change.reason, change.failures).Run();
}

void ChangeWriter::On(const TrialWanted& change) {
  want_.Bind(change.trial.value, change.wanted).Run();
}

void ChangeWriter::On(const MetricsAdded& change) {
  std::int64_t mark = HighWaterMark(change.rank);
  std::string packed;
  for (const MetricReport& report : change.reports) {
    if (report.seq <= mark) continue;  // sent again after a link was remade
    mark = report.seq;
    packed.clear();
    for (const auto& [name, value] : report.values) {
      const std::int64_t id = NameId(name);
      PackValue(id, value, packed);
      summaries_.Add(change.trial, id, report.step, value);
    }
    add_metric_
        .Bind(change.rank.job.value, change.rank.rank, report.seq, change.trial.value,
              change.attempt, report.step, report.elapsed_ms, Blob{packed})
        .Run();
  }
  marks_[change.rank] = mark;
  write_mark_.Bind(change.rank.job.value, change.rank.rank, mark).Run();
}

void ChangeWriter::On(const EpochRaised& change) {
  const int rows = raise_epoch_.Bind(static_cast<std::int64_t>(change.epoch)).Run();
  Require(rows == 1, "the epoch does not rise to", static_cast<std::int64_t>(change.epoch));
}

void ChangeWriter::On(const EventNoted& change) {
  const std::optional<std::int64_t> trial =
      change.trial ? std::optional(change.trial.value) : std::nullopt;
  add_event_.Bind(change.sweep.value, trial, change.at_ms, change.text).Run();
}

void ChangeWriter::On(const SearchAsked& change) {
  add_step_.Bind(change.sweep.value, change.step, change.configuration, std::string()).Run();
}

void ChangeWriter::On(const SearchProposed& change) {
  const int rows =
      answer_step_.Bind(change.sweep.value, change.step, change.params_json, change.parent).Run();
  Require(rows == 1, "no question at step", change.step);
}

void ChangeWriter::On(const SearchTold& change) {
  add_step_.Bind(change.sweep.value, change.step, change.configuration, change.outcome_json).Run();
}

std::int64_t ChangeWriter::NameId(const std::string& name) {
  const auto known = names_.find(name);
  if (known != names_.end()) return known->second;
  std::int64_t id = 0;
  if (find_name_.Bind(name).Step()) {
    id = find_name_.Int(0);
  } else {
    add_name_.Bind(name).Step();
    id = add_name_.Int(0);
    add_name_.Run();
  }
  find_name_.Reset();
  return names_[name] = id;
}

std::int64_t ChangeWriter::HighWaterMark(RankId rank) {
  const auto known = marks_.find(rank);
  if (known != marks_.end()) return known->second;
  const std::int64_t mark =
      read_mark_.Bind(rank.job.value, rank.rank).Step() ? read_mark_.Int(0) : 0;
  read_mark_.Reset();
  return mark;
}

}  // namespace ddl
