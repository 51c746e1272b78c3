// SPDX-License-Identifier: Apache-2.0
#include "runner/process.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <map>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/planted_bugs.h"
#include "runner/cgroup.h"
#include "runner/file.h"

namespace ddl {

namespace {

std::vector<std::string_view> SplitAtBlanks(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    words.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return words;
}

std::optional<std::int64_t> Number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::int64_t> AllPids() {
  std::vector<std::int64_t> pids;
  for (const std::string& name : ListFolder("/proc")) {
    if (const auto pid = Number(name)) pids.push_back(*pid);
  }
  return pids;
}

// "": it cannot be read. Each variable has a zero before it and one behind it.
std::string EnvironmentOf(std::int64_t pid) {
  const auto environment = ReadFile(fmt::format("/proc/{}/environ", pid), std::size_t{4} << 20U);
  return environment ? std::string(1, '\0') + *environment : std::string();
}

bool Carries(std::int64_t pid, const std::string& wanted) {
  return EnvironmentOf(pid).find(wanted) != std::string::npos;
}

}  // namespace

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  const std::size_t name_end = text.rfind(") ");
  const std::size_t name_begin = text.find(" (");
  if (name_end == std::string_view::npos || name_begin == std::string_view::npos) {
    return std::nullopt;
  }
  // Fields from the third (state) on, as proc(5) numbers them.
  const std::vector<std::string_view> fields = SplitAtBlanks(text.substr(name_end + 2));
  constexpr std::size_t kFirst = 3;
  if (fields.size() < 24 - kFirst + 1 || fields[0].size() != 1) return std::nullopt;
  const auto field = [&](std::size_t number) { return Number(fields[number - kFirst]); };
  const auto pid = Number(text.substr(0, name_begin));
  const auto parent = field(4);
  const auto session = field(6);
  const auto start_ticks = field(22);
  const auto resident_pages = field(24);
  if (!pid || !parent || !session || !start_ticks || !resident_pages) return std::nullopt;
  return ProcessStat{.pid = *pid,
                     .parent = *parent,
                     .session = *session,
                     .state = fields[0][0],
                     .start_ticks = static_cast<std::uint64_t>(*start_ticks),
                     .resident_pages = *resident_pages};
}

std::optional<ProcessStat> ReadProcessStat(std::int64_t pid) {
  return LookAtProcess(pid).stat;
}

ProcessLook LookAtProcess(std::int64_t pid) {
  const auto text = ReadFile(fmt::format("/proc/{}/stat", pid));
  ProcessLook look;
  if (text) look.stat = ParseProcessStat(*text);
  look.is_refused = !look.stat && (text || (errno != ENOENT && errno != ESRCH));
  return look;
}

std::string BootId() {
  std::string id = ReadFile("/proc/sys/kernel/random/boot_id").value_or("");
  while (!id.empty() && id.back() == '\n') {
    id.pop_back();
  }
  return id;
}

std::optional<ProcessIdentity> IdentityOf(std::int64_t pid) {
  const auto stat = ReadProcessStat(pid);
  if (!stat) return std::nullopt;
  return ProcessIdentity{BootId(), pid, stat->start_ticks};
}

std::chrono::milliseconds AgeOf(const ProcessIdentity& process) {
  static const std::string kBoot = BootId();
  if (process.boot_id != kBoot) return std::chrono::milliseconds(0);
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);  // what start times count in
  const auto ticks_a_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const std::chrono::milliseconds began(process.start_ticks * 1000 / ticks_a_second);
  const auto age =
      std::chrono::seconds(now.tv_sec) + std::chrono::milliseconds(now.tv_nsec / 1'000'000) - began;
  return std::max(age, std::chrono::milliseconds(0));
}

bool IsThatProcess(const ProcessIdentity& process, const std::optional<ProcessStat>& now,
                   const std::string& boot_id) {
  if (!now || now->state == 'Z' || now->state == 'X') return false;
  if (PlantedBug(Bug::kComparePidOnly)) return true;
  return now->start_ticks == process.start_ticks && boot_id == process.boot_id;
}

bool IsAlive(const ProcessIdentity& process) {
  return IsThatProcess(process, ReadProcessStat(process.pid), BootId());
}

bool IsGone(const ProcessIdentity& process, const ProcessLook& now, const std::string& boot_id) {
  return !now.is_refused && !IsThatProcess(process, now.stat, boot_id);
}

