// SPDX-License-Identifier: Apache-2.0
// What a trial wrote, as it lies in its job's folder: `log` and `log.tail`, or after `ddl gc`
// `log.gz` and `log.tail.gz`. Readers need not know which.
#pragma once

#include <cstddef>
#include <string>

namespace ddl {

struct KeptLog {
  std::string head;
  std::string tail;
  bool is_damaged = false;  // a compressed one that cannot be read
};
[[nodiscard]] KeptLog ReadKeptLog(const std::string& job_folder);

// The head from `offset` on; "" when there is no more.
[[nodiscard]] std::string ReadLogFrom(const std::string& job_folder, std::size_t offset);

// Of a rank that is settled: nobody writes them any more. Each is written aside, read back, synced
// and renamed before the plain one goes, so a kill leaves at least one that can be read. False when
// the disk refuses; then the plain ones stay, and calling again goes on.
[[nodiscard]] bool CompressLogs(const std::string& job_folder);

}  // namespace ddl
