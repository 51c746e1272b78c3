// SPDX-License-Identifier: Apache-2.0
// What the kernel says about processes, without the danger of a reused pid: a process is known by
// boot id, pid and start time, and a signal goes through a pidfd whose process was checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "runner/launch.h"

namespace ddl {

// The fields of /proc/PID/stat that matter here.
struct ProcessStat {
  std::int64_t pid = 0;
  std::int64_t parent = 0;
  std::int64_t session = 0;
  char state = '?';  // 'Z' and 'X' are dead
  std::uint64_t start_ticks = 0;
  std::int64_t resident_pages = 0;
};

// nullopt when the text is not a stat line. A command name may hold blanks and parentheses.
[[nodiscard]] std::optional<ProcessStat> ParseProcessStat(std::string_view text);
// nullopt when there is no such process, or the kernel does not let us look.
[[nodiscard]] std::optional<ProcessStat> ReadProcessStat(std::int64_t pid);

// A look at a pid: without a stat there certainly is no such process, or the look was refused.
struct ProcessLook {
  std::optional<ProcessStat> stat;
  bool is_refused = false;
};
[[nodiscard]] ProcessLook LookAtProcess(std::int64_t pid);

// Changes with every boot of the host; "" when the kernel does not let us look.
[[nodiscard]] std::string BootId();

// nullopt when there is no such process.
[[nodiscard]] std::optional<ProcessIdentity> IdentityOf(std::int64_t pid);

// Since the process began, dead or alive, to the clock tick (10 ms); 0 of another boot.
[[nodiscard]] std::chrono::milliseconds AgeOf(const ProcessIdentity& process);

// `now` is what the kernel says of the process's pid on a host that was booted as `boot_id`:
// whether that is the very process, and no zombie.
[[nodiscard]] bool IsThatProcess(const ProcessIdentity& process,
                                 const std::optional<ProcessStat>& now, const std::string& boot_id);

// That very process exists and is no zombie.
[[nodiscard]] bool IsAlive(const ProcessIdentity& process);

// The same of a look that may have been refused: that very process is certainly no more, or a
// zombie.
[[nodiscard]] bool IsGone(const ProcessIdentity& process, const ProcessLook& now,
                          const std::string& boot_id);

// Sends `signal` to that very process, never to a later one of the same pid. False when it is gone
// or not ours to signal.
bool SendSignal(const ProcessIdentity& process, int signal);

// Waits so long at most for a child of this process. How it ended, as waitpid tells it; nullopt: it
// has not. One that waits in the kernel for a broken device cannot be killed either.
[[nodiscard]] std::optional<int> ReapWithin(pid_t child, std::chrono::milliseconds patience);

// Every process of this user, but the caller, whose environment holds DDL_TOKEN=`token`, or that is
// in the token's cgroup.
[[nodiscard]] std::vector<ProcessIdentity> ProcessesWithToken(std::string_view token);

// How many processes the kernel has ended for want of memory since boot, whoever set the limit.
[[nodiscard]] std::int64_t OutOfMemoryKills();

// In the environment of a worker, which serves many trials and has the token of none: what kills by
// a token must not find it.
inline constexpr std::string_view kWorkerMark = "DDL_WORKER=1";

// A process that some trial of ddl, of whatever store, began, or a worker: its environment says so.
[[nodiscard]] bool IsOfDdl(std::int64_t pid);

// KILL to every process that carries the token and to all descendants of those, again and again
// until a scan finds none; the token's cgroup goes too. Returns how many were killed. For what a
// dead supervisor left behind.
int KillByToken(std::string_view token);

}  // namespace ddl