bool SendSignal(const ProcessIdentity& process, int signal) {
  // The descriptor names whoever has the pid now; who that is is checked before the signal.
  const FileDescriptor handle(
      static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process.pid), 0)));
  if (!handle || !IsAlive(process)) return false;
  return ::syscall(SYS_pidfd_send_signal, handle.Get(), signal, nullptr, 0) == 0;
}

std::optional<int> ReapWithin(pid_t child, std::chrono::milliseconds patience) {
  constexpr int kBetweenLooksMs = 1;
  const auto until = std::chrono::steady_clock::now() + patience;
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended > 0 || (ended < 0 && errno != EINTR)) return status;
    if (ended == 0 && std::chrono::steady_clock::now() >= until) return std::nullopt;
    if (ended == 0) ::poll(nullptr, 0, kBetweenLooksMs);
  }
}

std::vector<ProcessIdentity> ProcessesWithToken(std::string_view token) {
  std::vector<ProcessIdentity> found;
  if (token.empty()) return found;
  std::string wanted(1, '\0');
  wanted += fmt::format("DDL_TOKEN={}", token);
  wanted += '\0';
  for (const std::int64_t pid : AllPids()) {
    if (pid == ::getpid()) continue;
    const auto identity = IdentityOf(pid);
    if (!identity) continue;
    if (CgroupWithToken(pid, token) || Carries(pid, wanted)) found.push_back(*identity);
  }
  return found;
}

bool IsOfDdl(std::int64_t pid) {
  using namespace std::string_view_literals;  // NOLINT(google-build-using-namespace): a zero
  const std::string environment = EnvironmentOf(pid);
  const std::string worker = fmt::format("{0}{1}{0}", '\0', kWorkerMark);
  return environment.find("\0DDL_TOKEN="sv) != std::string::npos ||
         environment.find(worker) != std::string::npos;
}

std::int64_t OutOfMemoryKills() {
  const std::string text = ReadFile("/proc/vmstat").value_or("");
  constexpr std::string_view kLine = "\noom_kill ";
  const std::size_t at = text.find(kLine);
  if (at == std::string::npos) return 0;
  const std::string_view rest = std::string_view(text).substr(at + kLine.size());
  return Number(rest.substr(0, rest.find('\n'))).value_or(0);
}

namespace {

using Marked = std::map<std::int64_t, ProcessIdentity>;  // by pid

bool IsChildOfMarked(const ProcessStat& stat, const Marked& marked, const std::string& boot_id) {
  const auto parent = marked.find(stat.parent);
  if (parent == marked.end()) return false;
  // The pid of a marked one that is gone may be a stranger's by now.
  const auto now = ReadProcessStat(stat.parent);
  return now && now->start_ticks == parent->second.start_ticks && boot_id == parent->second.boot_id;
}

// Descendants that changed their environment go with their ancestors.
void AddDescendants(Marked& marked) {
  const std::string boot_id = BootId();
  constexpr int kRounds = 100;  // a chain of forks grows for ever
  bool grew = !marked.empty();
  for (int round = 0; grew && round < kRounds; ++round) {
    grew = false;
    for (const std::int64_t pid : AllPids()) {
      const auto stat = ReadProcessStat(pid);
      if (!stat || !IsChildOfMarked(*stat, marked, boot_id)) continue;
      const ProcessIdentity child{boot_id, pid, stat->start_ticks};
      auto [at, is_new] = marked.try_emplace(pid, child);
      if (!is_new && at->second == child) continue;
      at->second = child;
      grew = true;
    }
  }
}

// How many were there to kill.
int KillEach(const Marked& marked) {
  int killed = 0;
  for (const auto& [pid, process] : marked) {
    if (SendSignal(process, SIGKILL)) ++killed;
  }
  return killed;
}

}  // namespace

int KillByToken(std::string_view token) {
  int killed = 0;
  std::set<std::string> cgroups;
  constexpr int kRounds = 100;  // a tree that forks as fast as we kill gets no further
  for (int round = 0; round < kRounds; ++round) {
    Marked marked;
    for (const ProcessIdentity& process : ProcessesWithToken(token)) {
      marked.emplace(process.pid, process);
      if (auto cgroup = CgroupWithToken(process.pid, token)) cgroups.insert(*std::move(cgroup));
    }
    AddDescendants(marked);
    for (const std::string& cgroup : cgroups)
      KillCgroup(cgroup);
    const int now = KillEach(marked);
    if (now == 0) break;
    killed += now;
  }
  for (const std::string& cgroup : cgroups) {
    ::rmdir(cgroup.c_str());
  }
  return killed;
}

}  // namespace ddl
