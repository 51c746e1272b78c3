// SPDX-License-Identifier: Apache-2.0
#include "runner/host_facts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include <sched.h>
#include <unistd.h>

#include "runner/cgroup.h"
#include "runner/file.h"
#include "runner/gpus.h"
#include "runner/process.h"

namespace ddl {

namespace {

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

bool IsOnPath(std::string_view program) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const std::size_t end = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, end)) + "/" + std::string(program);
    if (::access(candidate.c_str(), X_OK) == 0) return true;
    if (end == std::string_view::npos) return false;
    rest.remove_prefix(end + 1);
  }
}

std::string Interpreter() {
  for (const char* name : {"python", "python3"}) {
    if (IsOnPath(name)) return name;
  }
  return {};
}

}  // namespace

std::string MachineId() {
  const std::optional<std::string> text = ReadFile("/etc/machine-id");
  if (!text && errno != ENOENT && errno != EACCES) return {};
  std::string id = Trimmed(text.value_or(""));
  if (!id.empty()) return id;
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::vector<int> UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

std::int64_t MemoryMib() {
  std::int64_t bytes = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGE_SIZE);
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::string text = ReadFile(path).value_or("");
    const std::int64_t limit = std::strtoll(text.c_str(), nullptr, 10);  // 0 for "max"
    if (limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes >> 20;
}

HostFacts ReadHostFacts() {
  HostFacts facts;
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  facts.hostname = name.data();
  facts.machine_id = MachineId();
  facts.boot_id = BootId();
  facts.cores = UsableCores();
  facts.memory_mib = MemoryMib();
  GpuDiscovery gpus = DiscoverGpus();
  facts.gpus = std::move(gpus.gpus);
  facts.gpu_note = std::move(gpus.note);
  facts.interpreter = Interpreter();
  facts.tree_kill = CgroupAbove().empty() ? "session" : "cgroup";
  return facts;
}

}  // namespace ddl
