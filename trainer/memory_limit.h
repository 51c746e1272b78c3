// SPDX-License-Identifier: Apache-2.0
// How much memory this process may fill. Decides how fast data are read, never what is read.
#pragma once

#include <cstdint>
#include <string>

namespace ddl {

// Bytes: of the machine, or of the narrowest memory cgroup around this process (version 1 or 2)
// where that is less. What cannot be read sets no limit.
[[nodiscard]] std::uint64_t MemoryLimit();

// The same where the files are: `root` stands for /, of which proc/self/cgroup and sys/fs/cgroup
// are read. The largest number where no cgroup sets a limit.
[[nodiscard]] std::uint64_t CgroupMemoryLimit(const std::string& root);

}  // namespace ddl
