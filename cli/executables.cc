// SPDX-License-Identifier: Apache-2.0
#include "cli/executables.h"

#include <filesystem>

#include <unistd.h>

#include "configs/error.h"

namespace ddl {

bool IsExecutableFile(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::string SiblingPath(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::string SiblingExecutable(const std::string& name) {
  const std::string path = SiblingPath(name);
  if (::access(path.c_str(), X_OK) != 0) {
    throw SystemError("cannot execute " + name, path, "build it: cmake --build build/release");
  }
  return path;
}

}  // namespace ddl
