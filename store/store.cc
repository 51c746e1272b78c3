// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <cassert>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "configs/error.h"
#include "store/copy.h"
#include "store/durable.h"
#include "store/journal.h"
#include "store/location.h"
#include "store/packed_values.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/writer.h"

namespace ddl {

namespace {

std::string DatabasePath(const std::string& folder) {
  return folder + "/ddl.db";
}

// A log that was not copied along, or an older copy in the place of the database, is no damage that
// SQLite could see: the rows are whole, and some are missing.
void CheckIsLatest(const Connection& connection, const std::string& folder) {
  if (connection.Number("PRAGMA user_version") < 2) return;
  Statement read(connection, "SELECT id, commits FROM store");
  if (!read.Step()) return;
  const JournalText journal = ReadJournal(folder);
  if (journal.store_id != read.Text(0) || journal.confirmed <= read.Int(1)) return;
  throw Error(fmt::format("the database lacks its last {} commits: its -wal file is gone, or an "
                          "older copy was put in its place",
                          journal.confirmed - read.Int(1)),
              DatabasePath(folder),
              "ddl store rebuild brings them back; to go on without them, remove the file "
              "\"changes\" beside it",
              ErrorKind::kInfrastructure);
}

// Ours are in this mode but for copies and damaged ones. It writes to the file.
void UseWriteAheadLog(const Connection& connection) {
  connection.Execute("PRAGMA journal_mode = WAL");
}

void CheckWhole(const Connection& connection, const std::string& path) {
  Statement check(connection, "PRAGMA quick_check(1)");
  if (check.Step() && check.Text(0) == "ok") return;
  throw Error(fmt::format("the database is damaged: {}", check.Text(0)), path,
              "ddl store rebuild brings back what was acknowledged, and keeps the file");
}

bool UsesWriteAheadLog(const Connection& connection) {
  Statement mode(connection, "PRAGMA journal_mode");
  return mode.Step() && mode.Text(0) == "wal";
}

// What is refused here, or by the end of State's constructor, is not changed.
Connection OpenDatabase(const std::string& folder, bool is_rebuilt) {
  const std::string path = DatabasePath(folder);
  Connection connection(path, OpenAs::kWriter);
  CheckSchema(connection, path);
  if (!is_rebuilt) CheckIsLatest(connection, folder);
  if (connection.Number("PRAGMA page_count") == 0) UseWriteAheadLog(connection);
  if (!UsesWriteAheadLog(connection)) CheckWhole(connection, path);
  // Durable at every commit. The log is checkpointed by this connection alone, every 4,000 pages:
  // some milliseconds now and then instead of many at once.
  connection.Execute(
      "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536; "
      "PRAGMA temp_store = MEMORY");
  Migrate(connection);
  return connection;
}

// What counts against the sweep's limits, by the lengths of attempts, which no step of a clock
// changes. A slot's GPUs are [uuid, index, first, length] each, in thousandths; most slots have
// none, which the text tells without parsing it.
void ReadLimits(const Connection& c, SweepHistory& history) {
  Statement wall(c,
                 "SELECT coalesce(max(a.busy_ms + coalesce(a.wall_ms, 0)), 0) FROM trial t JOIN "
                 "attempt a ON a.trial = t.id WHERE t.sweep = ?");
  if (wall.Bind(history.id.value).Step()) history.wall_ms = wall.Int(0);
  Statement gpu(c,
                "SELECT coalesce(sum(a.wall_ms * (SELECT sum(json_extract(g.value, '$[3]')) FROM "
                "json_each(a.slots_json, '$.gpus') g)) / 1000, 0) FROM trial t JOIN attempt a ON "
                "a.trial = t.id WHERE t.sweep = ? AND a.cause IS NOT NULL AND "
                "instr(a.slots_json, '\"gpus\":[]') = 0");
  if (gpu.Bind(history.id.value).Step()) history.gpu_ms = gpu.Int(0);
  Statement reports(c,
                    "SELECT coalesce(sum(s.count), 0) FROM sweep w JOIN metric_name n ON n.name = "
                    "w.metric JOIN trial t ON t.sweep = w.id JOIN summary s ON s.trial = t.id AND "
                    "s.name = n.id WHERE w.id = ?");
  if (reports.Bind(history.id.value).Step()) history.metric_reports = reports.Int(0);
}

void ReadFurtherObjectives(const Connection& c, SweepHistory& history) {
  Statement names(
      c,
      "SELECT n.id, m.key FROM sweep w, json_each(w.spec_json, '$.metrics') m LEFT JOIN "
      "metric_name n ON n.name = json_extract(m.value, '$.name') WHERE w.id = ? AND "
      "m.key > 0 ORDER BY m.key");
  names.Bind(history.id.value);
  std::vector<std::optional<std::int64_t>> ids;
  while (names.Step())
    ids.push_back(names.IsNull(0) ? std::nullopt : std::optional(names.Int(0)));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i]) continue;
    Statement read(c,
                   "SELECT t.number, s.last FROM trial t JOIN summary s ON s.trial = t.id AND "
                   "s.name = ?2 WHERE t.sweep = ?1 AND s.last IS NOT NULL");
    read.Bind(history.id.value, *ids[i]);
    while (read.Step()) {
      auto& values = history.further[read.Int(0)];
      values.resize(ids.size(), std::numeric_limits<double>::quiet_NaN());
      values[i] = read.Real(1);
    }
  }
}

