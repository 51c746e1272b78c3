// SPDX-License-Identifier: Apache-2.0
// ddl-agent read PATH [--offset N] [--follow]: a file of the host folder on its standard output. It
// takes no part in epochs, and changes nothing.
#pragma once

#include <cstdint>
#include <string>

namespace ddl {

inline constexpr int kNoSuchFile = 3;  // exit code; 0: all of it was written, 1: neither

struct StreamedFile {
  std::string host_folder;
  std::string path;  // below it
  std::int64_t offset = 0;
  // Of a file in a job's folder: goes on until the job has ended or nobody listens any more. The
  // file may come later.
  bool follow = false;
};

// Writes to `out`; somebody who listens keeps `listener` open.
[[nodiscard]] int StreamFile(const StreamedFile& file, int out, int listener);

}  // namespace ddl
