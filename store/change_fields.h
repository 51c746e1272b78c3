// SPDX-License-Identifier: Apache-2.0
// The fields of every change, in the order in which the journal has them. A list that was released
// never changes: the journal's version counts.
#pragma once

#include "store/changes.h"

namespace ddl {

template <class Archive>
void Fields(Archive& archive, SweepAdded& c) {
  archive(c.id.value, c.name, c.spec_json, c.spec_text, c.metric, c.maximize, c.trials_planned,
          c.provenance_json, c.at_ms);
}

template <class Archive>
void Fields(Archive& archive, SweepChanged& c) {
  archive(c.id.value, c.spec_json, c.trials_planned, c.state, c.outcome, c.reason, c.at_ms);
}

template <class Archive>
void Fields(Archive& archive, TrialAdded& c) {
  archive(c.id.value, c.sweep.value, c.number, c.configuration, c.seed_index, c.params_json,
          c.at_ms);
}

template <class Archive>
void Fields(Archive& archive, AttemptAdded& c) {
  archive(c.trial.value, c.attempt, c.job.value, c.token, c.host, c.slots_json, c.argv_json,
          c.job_folder, c.at_ms);
  if (archive.Version() >= 2) archive(c.busy_ms);
}

template <class Archive>
void Fields(Archive& archive, AttemptStarted& c) {
  archive(c.trial.value, c.attempt, c.pid, c.at_ms);
}

template <class Archive>
void Fields(Archive& archive, AttemptEnded& c) {
  archive(c.trial.value, c.attempt, c.cause, c.exit_code, c.signal, c.detail, c.wall_ms, c.cpu_ms,
          c.peak_memory_kib, c.last_seq, c.log_bytes, c.at_ms);
}

template <class Archive>
void Fields(Archive& archive, TrialMoved& c) {
  archive(c.trial.value, c.to, c.reason, c.failures, c.reopened, c.at_ms);
}

template <class Archive>
void Fields(Archive& archive, TrialWanted& c) {
  archive(c.trial.value, c.wanted);
}

// Not in the journal: the spools have them until they are in a backup.
template <class Archive>
void Fields(Archive&, MetricsAdded&) {}

template <class Archive>
void Fields(Archive& archive, EpochRaised& c) {
  archive(c.epoch);
}

template <class Archive>
void Fields(Archive& archive, EventNoted& c) {
  archive(c.sweep.value, c.trial.value, c.text, c.at_ms);
}

template <class Archive>
void Fields(Archive& archive, SearchAsked& c) {
  archive(c.sweep.value, c.step, c.configuration);
}

template <class Archive>
void Fields(Archive& archive, SearchProposed& c) {
  archive(c.sweep.value, c.step, c.params_json);
  if (archive.Version() >= 3) archive(c.parent);
}

template <class Archive>
void Fields(Archive& archive, SearchTold& c) {
  archive(c.sweep.value, c.step, c.configuration, c.outcome_json);
}

}  // namespace ddl
