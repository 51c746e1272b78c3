// SPDX-License-Identifier: Apache-2.0
#include "runner/process_tree.h"

#include <charconv>
#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/process.h"

namespace ddl {

namespace {

void AppendChildren(std::int64_t pid, std::vector<std::int64_t>& pids) {
  for (const std::string& thread : ListFolder(fmt::format("/proc/{}/task", pid))) {
    const std::string text =
        ReadFile(fmt::format("/proc/{}/task/{}/children", pid, thread)).value_or("");
    const char* at = text.data();
    const char* end = text.data() + text.size();
    while (at < end) {
      std::int64_t child = 0;
      const auto [next, problem] = std::from_chars(at, end, child);
      if (problem == std::errc()) pids.push_back(child);
      at = next + 1;
    }
  }
}

// Threads of the whole machine: no tree has more processes.
std::size_t MostProcesses() {
  const std::string text = ReadFile("/proc/loadavg").value_or("");  // 0.1 0.1 0.1 1/210 4711
  std::size_t most = 0;
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) {
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), most);
  }
  constexpr std::size_t kUnknown = 32768;
  return most > 0 ? most : kUnknown;
}

}  // namespace

void BecomeSubreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

// The walk ends although a chain of forks may lead it on for ever: who is born meanwhile is for the
// next walk.
std::vector<std::int64_t> Descendants() {
  const std::size_t most = MostProcesses();
  std::vector<std::int64_t> pids;
  AppendChildren(::getpid(), pids);
  for (std::size_t i = 0; i < pids.size() && i < most; ++i) {
    AppendChildren(pids[i], pids);
  }
  return pids;
}

// A pid that was listed cannot be taken by a stranger meanwhile: its process stays a zombie until
// its parent, a descendant too, or we ourselves have waited for it; the window that is left is
// closed by asking once more whose child it is.
std::vector<std::int64_t> SignalDescendants(int signal) {
  std::vector<std::int64_t> alive;
  for (const std::int64_t pid : Descendants()) {
    const auto stat = ReadProcessStat(pid);
    if (!stat || stat->state == 'Z') continue;
    ::kill(static_cast<pid_t>(pid), signal);
    alive.push_back(pid);
  }
  return alive;
}

std::int64_t DescendantsMemoryKib() {
  const std::int64_t page_kib = ::sysconf(_SC_PAGE_SIZE) / 1024;
  std::int64_t pages = 0;
  for (const std::int64_t pid : Descendants()) {
    if (const auto stat = ReadProcessStat(pid)) pages += stat->resident_pages;
  }
  return pages * page_kib;
}

}  // namespace ddl
