// SPDX-License-Identifier: Apache-2.0
// What a supervisor is told to run, and what it writes down about it. All times of processes are
// the kernel's; all durations are monotonic.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "configs/ids.h"
#include "configs/metric_report.h"
#include "configs/spec.h"
#include "configs/states.h"

namespace ddl {

// Devices are leased in thousandths: a whole core or GPU is [0, 1000) of it. The range is locked in
// the host's lease files, so two sweeps, stores or users never hold the same thousandth.
struct CoreShare {
  int core = 0;
  int first = 0;
  int length = 1000;
  auto operator<=>(const CoreShare&) const = default;
};

struct GpuShare {
  std::string uuid;
  int index = 0;  // in PCI bus order, for people
  int first = 0;
  int length = 1000;
  auto operator<=>(const GpuShare&) const = default;
};

struct Slots {
  std::vector<CoreShare> cores;
  std::vector<GpuShare> gpus;
  std::int64_t memory_mib = 0;  // 0: not limited
  bool operator==(const Slots&) const = default;
};

// The launch of one rank. The same record sent twice starts once.
struct LaunchRecord {
  RankId id;
  std::string token;  // 128 random bits in hex; void once another attempt was accepted
  std::string sweep;
  TrialId trial;
  std::int64_t trial_number = 0;  // within the sweep
  int attempt = 1;
  // ${args_json_file} within an argument becomes the path of the job's params.json.
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;  // added to the agent's own
  std::vector<std::string> hidden;                       // texts that no log may show
  std::string workdir;
  std::string params_json;      // text of params.json
  std::string checkpoint_name;  // folder of the trial's checkpoints, shared by its attempts
  Slots slots;
  std::vector<Capture> captures;
  std::optional<std::chrono::milliseconds> timeout;
  std::chrono::milliseconds grace{10'000};
  // Starts a process that runs the trial as one of its lanes, at most `lanes` of them: see
  // runner/worker.h. Empty: the trial runs by itself.
  std::vector<std::string> worker{};
  int lanes = 0;
  std::vector<std::string> setup{};             // the host's lines for /bin/sh, run before
  std::vector<std::string> failure_patterns{};  // looked for in the log of a failed trial
  // Folder of the checkpoints that it begins from while it has none of its own, and the number of
  // the trial that wrote them; "": it begins anew.
  std::string parent_checkpoint{};
  std::int64_t parent_number = 0;
  // A folder of this host with checkpoints that were brought from another one: those of its parent,
  // or, without a parent, its own, which count in place of what it left here before. "": none were.
  std::string brought_checkpoint{};
};

// A process without the danger of a reused pid.
struct ProcessIdentity {
  std::string boot_id;
  std::int64_t pid = 0;
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  bool operator==(const ProcessIdentity&) const = default;
};

// start.json
struct StartRecord {
  RankId id;
  std::string token;
  ProcessIdentity supervisor;
  std::int64_t pid = 0;  // of the trial's first process
  std::int64_t started_unix_ms = 0;
  bool operator==(const StartRecord&) const = default;
};

// exit.json, written aside and renamed: it is there whole or not at all.
struct ExitRecord {
  RankId id;
  std::string token;
  EndCause cause = EndCause::kExited;
  int exit_code = 0;   // with kExited; 75 says "continue me"
  int signal = 0;      // with kSignaled
  std::string detail;  // one line for the user: "no such program: trian.py", "1.2 GiB of 1 GiB"
  std::int64_t ended_unix_ms = 0;
  std::int64_t wall_ms = 0;
  std::int64_t cpu_ms = 0;           // user and system, of the whole tree
  std::int64_t peak_memory_kib = 0;  // of the largest process, or of the tree where it was watched
  std::int64_t last_seq = 0;         // of the spool: metrics 1..last_seq exist
  std::int64_t log_bytes = 0;        // written by the trial
  std::int64_t log_bytes_dropped = 0;
  std::vector<std::string> metric_names;  // seen, at most 1,000
  std::int64_t metric_names_refused = 0;  // reports that carried a further name, or too long a one
  std::string failure{};                  // the pattern of LaunchRecord that its log has
  std::string failure_line{};
  bool operator==(const ExitRecord&) const = default;
};

}  // namespace ddl