void ReadOpenAttempts(const Connection& c, SweepHistory& history) {
  Statement open(c,
                 "SELECT a.trial, a.attempt, a.job, a.token, a.host, a.slots_json, a.started_ms, "
                 "coalesce((SELECT max(committed) FROM spool WHERE job = a.job), 0), a.busy_ms "
                 "FROM attempt a JOIN trial t ON t.id = a.trial "
                 "WHERE a.cause IS NULL AND t.sweep = ? ORDER BY a.trial, a.attempt");
  open.Bind(history.id.value);
  while (open.Step()) {
    history.open_attempts.push_back({.trial = {open.Int(0)},
                                     .attempt = static_cast<int>(open.Int(1)),
                                     .job = {open.Int(2)},
                                     .token = open.Text(3),
                                     .host = open.Text(4),
                                     .slots_json = open.Text(5),
                                     .started = !open.IsNull(6),
                                     .committed_seq = open.Int(7),
                                     .busy_ms = open.Int(8),
                                     .started_ms = open.Int(6)});
  }
}

void ReadSearchNote(const Connection& c, SweepHistory& history) {
  if (history.search.empty()) return;
  Statement read(c,
                 "SELECT substr(text, ?2) FROM event WHERE sweep = ?1 AND trial IS NULL AND "
                 "substr(text, 1, ?2 - 1) = ?3 ORDER BY id DESC LIMIT 1");
  read.Bind(history.id.value, std::ssize(kOfSearch) + 1, kOfSearch);
  if (read.Step()) history.search_note = read.Text(0);
}

void ReadReports(const Connection& c, SweepHistory& history) {
  Statement name(c,
                 "SELECT n.id FROM sweep w JOIN metric_name n ON n.name = w.metric WHERE w.id = ? "
                 "AND (json_extract(w.spec_json, '$.early_terminate') IS NOT NULL "
                 "OR json_extract(w.spec_json, '$.method') = 'pbt')");
  if (!name.Bind(history.id.value).Step()) return;
  const std::int64_t wanted = name.Int(0);
  Statement read(c,
                 "SELECT t.number, m.step, m.packed FROM trial t JOIN attempt a ON a.trial = t.id "
                 "JOIN metric m ON m.job = a.job AND m.trial = t.id WHERE t.sweep = ? "
                 "ORDER BY t.number, a.attempt, m.rank, m.seq");
  read.Bind(history.id.value);
  while (read.Step()) {
    UnpackValues(read.Text(2), [&](std::int64_t id, double value) {
      if (id == wanted) history.reports.push_back({read.Int(0), read.Int(1), value});
    });
  }
}

