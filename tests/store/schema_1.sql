-- A small database of schema 1, as the first release made it.
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

INSERT INTO store VALUES (1, '00112233445566aa', 3);
INSERT INTO sweep VALUES (1, 'old', '{"description":"old"}', 'name: old', '{}', 'loss', 0, 2, 0, 0, '', 1000, 1000);
INSERT INTO trial VALUES (1, 1, 1, 0, 0, '{"lr":0.5}', 5, 1, 0, '', 'because', 0.25, 3000, 4000, 2000);
INSERT INTO attempt VALUES (1, 1, 9, 'token', 'local', '{"cores":[],"gpus":[],"memory_mib":0}', '[]', '/nowhere', 7, 0, 0, 0, '', 2000, 3000, 4000, 500, 1, 1, 2, 0);
INSERT INTO metric_name VALUES (1, 'loss');
INSERT INTO metric VALUES (9, 0, 1, 1, 1, 1, 10, X'010000000000000000E03F');
INSERT INTO metric VALUES (9, 0, 2, 1, 1, 2, 20, X'010000000000000000D03F');
INSERT INTO summary VALUES (1, 1, 2, 0.25, 2, 0.25, 2, 0.5, 1);
INSERT INTO spool VALUES (9, 0, 2);
PRAGMA application_id = 0x64646c31;
PRAGMA user_version = 1;
