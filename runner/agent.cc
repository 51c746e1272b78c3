// SPDX-License-Identifier: Apache-2.0
#include "runner/agent.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/host_folder.h"
#include "runner/leases.h"
#include "runner/process.h"

namespace ddl {

namespace {

// Adopted supervisors are no children of ours: their death is looked for this often.
constexpr int kLookMs = 200;
constexpr int kTidyMs = 20;  // without a word: idle enough to tidy
constexpr int kFreshMs = 5;  // half of what a start may wait to be told

FileDescriptor WatchChildren() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Agent::Agent(FileDescriptor link, std::string host_folder)
    : link_(std::move(link)),
      children_(WatchChildren()),
      paths_{std::move(host_folder), {}, {}},
      leases_folder_(LeasesFolder()),
      boot_id_(BootId()) {}

int Agent::Run() {
  while (!over_) {
    Turn();
  }
  // What was settled last would else wait for the next agent, and `ddl gc` with it.
  if (exit_code_ == 0) Tidy();
  LeavePipesFolder(paths_);
  return exit_code_;
}

void Agent::Turn() {
  const bool busy = !out_.empty();
  std::array<pollfd, 3> watched{
      {{link_.Get(), static_cast<short>(busy ? POLLIN | POLLOUT : POLLIN), 0},
       {children_.Get(), POLLIN, 0},
       {bell_.Get(), POLLIN, 0}}};
  if (::poll(watched.data(), watched.size(), PollTimeout()) < 0) return;
  const bool idle = watched[0].revents == 0 && watched[1].revents == 0 && watched[2].revents == 0;
  // The bell before the children: a supervisor rings, then ends.
  if (watched[2].revents != 0) ReadBell();
  if (watched[1].revents != 0) ReapChildren();
  if (watched[0].revents != 0) ReadLink();
  if (!fresh_.empty()) TellStarted();
  if (!undelivered_.empty()) DeliverOrders();
  if (idle && fresh_.empty()) CheckAdopted();
  if (out_.size() < kMaxWaiting) PumpMetrics();
  Flush();
}

int Agent::PollTimeout() const {
  if (!fresh_.empty()) return kFreshMs;
  return to_tidy_.empty() && undelivered_.empty() ? kLookMs : kTidyMs;
}

void Agent::ReadLink() {
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  const ssize_t got = ::read(link_.Get(), piece.data(), piece.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    over_ = true;  // the trials go on
    return;
  }
  if (welcomed_ && IsFenced()) return Refuse("a later coordinator has this store's trials");
  frames_.Add({piece.data(), static_cast<std::size_t>(got)});
  while (const std::optional<ToHost> message = frames_.Next<ToHost>()) {
    Obey(*message);
  }
  if (!frames_.Problem().empty()) Refuse(frames_.Problem());
}

void Agent::ReadBell() {
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  const ssize_t got = ::read(bell_.Get(), piece.data(), piece.size());
  if (got <= 0) return;
  bell_text_.append(piece.data(), static_cast<std::size_t>(got));
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = bell_text_.find('\n', begin)) != std::string::npos;) {
    const auto line = ParseBellLine(std::string_view(bell_text_).substr(begin, end - begin));
    if (line) Heard(*line);
    begin = end + 1;
  }
  bell_text_.erase(0, begin);
  StartQueued();
}

void Agent::ReapChildren() {
  signalfd_siginfo signal{};
  while (::read(children_.Get(), &signal, sizeof signal) == sizeof signal) {
  }
  ReadBell();  // what it rang before it ended
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    for (auto& [id, rank] : ranks_) {
      if (rank.child != pid) continue;
      OnSupervisorGone(id, rank);
      break;
    }
  }
  std::erase_if(ranks_,
                [](const auto& entry) { return entry.second.ended && entry.second.child == 0; });
  StartQueued();
}

void Agent::Flush() {
  while (!out_.empty()) {
    const ssize_t written = ::write(link_.Get(), out_.data(), out_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      over_ = over_ || errno != EAGAIN;
      return;
    }
    out_.erase(0, static_cast<std::size_t>(written));
  }
}

// A coordinator that slept while a later one began has nothing to say here any more.
bool Agent::IsFenced() {
  const std::uint64_t mark = EpochMark(paths_);
  if (mark == epoch_mark_) return false;
  epoch_mark_ = mark;
  return ReadEpoch(paths_).epoch > epoch_;
}

void Agent::Refuse(const std::string& reason, const std::string& hint) {
  const bool tells_epoch = !welcomed_ && hint.empty();
  AppendFrame(FromHost(Refused{reason, tells_epoch ? ReadEpoch(paths_).epoch : 0, hint}), out_);
  Flush();
  over_ = true;
  exit_code_ = 1;
}

}  // namespace ddl
