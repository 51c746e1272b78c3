// SPDX-License-Identifier: Apache-2.0
#include "trainer/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string_view>

#include <unistd.h>

namespace ddl {

namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// memory.stat of version 1 tells the narrowest limit on the way up.
std::uint64_t LimitOfFirstVersion(const std::string& folder) {
  std::ifstream stat(folder + "/memory.stat");
  std::string name;
  for (std::uint64_t value = 0; stat >> name >> value;) {
    if (name == "hierarchical_memory_limit") return value;
  }
  return kNoLimit;
}

// memory.max holds "max" where there is none, and each folder above may be narrower.
std::uint64_t LimitOfSecondVersion(const std::string& mount, std::string path) {
  std::uint64_t least = kNoLimit;
  while (true) {
    std::ifstream file(mount + path + "/memory.max");
    if (std::uint64_t value = 0; file >> value) least = std::min(least, value);
    if (path.empty()) return least;
    path.erase(path.rfind('/'));
  }
}

}  // namespace

std::uint64_t CgroupMemoryLimit(const std::string& root) {
  std::uint64_t least = kNoLimit;
  std::ifstream own(root + "/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {  // "4:memory:/path", "0::/path"
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos || second + 1 >= line.size()) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    if (path.back() == '/') path.pop_back();
    if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(least, LimitOfFirstVersion(root + "/sys/fs/cgroup/memory" + path));
    } else if (controllers == ",," && (path.empty() || path.front() == '/')) {
      least = std::min(least, LimitOfSecondVersion(root + "/sys/fs/cgroup", path));
    }
  }
  return least;
}

std::uint64_t MemoryLimit() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  const std::uint64_t machine =
      pages > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : kNoLimit;
  return std::min(machine, CgroupMemoryLimit(""));
}

}  // namespace ddl
