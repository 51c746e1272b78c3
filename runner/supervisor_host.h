// SPDX-License-Identifier: Apache-2.0
// What a supervisor's decisions (runner/supervisor_core.h) need of the host that they are made on:
// clocks, the rank's folder, leases, the trial's tree of processes, its output. The product's is
// runner/supervision.h, the simulator has one of its own. Nothing here decides.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "runner/bell.h"
#include "runner/messages.h"
#include "runner/orders.h"
#include "runner/trial_start.h"

namespace ddl {

struct ClaimAnswer {
  bool is_taken = false;  // somebody has started this rank already
  std::string problem;    // not empty: the folder cannot be made
};

struct LeaseAnswer {
  std::optional<SlotBusy> busy;  // somebody else holds some of it; nothing is held
  std::string problem;           // not empty: the lease files cannot be used at all
};

struct OrderAnswer {
  std::optional<OrderText> order;  // one that makes no sense has an empty control line
  bool is_unreadable = false;      // there may be one
};

class SupervisorHost {
 public:
  virtual ~SupervisorHost() = default;

  // ---- clocks: durations by the first alone, the second is only written down
  [[nodiscard]] virtual std::chrono::steady_clock::time_point Now() const = 0;
  [[nodiscard]] virtual std::int64_t UnixMs() const = 0;

  // ---- the rank's folder, and the bell
  [[nodiscard]] virtual ClaimAnswer Claim() = 0;
  [[nodiscard]] virtual bool HasFolder() const = 0;  // false: certainly removed
  virtual void WriteBusy(const SlotBusy& busy) = 0;  // beside the folder, which goes
  virtual void RemoveFolder() = 0;                   // with all that is in it
  // False when the disk refuses. With pid 0 before the trial starts.
  [[nodiscard]] virtual bool WriteStart(pid_t trial) = 0;
  [[nodiscard]] virtual bool WriteExit(const ExitRecord& record) = 0;
  [[nodiscard]] virtual std::string Prepare() = 0;  // files and pipes of the trial; "" or why not
  virtual void RemovePipes() = 0;
  [[nodiscard]] virtual OrderAnswer ReadOrder(int number) = 0;
  // False: the agent is behind; ring again later.
  virtual bool Ring(const BellLine& line) = 0;

  // A later agent has looked at what runs here since the launch: whoever has not written its start
  // record by then counts as never started.
  [[nodiscard]] virtual bool IsFenced() = 0;

  // ---- leases
  [[nodiscard]] virtual LeaseAnswer TakeLeases() = 0;
  virtual void ReleaseLeases() = 0;

  // ---- the trial and all that came from it
  [[nodiscard]] virtual StartedTrial StartTrial() = 0;
  virtual void SignalTree(int signal) = 0;
  virtual void KillTree() = 0;
  virtual void EncloseTree() = 0;  // in a cgroup, where one can be made
  [[nodiscard]] virtual std::int64_t TreeMemoryKib() = 0;
  [[nodiscard]] virtual std::int64_t OutOfMemoryKills() = 0;  // of the whole host, since boot
  virtual void Control(const std::string& line) = 0;

  // ---- what it wrote
  virtual void TakeRest() = 0;  // all that is left in its pipes, once the tree is gone
  // False when the disk refuses: everything is kept.
  [[nodiscard]] virtual bool FlushSpool() = 0;
  [[nodiscard]] virtual std::int64_t LastSeq() const = 0;
  [[nodiscard]] virtual bool HasUnwritten() const = 0;
  // Reads what was acknowledged where more than `limit` was not; what is left.
  [[nodiscard]] virtual std::int64_t UnacknowledgedBytes(std::int64_t limit) = 0;
  virtual void Close() = 0;  // log and cgroup
  // Its sizes and names, and which set-up line it ended at.
  virtual void DescribeOutput(ExitRecord& record) = 0;
};

}  // namespace ddl