void ReadHostsOfTrials(const Connection& c, SweepHistory& history) {
  Statement read(c,
                 "SELECT t.number, a.host FROM sweep w JOIN trial t ON t.sweep = w.id JOIN attempt "
                 "a ON a.trial = t.id AND a.attempt = t.attempts WHERE w.id = ? AND "
                 "json_extract(w.spec_json, '$.method') = 'pbt'");
  read.Bind(history.id.value);
  while (read.Step())
    history.ran_on[read.Int(0)] = read.Text(1);
}

void ReadTrials(const Connection& c, SweepHistory& history) {
  Statement trials(c,
                   "SELECT id, number, configuration, seed_index, state, attempts, failures, "
                   "wanted, objective, CASE WHEN state = ?2 THEN reason ELSE '' END "
                   "FROM trial WHERE sweep = ?1 ORDER BY number");
  trials.Bind(history.id.value, static_cast<int>(TrialState::kPaused));
  while (trials.Step()) {
    history.trials.push_back(
        {.id = {trials.Int(0)},
         .number = trials.Int(1),
         .configuration = trials.Int(2),
         .seed_index = static_cast<int>(trials.Int(3)),
         .state = static_cast<TrialState>(trials.Int(4)),
         .attempts = static_cast<int>(trials.Int(5)),
         .failures = static_cast<int>(trials.Int(6)),
         .wanted = trials.Text(7),
         .objective = trials.IsNull(8) ? std::nullopt : std::optional(trials.Real(8)),
         .reason = trials.Text(9)});
  }
}

void ReadLastAttempts(const Connection& c, SweepHistory& history) {
  Statement read(c,
                 "SELECT t.number, a.host, coalesce(a.exit_code, 0) FROM sweep w "
                 "JOIN trial t ON t.sweep = w.id JOIN attempt a ON a.trial = t.id "
                 "WHERE w.id = ? AND json_extract(w.spec_json, '$.early_terminate') IS NOT NULL "
                 "AND t.state IN (?, ?) AND a.started_ms IS NOT NULL ORDER BY t.number, a.attempt");
  read.Bind(history.id.value, static_cast<int>(TrialState::kWaiting),
            static_cast<int>(TrialState::kPaused));
  while (read.Step()) {
    history.last_attempts.insert_or_assign(
        read.Int(0), LastAttempt{read.Text(1), static_cast<int>(read.Int(2))});
  }
}

}  // namespace

struct Store::State {
  State(std::string folder_of_it, bool is_rebuilt)
      : folder(std::move(folder_of_it)),
        connection(OpenDatabase(folder, is_rebuilt)),
        writer(connection),
        count(connection, "UPDATE store SET commits = ?") {
    {
      Statement read(connection, "SELECT id, commits FROM store");
      if (read.Step()) {
        id = read.Text(0);
        commits = read.Int(1);
      }
    }
    UseWriteAheadLog(connection);
    journal.emplace(folder, id);
  }

  std::string folder;
  Connection connection;
  ChangeWriter writer;
  Statement count;
  std::string id;
  std::int64_t commits = 0;
  // There from the end of the constructor on.
  Journal& OpenJournal() {
    assert(journal);
    return *journal;
  }

