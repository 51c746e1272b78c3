// SPDX-License-Identifier: Apache-2.0
// Everything between a claimed job folder and a trial's first process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/file.h"
#include "runner/job_folder.h"
#include "runner/launch.h"
#include "runner/worker.h"

namespace ddl {

// The supervisor's ends.
struct TrialPipes {
  FileDescriptor output;         // stdout and stderr of the trial
  FileDescriptor metrics;        // DDL_METRICS
  FileDescriptor control;        // DDL_CONTROL
  std::optional<LaneHold> lane;  // where a worker runs the trial
};

// params.json, the FIFOs and folders. "" or what could not be made.
[[nodiscard]] std::string PrepareJobFolder(const LaunchRecord& launch, const HostPaths& paths,
                                           TrialPipes& pipes);

// Once nobody supervises the rank any more.
void RemovePipes(const HostPaths& paths, RankId id);

// As execve takes it; move it, do not copy it: it points into itself and into the process's own.
struct Environment {
  std::vector<std::string> own;
  std::vector<char*> pointers;
};
// The agent's own environment, in it what ddl tells (docs in README), over both the spec's.
[[nodiscard]] Environment TrialEnvironment(const LaunchRecord& launch, const HostPaths& paths);

struct StartedTrial {
  pid_t pid = -1;
  std::string problem;          // not empty: nothing was started, and why, for the user
  bool is_hosts_fault = false;  // the host lacks something: the same may start another time
};

// Starts the trial in a session of its own with default signals and nothing but stdin from
// /dev/null and its output pipe.
[[nodiscard]] StartedTrial StartTrial(const LaunchRecord& launch, const HostPaths& paths,
                                      TrialPipes& pipes);

}  // namespace ddl
