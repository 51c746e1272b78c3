// SPDX-License-Identifier: Apache-2.0
#include "store/durable.h"

#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "configs/error.h"

namespace ddl {

namespace {

bool TrySync(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return synced;
}

}  // namespace

void SyncPath(const std::string& path) {
  if (!TrySync(path)) throw SystemError("cannot sync", path, "check the disk");
}

void SyncNamesAbove(const std::string& path) {
  for (std::filesystem::path folder = std::filesystem::path(path).parent_path();;
       folder = folder.parent_path()) {
    (void)TrySync(folder);  // somebody else's folder was there long before
    if (folder == folder.parent_path()) return;
  }
}

void KeepAs(const std::string& aside, const std::string& path) {
  SyncPath(aside);
  if (::rename(aside.c_str(), path.c_str()) != 0) {
    throw SystemError("cannot keep the file", aside, "check the folder");
  }
  SyncPath(std::filesystem::path(path).parent_path());
}

}  // namespace ddl
