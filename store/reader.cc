// SPDX-License-Identifier: Apache-2.0
#include "store/reader.h"

#include <cmath>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "configs/error.h"
#include "store/packed_values.h"
#include "store/reader_state.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace ddl {

namespace {

Connection OpenForReading(const std::string& folder) {
  const std::string path = folder + "/ddl.db";
  if (::access(path.c_str(), F_OK) != 0) {
    throw Error("there is no store here yet", folder,
                "start with ddl sweep SPEC.yaml, or name a store by --store or DDL_HOME");
  }
  Connection connection(path, OpenAs::kReader);
  CheckSchema(connection, path);
  return connection;
}

std::optional<double> OptionalReal(const Statement& row, int column) {
  return row.IsNull(column) ? std::nullopt : std::optional(row.Real(column));
}

double RealOrNan(const Statement& row, int column) {
  return row.IsNull(column) ? std::nan("") : row.Real(column);
}

constexpr std::string_view kTrialColumns =
    "t.id, t.number, t.configuration, t.seed_index, t.state, t.reason, t.params_json, t.attempts, "
    "t.objective, coalesce(t.started_ms, 0), coalesce(t.ended_ms, 0), "
    "(SELECT CASE w.maximize WHEN 1 THEN s.max ELSE s.min END FROM summary s "
    " JOIN metric_name n ON n.id = s.name WHERE s.trial = t.id AND n.name = w.metric)";

TrialLine ReadTrial(const Statement& row) {
  return {.id = {row.Int(0)},
          .number = row.Int(1),
          .configuration = row.Int(2),
          .seed_index = static_cast<int>(row.Int(3)),
          .state = static_cast<TrialState>(row.Int(4)),
          .reason = row.Text(5),
          .params_json = row.Text(6),
          .attempts = static_cast<int>(row.Int(7)),
          .objective = OptionalReal(row, 8),
          .best_objective = OptionalReal(row, 11),
          .started_ms = row.Int(9),
          .ended_ms = row.Int(10)};
}

}  // namespace

std::int64_t StateCounts::Of(TrialState state) const {
  const auto found = by_state.find(state);
  return found == by_state.end() ? 0 : found->second;
}

StoreReader::State::State(const std::string& folder) : connection(OpenForReading(folder)) {}

void StoreReader::State::Count(SweepLine& line) const {
  Statement read(connection, "SELECT state, count(*) FROM trial WHERE sweep = ? GROUP BY state");
  read.Bind(line.id.value);
  while (read.Step()) {
    line.counts.by_state[static_cast<TrialState>(read.Int(0))] = read.Int(1);
  }
}

void StoreReader::State::FindBest(SweepLine& line) const {
  Statement read(
      connection,
      fmt::format("SELECT objective, number FROM trial WHERE sweep = ? AND state = ? AND "
                  "objective IS NOT NULL ORDER BY objective {} LIMIT 1",
                  line.maximize ? "DESC" : "ASC"));
  for (const TrialState state : {TrialState::kFinished, TrialState::kPruned}) {
    if (!read.Bind(line.id.value, static_cast<int>(state)).Step()) continue;
    const double value = read.Real(0);
    const bool better = !line.best || (line.maximize ? value > *line.best : value < *line.best);
    if (!better) continue;
    line.best = value;
    line.best_trial_number = read.Int(1);
  }
}

void StoreReader::State::ReadSearchNote(SweepLine& line) const {
  Statement read(connection,
                 "SELECT substr(text, ?2) FROM event WHERE sweep = ?1 AND trial IS NULL AND "
                 "substr(text, 1, ?2 - 1) = ?3 ORDER BY id DESC LIMIT 1");
  read.Bind(line.id.value, std::ssize(kOfSearch) + 1, kOfSearch);
  if (read.Step()) line.search_note = read.Text(0);
}

StoreReader::StoreReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
StoreReader::StoreReader(StoreReader&&) noexcept = default;
StoreReader& StoreReader::operator=(StoreReader&&) noexcept = default;
StoreReader::~StoreReader() = default;

StoreReader StoreReader::Open(const std::string& folder) {
  auto state = std::make_unique<State>(folder);
  Statement read(state->connection, "SELECT id FROM store");
  if (read.Step()) state->id = read.Text(0);
  return StoreReader(std::move(state));
}

const std::string& StoreReader::Id() const {
  return state_->id;
}

