// SPDX-License-Identifier: Apache-2.0
#include "runner/process_tree.h"

#include <charconv>
#include <csignal>
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

}  // namespace

void BecomeSubreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

std::vector<std::int64_t> Descendants() {
  std::vector<std::int64_t> pids;
  AppendChildren(::getpid(), pids);
  for (std::size_t i = 0; i < pids.size(); ++i) {
    AppendChildren(pids[i], pids);
  }
  return pids;
}

// A pid that was listed cannot be taken by a stranger meanwhile: its process stays a zombie until
// its parent, a descendant too, or we ourselves have waited for it; the window that is left is
// closed by asking once more whose child it is.
int SignalDescendants(int signal) {
  int count = 0;
  for (const std::int64_t pid : Descendants()) {
    const auto stat = ReadProcessStat(pid);
    if (!stat || stat->state == 'Z') continue;
    ++count;
    ::kill(static_cast<pid_t>(pid), signal);
  }
  return count;
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
