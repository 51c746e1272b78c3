// SPDX-License-Identifier: Apache-2.0
#include "runner/remote_tree.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runner/process.h"

namespace ddl {

namespace {

// A host that lives says something at least so often: it reads files and sends them.
constexpr std::chrono::seconds kSilence{60};

constexpr const char* kTokenFile = "/.of";

std::variant<std::string, SshProblem> SendArguments(const NamedFolders& folders) {
  std::string words = "send";
  for (const auto& [name, folder] : folders) {
    if (!IsPlainWord(name) || !IsPlainWord(folder)) {
      return SshProblem{fmt::format("{} is no folder of a trial", folder), "run ddl store check"};
    }
    words += fmt::format(" {}={}", name, folder);
  }
  return words;
}

SshProblem DiskRefuses(const std::string& path) {
  return {fmt::format("{}: {}", path, std::strerror(errno)), "make room, or mend its permissions"};
}

// What has come of one order.
class Coming {
 public:
  explicit Coming(const TreeOrder& order)
      : folder_(order.into + ".coming"),
        token_file_(folder_ + ".of"),
        note_file_(folder_ + ".at") {}

  [[nodiscard]] const std::string& Folder() const { return folder_; }
  [[nodiscard]] const std::string& NoteFile() const { return note_file_; }

  // Unsynced bytes of before the last boot may be missing from files that look whole.
  [[nodiscard]] bool Begin(const std::string& token) const {
    const std::string wanted = token + " " + BootId();
    if (ReadFile(token_file_) != wanted) {
      Forget();
      if (!RemoveTree(folder_) || !WriteFileAtomically(token_file_, wanted)) return false;
    }
    return EnsureFolder(folder_);
  }
  [[nodiscard]] bool Finish(const TreeOrder& order) const {
    const FileDescriptor folder = OpenFile(folder_, O_RDONLY | O_DIRECTORY);
    if (!folder || !WriteFileAtomically(folder_ + kTokenFile, order.token)) return false;
    if (::syncfs(folder.Get()) != 0) return false;
    const std::string aside = order.into + "." + FetchedTree(order.into);
    if (::rename(order.into.c_str(), aside.c_str()) != 0 && errno != ENOENT) return false;
    if (::rename(folder_.c_str(), order.into.c_str()) != 0) return false;
    Forget();
    return SyncFolder(FolderOf(order.into));
  }

 private:
  void Forget() const {
    ::unlink(token_file_.c_str());
    ::unlink(note_file_.c_str());
  }

  std::string folder_;
  std::string token_file_;
  std::string note_file_;
};

// Nobody waits for results, but the store lies on the same disk mostly: a sweep goes on as long as
// that has room.
bool HasRoom(const std::string& folder) {
  constexpr std::uint64_t kLeft = std::uint64_t{512} << 20U;
  struct statvfs space{};
  return ::statvfs(folder.c_str(), &space) != 0 || space.f_bavail * space.f_frsize >= kLeft;
}

// Says what is here, then takes what comes. "" or what the host or the disk refuses.
std::string Exchange(HostSession& host, RemoteAgent& agent, TreeReceiver& receiver,
                     const std::string& folder,
                     const std::function<void(const TreeCounts&)>& progress) {
  constexpr std::int64_t kLookEvery = std::int64_t{16} << 20U;
  std::int64_t look_at = 0;
  const std::string had = receiver.Had();
  std::string_view unsaid = had;
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): Read fills it
  if (!receiver.Take(agent.first_bytes)) return receiver.Problem();
  while (!receiver.IsWhole()) {
    const std::size_t got = agent.channel.Read(piece);
    if (!receiver.Take({piece.data(), got})) return receiver.Problem();
    if (got > 0) progress(receiver.Counts());
    if (receiver.Counts().came >= look_at) {
      if (!HasRoom(folder)) return "there is too little room on this machine's disk: below 512 MiB";
      look_at = receiver.Counts().came + kLookEvery;
    }
    const std::size_t said = unsaid.empty() ? 0 : agent.channel.Write(unsaid);
    unsaid.remove_prefix(said);
    if (got > 0 || said > 0) continue;
    if (agent.channel.HasEnded()) return "it ended before all was sent";
    if (!host.For(kSilence).Wait(agent.channel.Descriptor(), agent.channel.Events())) {
      return "it does not answer";
    }
  }
  return {};
}

std::string WordsOfTheHost(SshChannel& channel) {
  std::array<char, 4096> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by a read
  const std::string_view words(piece.data(), channel.ReadErrors(piece));
  return std::string(words.substr(0, words.find('\n')));
}

}  // namespace

std::string FetchedTree(const std::string& folder) {
  return ReadFile(folder + kTokenFile).value_or("");
}

std::variant<TreeCounts, SshProblem> FetchTree(
    HostSession& host, const TreeOrder& order,
    const std::function<void(const TreeCounts&)>& progress) {
  auto arguments = SendArguments(order.folders);
  if (auto* problem = std::get_if<SshProblem>(&arguments)) return std::move(*problem);
  const Coming coming(order);
  if (!coming.Begin(order.token)) return DiskRefuses(coming.Folder());
  auto started = host.Start(std::get<std::string>(arguments));
  if (auto* problem = std::get_if<SshProblem>(&started)) return std::move(*problem);
  RemoteAgent& agent = std::get<RemoteAgent>(started);
  std::vector<std::string> names;
  for (const auto& [name, folder] : order.folders)
    names.push_back(name);
  TreeReceiver receiver(coming.Folder(), coming.NoteFile(), std::move(names));
  const std::string problem = Exchange(host, agent, receiver, coming.Folder(), progress);
  if (!problem.empty()) {
    const std::string words = WordsOfTheHost(agent.channel);
    return SshProblem{words.empty() ? problem : fmt::format("{}: {}", problem, words), {}};
  }
  if (!coming.Finish(order)) return DiskRefuses(order.into);
  return receiver.Counts();
}

}  // namespace ddl
