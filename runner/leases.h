// SPDX-License-Identifier: Apache-2.0
// Leases: who uses which thousandth of a core or GPU of this host, over all users, stores and
// sweeps. They are open-file-description locks on byte ranges (1000 bytes a device) of files in a
// folder that all users share, so the kernel frees them when the last holder of the descriptor is
// gone, however it ended. The descriptors close on exec: a trial never holds its own lease.
//
// A lock does not say whose it is, so each holder writes a line into the same file, at 128 times
// the first byte of its range. A line counts only while its range is locked.
//
// The supervisor lets go (destroys its Leases) after exit.json and before it rings the bell: who
// hears the bell may start the next rank at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runner/file.h"
#include "runner/launch.h"

namespace ddl {

// $DDL_LEASE_DIR, else /var/tmp/ddl-leases.
[[nodiscard]] std::string LeasesFolder();

struct LeaseHolder {
  std::string store_id;
  RankId id;
  std::string sweep;  // cut where the line would get too long
  std::int64_t user = 0;
  std::int64_t pid = 0;
  bool operator==(const LeaseHolder&) const = default;
};

// "job 17.0 of store S, user 1000, pid 4711, sweep NAME"
[[nodiscard]] std::string FormatHolder(const LeaseHolder& holder);
// Finds that text within `text`; nullopt when it is not there.
[[nodiscard]] std::optional<LeaseHolder> ParseHolder(std::string_view text);

// Held until destroyed, and until every forked child that inherited them has ended.
class Leases {
 public:
  explicit Leases(std::vector<FileDescriptor> files) : files_(std::move(files)) {}

 private:
  std::vector<FileDescriptor> files_;
};

// Somebody else holds some of it; nothing is held.
struct LeaseRefusal {
  std::string holder;            // of the first refused share: "core 3: job 17.0 of store ..."
  std::vector<CoreShare> cores;  // the refused shares
  std::vector<GpuShare> gpus;
};

// The lease files cannot be used at all: no permission, no space, not a folder.
struct LeaseProblem {
  std::string text;
};

// All shares of `slots`, or none; never waits. `holder.user` and `holder.pid` are the caller's.
[[nodiscard]] std::variant<Leases, LeaseRefusal, LeaseProblem> TakeLeases(const std::string& folder,
                                                                          const Slots& slots,
                                                                          LeaseHolder holder);

}  // namespace ddl
