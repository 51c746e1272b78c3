// SPDX-License-Identifier: Apache-2.0
// Where a store lies, and who may write it.
//
// On a network file system the named folder (.ddl/) holds two things only: `store`, which says on
// which host and where the database is, and `backup/`. The database with its lock and its socket is
// in a folder of that host: $DDL_LOCAL_STORES, else /var/tmp/ddl-UID/stores, one a named folder.
#pragma once

#include <optional>
#include <string>

#include "store/file_system.h"

namespace ddl {

using IsOnNetworkProbe = bool (*)(const std::string& folder);

// The folder of the database. Named by `explicit_folder` (--store), else $DDL_HOME, else the
// nearest .ddl/ at or above the current folder, else .ddl/ in it; it need not exist yet. Throws
// where the database lies on another host.
[[nodiscard]] std::string FindStoreFolder(const std::string& explicit_folder,
                                          IsOnNetworkProbe is_on_network = IsOnNetwork);

struct ClaimedStore {
  std::string folder;
  std::string notice;  // for the user, once: where the database went; mostly empty
};
// The same for commands that may make a store: writes down where the database is.
[[nodiscard]] ClaimedStore ClaimStoreFolder(const std::string& explicit_folder,
                                            IsOnNetworkProbe is_on_network = IsOnNetwork);

// Where backups of the database in `folder` go.
[[nodiscard]] std::string BackupFolder(const std::string& folder);

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
