// SPDX-License-Identifier: Apache-2.0
// What lies in a simulated host's folder of the store: it outlives all programs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "runner/host_folder.h"
#include "runner/messages.h"

namespace ddl::simulation {

struct JobFiles {
  std::optional<StartRecord> start;
  std::optional<ExitRecord> exit;
  bool is_settled = false;
  std::vector<MetricReport> spool;
  std::vector<OrderKind> orders;
};

struct Disk {
  std::map<RankId, JobFiles> jobs;
  std::map<RankId, SlotBusy> busy;
  EpochRecord epoch;
  std::uint64_t epoch_mark = 0;
  std::uint64_t highest_epoch = 0;  // that was ever written; nobody reads it but the witness
};

}  // namespace ddl::simulation
