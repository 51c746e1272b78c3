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

#include "runner/bell.h"
#include "runner/host_folder.h"
#include "runner/leases.h"
#include "runner/process.h"

namespace ddl {

namespace {

FileDescriptor WatchChildren() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Agent::Agent(FileDescriptor from, FileDescriptor to, std::string host_folder)
    : from_(std::move(from)),
      to_(std::move(to)),
      children_(WatchChildren()),
      paths_{std::move(host_folder), {}, {}},
      leases_folder_(LeasesFolder()),
      boot_id_(ddl::BootId()) {}

int Agent::Run() {
  if (!children_) return 1;  // no more descriptors; the coordinator remakes the link
  while (!core_.IsOver() && !is_cut_) {
    Turn();
  }
  const int exit_code = core_.Leave();
  LeavePipesFolder(paths_);
  return exit_code;
}

void Agent::Turn() {
  std::array<pollfd, 6> watched{{{from_.Get(), POLLIN, 0},
                                 {children_.Get(), POLLIN, 0},
                                 {bell_.Get(), POLLIN, 0},
                                 {look_.Get(), POLLIN, 0},
                                 {out_.empty() ? -1 : to_.Get(), POLLOUT, 0},
                                 {code_.Descriptor(), code_.Events(), 0}}};
  const auto within = static_cast<int>(core_.TurnWithin().count());
  if (::poll(watched.data(), watched.size(), within) < 0) return;
  const bool idle = watched[0].revents == 0 && watched[1].revents == 0 && watched[2].revents == 0 &&
                    watched[4].revents == 0;
  // The bell before the children: a supervisor rings, then ends.
  if (watched[2].revents != 0) ReadBell();
  if (watched[1].revents != 0) ReapChildren();
  if (watched[3].revents != 0) ReadLook();
  if (watched[0].revents != 0) ReadLink();
  TurnCode();
  core_.Work(idle);
  Flush();
}

void Agent::ReadLink() {
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  const ssize_t got = ::read(from_.Get(), piece.data(), piece.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return core_.LinkEnded();
  if (!core_.MayBeHeard()) return;
  frames_.Add({piece.data(), static_cast<std::size_t>(got)});
  while (const std::optional<ToHost> message = frames_.Next<ToHost>()) {
    core_.Heard(*message);
  }
  if (!frames_.Problem().empty()) core_.Refuse(frames_.Problem());
}

void Agent::ReadBell() {
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  ssize_t got = 0;
  do {
    got = ::read(bell_.Get(), piece.data(), piece.size());
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return;
  bell_text_.append(piece.data(), static_cast<std::size_t>(got));
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = bell_text_.find('\n', begin)) != std::string::npos;) {
    const auto line = ParseBellLine(std::string_view(bell_text_).substr(begin, end - begin));
    if (line) core_.Rang(*line);
    begin = end + 1;
  }
  bell_text_.erase(0, begin);
  core_.StartQueued();
}

void Agent::ReapChildren() {
  signalfd_siginfo signal{};
  while (::read(children_.Get(), &signal, sizeof signal) == sizeof signal) {
  }
  ReadBell();  // what it rang before it ended
  int status = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) break;
    core_.ChildEnded(pid);
  }
  core_.StartQueued();
}

void Agent::ReadLook() {
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  const ssize_t got = ::read(look_.Get(), piece.data(), piece.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) return look_frames_.Add({piece.data(), static_cast<std::size_t>(got)});
  look_.Reset();
  const std::optional<FromHost> message = look_frames_.Next<FromHost>();
  const auto* looked = message ? std::get_if<FactsChanged>(&*message) : nullptr;
  if (looked != nullptr) core_.Looked(looked->facts);
}

void Agent::TurnCode() {
  for (CodeNews& news : code_.Turn()) {
    Send(std::move(news));
  }
}

void Agent::Flush() {
  while (!out_.empty()) {
    const ssize_t written = ::write(to_.Get(), out_.data(), out_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      is_cut_ = is_cut_ || errno != EAGAIN;
      return;
    }
    out_.erase(0, static_cast<std::size_t>(written));
  }
}

}  // namespace ddl
