// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include <array>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

// Migration n brings user_version n to n + 1. A migration that was released never changes.
constexpr std::array<const char*, kSchemaVersion> kMigrations{R"sql(
CREATE TABLE store (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  id TEXT NOT NULL,            -- random; names this store's folder on hosts
  epoch INTEGER NOT NULL
) STRICT;

CREATE TABLE sweep (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  spec_json TEXT NOT NULL,
  spec_text TEXT NOT NULL,
  provenance_json TEXT NOT NULL,
  metric TEXT NOT NULL,
  maximize INTEGER NOT NULL,
  trials_planned INTEGER NOT NULL,
  state INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  reason TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sweep_by_name ON sweep (name, id);

CREATE TABLE trial (
  id INTEGER PRIMARY KEY,
  sweep INTEGER NOT NULL REFERENCES sweep (id),
  number INTEGER NOT NULL,
  configuration INTEGER NOT NULL,
  seed_index INTEGER NOT NULL,
  params_json TEXT NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  wanted TEXT NOT NULL,
  reason TEXT NOT NULL,
  objective REAL,              -- last value of the sweep's metric; NULL: none, or not a number
  started_ms INTEGER,          -- of the last attempt
  ended_ms INTEGER,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX trial_by_number ON trial (sweep, number);
CREATE INDEX trial_by_state ON trial (sweep, state, objective);

CREATE TABLE attempt (
  trial INTEGER NOT NULL REFERENCES trial (id),
  attempt INTEGER NOT NULL,
  job INTEGER NOT NULL,
  token TEXT NOT NULL,
  host TEXT NOT NULL,
  slots_json TEXT NOT NULL,
  argv_json TEXT NOT NULL,
  job_folder TEXT NOT NULL,
  pid INTEGER,
  cause INTEGER,               -- NULL: not ended
  exit_code INTEGER,
  signal INTEGER,
  detail TEXT,
  created_ms INTEGER NOT NULL,
  started_ms INTEGER,
  ended_ms INTEGER,
  wall_ms INTEGER,
  cpu_ms INTEGER,
  peak_memory_kib INTEGER,
  last_seq INTEGER,
  log_bytes INTEGER,
  PRIMARY KEY (trial, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_open ON attempt (trial) WHERE cause IS NULL;

CREATE TABLE metric_name (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- One report: `packed` holds (name id: 3 bytes, value: 8 bytes of a double) a value, little-endian,
-- so that NaN and infinities are kept.
CREATE TABLE metric (
  job INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  step INTEGER NOT NULL,
  elapsed_ms INTEGER NOT NULL,
  packed BLOB NOT NULL,
  PRIMARY KEY (job, rank, seq)
) STRICT, WITHOUT ROWID;

-- What screens show of a trial's metric, kept in step with `metric`. NULL: not a number.
CREATE TABLE summary (
  trial INTEGER NOT NULL,
  name INTEGER NOT NULL REFERENCES metric_name (id),
  count INTEGER NOT NULL,
  last REAL,
  last_step INTEGER NOT NULL,
  min REAL,
  min_step INTEGER NOT NULL,
  max REAL,
  max_step INTEGER NOT NULL,
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;

-- High-water marks: reports up to `committed` are in `metric`.
CREATE TABLE spool (
  job INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  PRIMARY KEY (job, rank)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  sweep INTEGER NOT NULL,
  trial INTEGER,
  at_ms INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_sweep ON event (sweep, id);
CREATE INDEX event_by_trial ON event (trial, id) WHERE trial IS NOT NULL;

INSERT INTO store VALUES (1, lower(hex(randomblob(8))), 0);
)sql",
                                                              R"sql(
ALTER TABLE store ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;    -- so far; see store/journal.h
ALTER TABLE store ADD COLUMN jobs_from INTEGER NOT NULL DEFAULT 0;  -- a copy's: see FirstJobOf
)sql",
                                                              R"sql(
ALTER TABLE attempt ADD COLUMN busy_ms INTEGER NOT NULL DEFAULT 0;  -- see AttemptAdded
)sql",
                                                              R"sql(
-- What an adaptive search was asked and told, in order. '': not answered yet, or of the other kind.
CREATE TABLE search_step (
  sweep INTEGER NOT NULL REFERENCES sweep (id),
  step INTEGER NOT NULL,
  configuration INTEGER NOT NULL,
  params_json TEXT NOT NULL DEFAULT '',   -- of a question: the answer
  outcome_json TEXT NOT NULL DEFAULT '',  -- what was told
  PRIMARY KEY (sweep, step)
) STRICT, WITHOUT ROWID;
)sql",
                                                              R"sql(
-- Of a question whose answer begins from the last checkpoint of another configuration: that one.
ALTER TABLE search_step ADD COLUMN parent INTEGER;
)sql"};

}  // namespace

void CheckSchema(const Connection& connection, const std::string& path) {
  const std::int64_t application = connection.Number("PRAGMA application_id");
  const std::int64_t version = connection.Number("PRAGMA user_version");
  const bool empty = connection.Number("SELECT count(*) FROM sqlite_schema") == 0;
  if (application == 0 && version == 0 && empty) return;
  if (application != kApplicationId) {
    throw Error("this file is not a database of ddl", path,
                "name another store by --store or DDL_HOME");
  }
  if (version < 0) {
    throw Error(fmt::format("the database is damaged: its schema has the number {}", version), path,
                "ddl store rebuild brings back what the backup and the spools have");
  }
  if (version > kSchemaVersion) {
    throw Error(fmt::format("this database is of a newer ddl (schema {}, ours is {})", version,
                            kSchemaVersion),
                path, "use that ddl, or name another store by --store");
  }
}

void Migrate(const Connection& connection) {
  const std::int64_t version = connection.Number("PRAGMA user_version");
  if (version == kSchemaVersion) return;
  connection.Execute("BEGIN IMMEDIATE");
  for (std::int64_t next = version; next < kSchemaVersion; ++next) {
    connection.Execute(kMigrations[static_cast<std::size_t>(next)]);
  }
  connection.Execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                                 kApplicationId, kSchemaVersion));
}

}  // namespace ddl