std::vector<SweepLine> StoreReader::Sweeps() const {
  Statement read(state_->connection,
                 "SELECT id, name, coalesce(json_extract(spec_json, '$.description'), ''), state, "
                 "outcome, reason, metric, maximize, trials_planned, created_ms, changed_ms, "
                 "coalesce(json_array_length(spec_json, '$.metrics'), 0) "
                 "FROM sweep ORDER BY id DESC");
  std::vector<SweepLine> lines;
  std::set<std::string> names;
  while (read.Step()) {
    SweepLine line{.id = {read.Int(0)},
                   .name = read.Text(1),
                   .description = read.Text(2),
                   .state = static_cast<SweepState>(read.Int(3)),
                   .outcome = static_cast<SweepOutcome>(read.Int(4)),
                   .reason = read.Text(5),
                   .metric = read.Text(6),
                   .maximize = read.Int(7) != 0,
                   .trials_planned = read.Int(8),
                   .created_ms = read.Int(9),
                   .changed_ms = read.Int(10)};
    line.is_newest = names.insert(line.name).second;
    state_->Count(line);
    state_->ReadSearchNote(line);
    if (read.Int(11) > 1) {
      state_->ReadObjectives(line);
    } else {
      state_->FindBest(line);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<SweepLine> StoreReader::Sweep(std::string_view name) const {
  for (SweepLine& line : Sweeps()) {
    if (line.name == name) return std::move(line);
  }
  return std::nullopt;
}

std::string StoreReader::SpecJson(SweepId sweep) const {
  return state_->TextOf("SELECT spec_json FROM sweep WHERE id = ?", sweep);
}

std::string StoreReader::SpecText(SweepId sweep) const {
  return state_->TextOf("SELECT spec_text FROM sweep WHERE id = ?", sweep);
}

std::string StoreReader::ProvenanceJson(SweepId sweep) const {
  return state_->TextOf("SELECT provenance_json FROM sweep WHERE id = ?", sweep);
}

std::vector<TrialLine> StoreReader::Trials(SweepId sweep, const TrialQuery& query) const {
  std::string sql = fmt::format(
      "SELECT {} FROM trial t JOIN sweep w ON w.id = t.sweep WHERE t.sweep = ?", kTrialColumns);
  if (query.state) sql += fmt::format(" AND t.state = {}", static_cast<int>(*query.state));
  if (query.order == TrialOrder::kBestFirst) {
    sql +=
        " ORDER BY t.objective IS NULL, CASE w.maximize WHEN 1 THEN -t.objective ELSE "
        "t.objective END, t.number";
  } else {
    sql += " ORDER BY t.number";
  }
  sql += fmt::format(" LIMIT {} OFFSET {}", query.limit == 0 ? -1 : query.limit, query.offset);
  Statement read(state_->connection, sql);
  read.Bind(sweep.value);
  std::vector<TrialLine> lines;
  while (read.Step()) {
    lines.push_back(ReadTrial(read));
  }
  return lines;
}

std::optional<TrialLine> StoreReader::Trial(SweepId sweep, std::int64_t number) const {
  Statement read(state_->connection,
                 fmt::format("SELECT {} FROM trial t JOIN sweep w ON w.id = t.sweep WHERE t.sweep "
                             "= ? AND t.number = ?",
                             kTrialColumns));
  if (!read.Bind(sweep.value, number).Step()) return std::nullopt;
  return ReadTrial(read);
}

std::vector<ConfigurationLine> StoreReader::Configurations(SweepId sweep,
                                                           std::int64_t limit) const {
  // Squares around the mean: two passes, for objectives that differ in their last digits.
  Statement read(
      state_->connection,
      fmt::format(
          "WITH grouped AS (SELECT t.configuration AS c, min(t.number) AS first, count(*) AS n, "
          "avg(t.objective) AS mean, min(t.objective) AS low, max(t.objective) AS high, w.maximize "
          "AS up FROM trial t JOIN sweep w ON w.id = t.sweep WHERE t.sweep = ?1 AND t.objective IS "
          "NOT NULL AND t.state IN (5, 6) GROUP BY t.configuration ORDER BY CASE w.maximize WHEN 1 "
          "THEN -mean ELSE mean END LIMIT {}) "
          "SELECT g.c, (SELECT params_json FROM trial WHERE sweep = ?1 AND number = g.first), "
          "g.first, g.n, g.mean, g.low, g.high, CASE g.n WHEN 1 THEN 0 ELSE (SELECT "
          "sum((objective - g.mean) * (objective - g.mean)) / (g.n - 1) FROM trial WHERE sweep = "
          "?1 "
          "AND configuration = g.c AND number BETWEEN g.first AND g.first + 100000 AND state IN "
          "(5, "
          "6)) END FROM grouped g",
          limit == 0 ? -1 : limit));
  read.Bind(sweep.value);
  std::vector<ConfigurationLine> lines;
  while (read.Step()) {
    lines.push_back({.configuration = read.Int(0),
                     .params_json = read.Text(1),
                     .first_trial_number = read.Int(2),
                     .ended = read.Int(3),
                     .mean = read.Real(4),
                     .deviation = std::sqrt(read.Real(7)),
                     .min = read.Real(5),
                     .max = read.Real(6)});
  }
  return lines;
}

std::vector<FinishedConfiguration> StoreReader::Finished(
    SweepId sweep, const std::vector<std::int64_t>& configurations, int seeds,
    std::size_t limit) const {
  Statement read(state_->connection,
                 "SELECT number, seed_index, objective, params_json FROM trial WHERE sweep = ? AND "
                 "number BETWEEN ? AND ? AND state = ? AND objective IS NOT NULL ORDER BY number");
  std::vector<FinishedConfiguration> found;
  for (const std::int64_t configuration : configurations) {
    if (found.size() == limit) break;
    FinishedConfiguration one{.configuration = configuration};
    const std::int64_t first = configuration * seeds + 1;
    read.Bind(sweep.value, first, first + seeds - 1, static_cast<int>(TrialState::kFinished));
    while (read.Step()) {
      if (!std::isfinite(read.Real(2))) continue;
      if (one.values.empty()) {
        one.first_trial_number = read.Int(0);
        one.params_json = read.Text(3);
      }
      one.values.emplace_back(static_cast<int>(read.Int(1)), read.Real(2));
    }
    if (!one.values.empty()) found.push_back(std::move(one));
  }
  return found;
}

std::vector<AttemptLine> StoreReader::Attempts(TrialId trial) const {
  Statement read(state_->connection,
                 "SELECT attempt, job, host, slots_json, argv_json, job_folder, pid, cause, "
                 "exit_code, signal, detail, created_ms, started_ms, ended_ms, wall_ms, cpu_ms, "
                 "peak_memory_kib, log_bytes FROM attempt WHERE trial = ? ORDER BY attempt");
  read.Bind(trial.value);
  std::vector<AttemptLine> lines;
  while (read.Step()) {
    lines.push_back(
        {.attempt = static_cast<int>(read.Int(0)),
         .job = {read.Int(1)},
         .host = read.Text(2),
         .slots_json = read.Text(3),
         .argv_json = read.Text(4),
         .job_folder = read.Text(5),
         .pid = read.Int(6),
         .cause = read.IsNull(7) ? std::nullopt : std::optional(static_cast<EndCause>(read.Int(7))),
         .exit_code = static_cast<int>(read.Int(8)),
         .signal = static_cast<int>(read.Int(9)),
         .detail = read.Text(10),
         .created_ms = read.Int(11),
         .started_ms = read.Int(12),
         .ended_ms = read.Int(13),
         .wall_ms = read.Int(14),
         .cpu_ms = read.Int(15),
         .peak_memory_kib = read.Int(16),
         .log_bytes = read.Int(17)});
  }
  return lines;
}

std::vector<MetricSummary> StoreReader::Summaries(TrialId trial) const {
  Statement read(state_->connection,
                 "SELECT n.name, s.count, s.last, s.last_step, s.min, s.min_step, s.max, "
                 "s.max_step FROM summary s JOIN metric_name n ON n.id = s.name WHERE s.trial = ? "
                 "ORDER BY n.name");
  read.Bind(trial.value);
  std::vector<MetricSummary> lines;
  while (read.Step()) {
    lines.push_back({.name = read.Text(0),
                     .count = read.Int(1),
                     .last = RealOrNan(read, 2),
                     .last_step = read.Int(3),
                     .min = RealOrNan(read, 4),
                     .min_step = read.Int(5),
                     .max = RealOrNan(read, 6),
                     .max_step = read.Int(7)});
  }
  return lines;
}

std::vector<CurvePoint> StoreReader::Curve(TrialId trial, std::string_view metric) const {
  Statement name(state_->connection, "SELECT id FROM metric_name WHERE name = ?");
  std::vector<CurvePoint> points;
  if (!name.Bind(metric).Step()) return points;
  const std::int64_t wanted = name.Int(0);
  Statement read(state_->connection,
                 "SELECT m.step, m.elapsed_ms, m.attempt, m.packed FROM attempt a JOIN metric m ON "
                 "m.job = a.job WHERE a.trial = ?1 AND m.trial = ?1 ORDER BY a.attempt, m.rank, "
                 "m.seq");
  read.Bind(trial.value);
  while (read.Step()) {
    UnpackValues(read.Text(3), [&](std::int64_t id, double value) {
      if (id != wanted) return;
      points.push_back({read.Int(0), read.Int(1), static_cast<int>(read.Int(2)), value});
    });
  }
  return points;
}

PruningLine StoreReader::Pruning(SweepId sweep, std::string_view paused) const {
  PruningLine line;
  Statement reports(
      state_->connection,
      "SELECT coalesce(max(s.count), 0), count(*), coalesce(sum(s.count), 0) "
      "FROM sweep w JOIN trial t ON t.sweep = w.id LEFT JOIN summary s ON s.trial = t.id "
      "AND s.name = (SELECT id FROM metric_name WHERE name = w.metric) "
      "WHERE w.id = ?1 AND (t.state IN (?2, ?3) "
      "OR (t.state = ?4 AND substr(t.reason, 1, length(?5)) = ?5))");
  reports.Bind(sweep.value, static_cast<int>(TrialState::kFinished),
               static_cast<int>(TrialState::kPruned), static_cast<int>(TrialState::kPaused),
               paused);
  if (reports.Step()) {
    line.whole = reports.Int(0);
    line.trials = reports.Int(1);
    line.reports = reports.Int(2);
  }
  Statement pauses(
      state_->connection,
      "SELECT count(*), coalesce(sum(went_on), 0) FROM (SELECT max(EXISTS (SELECT 1 FROM attempt b "
      "WHERE b.trial = a.trial AND b.attempt > a.attempt)) AS went_on FROM trial t "
      "JOIN attempt a ON a.trial = t.id WHERE t.sweep = ?1 AND substr(a.detail, 1, length(?2)) = "
      "?2 "
      "GROUP BY a.trial)");
  pauses.Bind(sweep.value, paused);
  if (pauses.Step()) {
    line.paused = pauses.Int(0);
    line.went_on = pauses.Int(1);
  }
  return line;
}

// A sweep with parents has one seed. A database that no newer coordinator has opened has no column.
std::map<std::int64_t, std::int64_t> StoreReader::Parents(SweepId sweep) const {
  constexpr std::int64_t kSchemaWithParents = 5;
  std::map<std::int64_t, std::int64_t> parents;
  if (state_->connection.Number("PRAGMA user_version") < kSchemaWithParents) return parents;
  Statement read(state_->connection,
                 "SELECT configuration + 1, parent + 1 FROM search_step WHERE sweep = ? AND parent "
                 "IS NOT NULL");
  read.Bind(sweep.value);
  while (read.Step())
    parents[read.Int(0)] = read.Int(1);
  return parents;
}

std::vector<EventLine> StoreReader::State::ReadEvents(Statement& read) const {
  std::vector<EventLine> lines;
  while (read.Step()) {
    lines.push_back({read.Int(0), read.Int(1), read.Text(2)});
  }
  return lines;
}

std::vector<EventLine> StoreReader::Events(SweepId sweep, std::int64_t limit) const {
  Statement read(state_->connection,
                 "SELECT e.at_ms, coalesce(t.number, 0), e.text FROM event e LEFT JOIN trial t ON "
                 "t.id = e.trial WHERE e.sweep = ? ORDER BY e.id DESC LIMIT ?");
  read.Bind(sweep.value, limit == 0 ? std::int64_t{-1} : limit);
  return state_->ReadEvents(read);
}

std::vector<EventLine> StoreReader::TrialEvents(TrialId trial) const {
  Statement read(state_->connection,
                 "SELECT e.at_ms, t.number, e.text FROM event e JOIN trial t ON t.id = e.trial "
                 "WHERE e.trial = ? ORDER BY e.id");
  read.Bind(trial.value);
  return state_->ReadEvents(read);
}

}  // namespace ddl
