// SPDX-License-Identifier: Apache-2.0
#include "runner/cgroup.h"

#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/process.h"
#include "runner/process_tree.h"

namespace ddl {

namespace {

constexpr std::string_view kName = "ddl-";

std::string NameOf(std::string_view token) {
  return fmt::format("{}{}", kName, token);
}

std::string OwnMount() {
  return CgroupMount(ReadFile("/proc/self/mountinfo").value_or(""));
}

bool WriteTo(const std::string& path, std::string_view text) {
  const FileDescriptor file = OpenFile(path, O_WRONLY);
  return file && ::write(file.Get(), text.data(), text.size()) >= 0;
}

// Calls `take` with each line, without its line feed.
template <class Take>
void EachLine(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    take(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

// The n-th blank-separated word, from 0.
std::string_view Word(std::string_view line, int number) {
  for (; number > 0 && !line.empty(); --number) {
    const std::size_t blank = line.find(' ');
    line = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  }
  return line.substr(0, line.find(' '));
}

}  // namespace

std::string CgroupMount(std::string_view mountinfo) {
  std::string mount;
  EachLine(mountinfo, [&](std::string_view line) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos || Word(line.substr(dash + 3), 0) != "cgroup2") return;
    if (Word(line, 3) == "/") mount = Word(line, 4);
  });
  return mount;
}

std::string_view CgroupPath(std::string_view proc_cgroup) {
  constexpr std::string_view kVersion2 = "0::";
  std::string_view path;
  EachLine(proc_cgroup, [&](std::string_view line) {
    if (line.starts_with(kVersion2)) path = line.substr(kVersion2.size());
  });
  return path;
}

std::string CgroupAbove() {
  const std::string mount = OwnMount();
  const std::string text = ReadFile("/proc/self/cgroup").value_or("");
  const std::string_view path = CgroupPath(text);
  if (mount.empty() || path.empty()) return {};
  std::string folder = path == "/" ? mount : fmt::format("{}{}", mount, path);
  const bool may_add = ::access(folder.c_str(), W_OK) == 0 &&
                       ::access((folder + "/cgroup.procs").c_str(), W_OK) == 0;
  return may_add ? folder : std::string();
}

std::optional<Cgroup> Cgroup::Make(std::string_view token) {
  const std::string above = CgroupAbove();
  if (above.empty() || token.empty() || token.find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string folder = above + "/" + NameOf(token);
  if (::mkdir(folder.c_str(), 0700) != 0) return std::nullopt;
  return Cgroup(std::move(folder));
}

// The kernel takes a zombie without a word and moves nothing, so nothing is concluded from a write.
// Whoever was forked before its parent was moved is seen in the next round, and a chain of forks is
// never seen whole: the rounds are few, and KillTree takes again.
void Cgroup::TakeDescendants() const {
  std::set<std::int64_t> taken;
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::int64_t> pids = Descendants();
    std::erase_if(pids, [&](std::int64_t pid) { return !taken.insert(pid).second; });
    if (pids.empty()) return;
    Take(pids);
  }
}

// The youngest first: of a chain of forks only they live.
void Cgroup::Take(const std::vector<std::int64_t>& pids) const {
  const FileDescriptor file = OpenFile(folder_ + "/cgroup.procs", O_WRONLY);
  for (auto pid = pids.rbegin(); file && pid != pids.rend(); ++pid) {
    const std::string text = fmt::format("{}", *pid);
    (void)!::write(file.Get(), text.data(), text.size());  // gone, or held by descent alone
  }
}

void Cgroup::Kill() const {
  KillCgroup(folder_);
}

void Cgroup::Remove() const {
  ::rmdir(folder_.c_str());
}

// Not there before Linux 5.14: callers signal the processes as well, again and again.
void KillCgroup(const std::string& folder) {
  (void)WriteTo(folder + "/cgroup.kill", "1");
}

std::optional<std::string> CgroupWithToken(std::int64_t pid, std::string_view token) {
  const std::string text = ReadFile(fmt::format("/proc/{}/cgroup", pid)).value_or("");
  const std::string_view path = CgroupPath(text);
  if (token.empty() || !path.ends_with("/" + NameOf(token))) return std::nullopt;
  return OwnMount() + std::string(path);
}

}  // namespace ddl