  std::optional<Journal> journal;
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::Open(const std::string& folder) {
  const std::string path = DatabasePath(folder);
  if (::access(path.c_str(), F_OK) != 0) {
    const bool had_one = !ReadJournal(folder).entries.empty() ||
                         ::access((BackupFolder(folder) + "/ddl.db").c_str(), F_OK) == 0;
    if (had_one) {
      throw Error("the database is gone", path,
                  "ddl store rebuild brings it back; for a new store remove the folder");
    }
    SyncNamesAbove(folder + "/");
  }
  return Store(std::make_unique<State>(folder, false));
}

Store Store::OpenRebuilt(const std::string& folder) {
  return Store(std::make_unique<State>(folder, true));
}

void Store::Commit(std::span<const Change> changes) {
  const Connection& connection = state_->connection;
  connection.Execute("BEGIN IMMEDIATE");
  try {
    for (const Change& change : changes) {
      state_->writer.Write(change);
    }
    state_->writer.Finish();
    state_->count.Bind(state_->commits + 1).Run();
    state_->OpenJournal().Add(state_->commits + 1, changes);
    connection.Execute("COMMIT");
    state_->OpenJournal().Confirm(++state_->commits);
  } catch (const Error&) {
    sqlite3_exec(connection.Get(), "ROLLBACK", nullptr, nullptr, nullptr);
    state_->writer.Forget();
    throw;
  }
}

const std::string& Store::Id() const {
  return state_->id;
}

Counters Store::Given() const {
  const Connection& c = state_->connection;
  return {.sweeps = c.Number("SELECT max(id) FROM sweep"),
          .trials = c.Number("SELECT max(id) FROM trial"),
          .jobs = c.Number("SELECT max(coalesce((SELECT max(job) FROM attempt), 0), "
                           "(SELECT jobs_from FROM store))"),
          .epoch = static_cast<std::uint64_t>(c.Number("SELECT epoch FROM store"))};
}

std::vector<SweepId> Store::UnfinishedSweeps() const {
  Statement read(state_->connection, "SELECT id FROM sweep WHERE state = ? ORDER BY id");
  read.Bind(static_cast<int>(SweepState::kRunning));
  std::vector<SweepId> sweeps;
  while (read.Step()) {
    sweeps.push_back({read.Int(0)});
  }
  return sweeps;
}

std::optional<SweepHistory> Store::Load(std::string_view sweep_name) const {
  Statement newest(state_->connection, "SELECT max(id) FROM sweep WHERE name = ?");
  if (!newest.Bind(sweep_name).Step() || newest.IsNull(0)) return std::nullopt;
  return Load(SweepId{newest.Int(0)});
}

std::optional<SweepHistory> Store::Load(SweepId id) const {
  const Connection& c = state_->connection;
  Statement sweep(c,
                  "SELECT id, name, spec_json, spec_text, state, outcome, reason, "
                  "coalesce(json_extract(spec_json, '$.outside'), 0) FROM sweep WHERE id = ?");
  if (!sweep.Bind(id.value).Step()) return std::nullopt;
  SweepHistory history{.id = {sweep.Int(0)},
                       .name = sweep.Text(1),
                       .spec_json = sweep.Text(2),
                       .spec_text = sweep.Text(3),
                       .state = static_cast<SweepState>(sweep.Int(4)),
                       .outcome = static_cast<SweepOutcome>(sweep.Int(5)),
                       .reason = sweep.Text(6)};
  ReadTrials(c, history);
  ReadOpenAttempts(c, history);
  Statement steps(c,
                  "SELECT step, configuration, params_json, outcome_json, parent FROM search_step "
                  "WHERE sweep = ? ORDER BY step");
  steps.Bind(history.id.value);
  while (steps.Step()) {
    history.search.push_back({steps.Int(0), steps.Int(1), steps.Text(2), steps.Text(3),
                              steps.IsNull(4) ? std::nullopt : std::optional(steps.Int(4))});
  }
  ReadSearchNote(c, history);
  // Of trials that run outside nothing counts against limits, and each `ddl ask` loads them anew.
  const bool is_outside = sweep.Int(7) != 0;
  if (!is_outside) ReadLimits(c, history);
  ReadFurtherObjectives(c, history);
  if (!is_outside) {
    ReadReports(c, history);
    ReadHostsOfTrials(c, history);
  }
  ReadLastAttempts(c, history);
  return history;
}

std::vector<Store::SavedMark> Store::Backup() {
  const std::string folder = BackupFolder(state_->folder);
  std::filesystem::create_directories(folder);
  CopyDatabase(state_->connection, folder + "/ddl.db");
  SyncPath(std::filesystem::path(folder).parent_path());
  state_->OpenJournal().Restart();
  std::vector<SavedMark> marks;
  const Connection saved(folder + "/ddl.db", OpenAs::kReader);
  Statement read(saved, "SELECT job, rank, committed FROM spool ORDER BY job, rank");
  while (read.Step()) {
    marks.push_back({{{read.Int(0)}, static_cast<int>(read.Int(1))}, read.Int(2)});
  }
  return marks;
}

}  // namespace ddl
