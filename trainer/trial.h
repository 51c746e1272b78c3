// SPDX-License-Identifier: Apache-2.0
// One training from its command to its exit code, in a process of its own or as a lane of a worker.
#pragma once

#include <functional>
#include <string>

#include "trainer/command_line.h"
#include "trainer/cuda/gpu_teams.h"
#include "trainer/dataset.h"

namespace ddl {

inline constexpr int kTrialFailed = 1;
inline constexpr int kWrongInput = 2;
inline constexpr int kInfrastructure = 3;
inline constexpr int kGpuFailed = 4;       // of RunTrial alone: this process is done with its GPU
inline constexpr int kToBeContinued = 75;  // EX_TEMPFAIL, as ddl understands it
inline constexpr int kStopped = 128 + 15;

// Whom a trial speaks to, and who tells it to stop.
struct TrialOutlets {
  std::function<void(const std::string& line)> metrics;  // with its line feed
  std::function<void(const std::string& text)> notes;    // without one
  std::function<bool()> is_stop_asked;
};

// Gives the data set of a value of `data`, which lives until the trial has ended. May throw Error.
using DataSource = std::function<const Dataset&(const Json& data)>;

// Trains on this thread as `command` says and returns the exit code. Nothing is thrown: what goes
// wrong is said in a note.
int RunTrial(const TrainerCommand& command, const DataSource& data, GpuTeams& gpus,
             const TrialOutlets& outlets);

// `judge` gives an exit code; what it throws is told in a note, and its code is returned.
int CodeOf(const std::function<int()>& judge,
           const std::function<void(const std::string& text)>& notes);

}  // namespace ddl
