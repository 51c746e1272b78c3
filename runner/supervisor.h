// SPDX-License-Identifier: Apache-2.0
// The supervisor: one tiny process per rank that outlives agent, coordinator and link. It owns the
// trial's pipes, log, spool and exit record, and alone enforces what the launch record says.
//
// The agent forks, without exec, and calls RunSupervisor in the child. From then on the two share
// files and the bell alone:
//   claimed already       the supervisor leaves without a word: started once is enough
//   a lease is refused    jobs/JOB.RANK.busy (SlotBusy as JSON), folder removed, bell b
//   cannot be set up      folder removed, bell r with token and reason
//   runs                  start.json (pid 0 until exec was tried), bell s
//   metrics               spool.N, bell m, at most every 10 ms
//   something to tell     bell n with the text, also a "[ddl] ..." line in the log
//   ended                 start.json becomes exit.json, bell x; then the process ends
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "runner/job_folder.h"
#include "runner/launch.h"

namespace ddl {

struct SupervisorOptions {
  std::string leases_folder;
  // The host folder's EpochMark as the agent that launches knows it; none: it is not asked for.
  std::optional<std::uint64_t> epoch_mark = std::nullopt;
  // Of the trial's output this much is kept from the start, and this much from the end.
  std::int64_t log_head_bytes = std::int64_t{32} << 20;
  std::int64_t log_tail_bytes = std::int64_t{32} << 20;
  // Above this much unacknowledged in the spool the trial's pipes are not read.
  std::int64_t spool_limit_bytes = std::int64_t{64} << 20;
  std::int64_t segment_bytes = std::int64_t{4} << 20;
  std::chrono::milliseconds bell_interval{10};
  std::chrono::milliseconds memory_check_interval{250};
};

// Call in a fresh child of a process with a single thread. Inherits nothing: every descriptor is
// closed, the standard ones are /dev/null, signals are back at their defaults. Ends the process
// when the trial's whole tree is gone.
[[noreturn]] void RunSupervisor(const LaunchRecord& launch, const HostPaths& paths,
                                const SupervisorOptions& options);

}  // namespace ddl
