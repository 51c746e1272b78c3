// SPDX-License-Identifier: Apache-2.0
// Where a store lies, and who may write it.
#pragma once

#include <optional>
#include <string>

namespace ddl {

// `explicit_folder` (--store), else $DDL_HOME, else the nearest .ddl/ at or above the current
// folder, else .ddl/ in it (which need not exist yet).
[[nodiscard]] std::string FindStoreFolder(const std::string& explicit_folder);

// The lock that makes its holder the store's one coordinator. Freed by the kernel with the process.
class StoreLock {
 public:
  // Makes the folder (0700) when it is missing. Nothing when another process holds the lock.
  [[nodiscard]] static std::optional<StoreLock> TryTake(const std::string& folder);
  // "pid 4711, ddl sweep since 12:03" of the present holder, for messages.
  [[nodiscard]] static std::string Holder(const std::string& folder);

  StoreLock(StoreLock&& other) noexcept;
  StoreLock& operator=(StoreLock&& other) noexcept;
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace ddl
