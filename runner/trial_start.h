// SPDX-License-Identifier: Apache-2.0
// Everything between a claimed job folder and a trial's first process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/file.h"
#include "runner/job_folder.h"
#include "runner/launch.h"

namespace ddl {

// The supervisor's ends.
struct TrialPipes {
  FileDescriptor output;   // stdout and stderr of the trial
  FileDescriptor metrics;  // DDL_METRICS
  FileDescriptor control;  // DDL_CONTROL
  FileDescriptor orders;
};

// params.json, the FIFOs and folders. "" or what could not be made.
[[nodiscard]] std::string PrepareJobFolder(const LaunchRecord& launch, const HostPaths& paths,
                                           TrialPipes& pipes);

// The trial's environment: the agent's own, then what ddl tells (docs in README), then the spec's.
[[nodiscard]] std::vector<std::string> TrialEnvironment(const LaunchRecord& launch,
                                                        const HostPaths& paths);

struct StartedTrial {
  pid_t pid = -1;
  std::string problem;  // not empty: nothing was started, and why, for the user
};

// Starts the trial in a session of its own with default signals and nothing but stdin from
// /dev/null and its output pipe.
[[nodiscard]] StartedTrial StartTrial(const LaunchRecord& launch, const HostPaths& paths,
                                      TrialPipes& pipes);

}  // namespace ddl
