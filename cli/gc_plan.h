// SPDX-License-Identifier: Apache-2.0
// What `ddl gc` would take away: from facts of the store and of this host to steps. Touches
// nothing.
//
//   logs of settled ranks of ended trials     are compressed
//   checkpoints of ended trials               go, but for the best of each sweep, or its front
//   job folders of ended trials               go after keep_days, but for the same
//   on a host, what has not come back although the spec wants it, stays
//   checkpoints of a sweep of pbt stay until it has ended
//   what lives, waits, is paused, not settled, or has metrics that are in no backup, stays
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "configs/ids.h"
#include "configs/states.h"
#include "runner/removal.h"

namespace ddl {

struct GcRules {
  std::optional<std::int64_t> keep_best = std::nullopt;  // trials of each; else as the sweep says
  std::int64_t keep_days = 30;  // of a job's folder, after its attempt's end
  std::int64_t now_ms = 0;
};

// A job whose folder is on this host.
struct GcJob {
  RankId rank;
  bool is_settled = false;  // ended, and the database knows how
  bool is_saved = false;    // all its metrics are in a verified backup
  std::int64_t ended_ms = 0;
  FolderSize folder;
  FolderSize plain_logs;
};

struct GcTrial {
  SweepId sweep;
  std::string sweep_name;
  std::int64_t number = 0;
  TrialId id;
  TrialState state = TrialState::kWaiting;
  bool has_open_attempt = false;
  bool awaits_results = false;       // they are to come back, and have not
  bool may_be_gone_on_from = false;  // by another trial of its sweep, which has not ended
  std::optional<double> objective;
  std::int64_t ended_ms = 0;
  std::vector<GcJob> jobs;
  std::optional<FolderSize> checkpoints;  // nothing: there is no folder
};

struct GcSweep {
  std::string metric;  // "": the best are those that ended last
  bool maximize = false;
  std::vector<GcTrial> trials;
  std::int64_t keep_best = 3;
  // Of a sweep with several objectives: numbers of the trials on its front. All of them are kept.
  std::optional<std::set<std::int64_t>> front = std::nullopt;
};

enum class GcAction : std::uint8_t { kCompressLogs, kRemoveCheckpoints, kRemoveJob };

struct GcStep {
  GcAction action = GcAction::kCompressLogs;
  SweepId sweep;
  std::string sweep_name;
  std::int64_t number = 0;
  TrialId trial;
  std::optional<RankId> rank;  // of logs and jobs
  std::string why;
  FolderSize size;
};

// Something that takes room and stays.
struct GcKept {
  std::string what;  // "checkpoints", "job folders"
  std::string sweep_name;
  std::string why;
  std::int64_t folders = 0;
  FolderSize size;
};

struct GcPlan {
  std::vector<GcStep> steps;
  std::vector<GcKept> kept;
};

[[nodiscard]] GcPlan PlanGc(const std::vector<GcSweep>& sweeps, const GcRules& rules);

}  // namespace ddl
