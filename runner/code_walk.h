// SPDX-License-Identifier: Apache-2.0
// What of a workdir belongs to a snapshot: all but what .gitignore and .ddlignore files name, .git
// and .ddl, and what no file is. Reads names and stats, no contents.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

#include "runner/code_manifest.h"

namespace ddl {

// By which a file is known to be the one it was.
struct FileStamp {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};

struct WalkedFile {
  CodeEntry entry;  // a file's hash is not known yet
  FileStamp stamp;
};

struct CodeWalk {
  std::vector<WalkedFile> files;  // links and folders too; by path
  // What does not belong to it, the topmost of each: ignored, a link that leaves the workdir, no
  // file at all. Without folders of git and ddl, and of Python's compiled files.
  std::vector<std::string> left;
  std::int64_t count = 0;  // of files
  std::int64_t bytes = 0;
  std::int64_t links_out = 0;
  std::int64_t no_files = 0;  // sockets, devices, pipes
};

struct CodeLimits {
  std::int64_t files = 200'000;
  std::int64_t bytes = std::int64_t{2} << 30U;
};

// `never`: folders that are left out wherever they are (the store's own). Throws Error where the
// workdir cannot be read, and where it is larger than the limits.
[[nodiscard]] CodeWalk WalkCode(const std::string& workdir, const std::vector<std::string>& never,
                                const CodeLimits& limits = {});

// The same of files and libraries that are listed: where each is to lie, and where it lies now (of
// a library "": nowhere). Throws Error where one is none.
[[nodiscard]] CodeWalk WalkFiles(const std::map<std::string, std::string>& files,
                                 const std::map<std::string, std::string>& libraries = {});

[[nodiscard]] FileStamp StampOf(const struct stat& status);

}  // namespace ddl
