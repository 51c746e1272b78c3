// SPDX-License-Identifier: Apache-2.0
// Workers: processes that run trials as lanes. A lane is a trial like any other, with a supervisor,
// pipes, log, spool and records of its own; only its work is done by a thread of a process that has
// done such work before and needs no start. Its first process is a client (runner/lane_client.h)
// that lives and dies with the lane. What they say to each other: docs/formats.md.
//
// Nobody owns a worker. Who finds none starts it, beyond the tree of the trial; it leaves when it
// had nothing to do for a while. A trial without a worker runs in a process of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/file.h"
#include "runner/job_folder.h"
#include "runner/launch.h"

namespace ddl {

// Variables that differ from lane to lane: a worker has none of them, a lane brings its own.
[[nodiscard]] bool IsOfLane(std::string_view variable);

// A supervisor's hold on its lane.
struct LaneHold {
  FileDescriptor place;       // counts the lane among those of its kind, as long as it is open
  FileDescriptor connection;  // to the worker
  std::string places;         // the file of the places
  std::string socket;         // of the worker
};

// A connection to a worker for this launch, with its environment as execve takes it. Lanes of one
// worker have the same command, environment and workdir, and are `launch.lanes` at most. nullopt:
// none can be had here.
[[nodiscard]] std::optional<LaneHold> JoinWorker(const LaunchRecord& launch, const HostPaths& paths,
                                                 const std::vector<char*>& environment);

// Gives the worker the lane: its variables out of `environment`, and where its standard output and
// error go. It begins at once; its client is started beside it. What cannot be sent the client
// finds out.
void HandOver(const LaneHold& hold, const std::vector<char*>& environment, int output);

// Its client is gone: returns once nothing of the lane runs any more, so that its files are no
// longer written to, and leaves the worker. `is_well`: the worker has told of its end.
void LeaveWorker(LaneHold& hold, bool is_well);

}  // namespace ddl
