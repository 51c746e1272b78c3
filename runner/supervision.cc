// SPDX-License-Identifier: Apache-2.0
#include "runner/supervision.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/lane_client.h"
#include "runner/orders.h"

namespace ddl {

namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10U;  // what a pipe holds

// Before the trial starts: signals of children and of the host's shutdown become readable.
FileDescriptor WatchSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, kWakeSignal}) {
    sigaddset(&set, number);
  }
  ::sigprocmask(SIG_SETMASK, &set, nullptr);
  return FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Supervision::Supervision(const LaunchRecord& launch, const HostPaths& paths,
                         const SupervisorOptions& options)
    : launch_(launch),
      paths_(paths),
      options_(options),
      folder_(paths.Job(launch.id)),
      bell_(paths.Bell()),
      signals_(WatchSignals()),
      spool_(folder_, launch.id, options.segment_bytes),
      log_(folder_, options.log_head_bytes, options.log_tail_bytes),
      core_(launch, options, *this) {}

void Supervision::Run() {
  while (!core_.IsGone()) {
    if (!core_.HasSteps()) {
      Turn();
      continue;
    }
    const auto wait = core_.Step();
    if (wait.count() > 0 && !core_.IsGone()) ::poll(nullptr, 0, static_cast<int>(wait.count()));
  }
}

void Supervision::Turn() {
  const short read = core_.MayRead() ? POLLIN : 0;
  std::array<pollfd, 3> watched{{{pipes_.output.Get(), read, 0},
                                 {pipes_.metrics.Get(), read, 0},
                                 {signals_.Get(), POLLIN, 0}}};
  ::poll(watched.data(), watched.size(), static_cast<int>(core_.TurnWithin().count()));
  const auto may_read = [&](const pollfd& pipe) { return pipe.revents != 0 && read != 0; };
  if (may_read(watched[0])) ReadPipe(pipes_.output, &MetricIntake::TakeOutput, false);
  if (may_read(watched[1])) ReadPipe(pipes_.metrics, &MetricIntake::TakeMetrics, false);
  if (watched[2].revents != 0) ReadSignals();
  core_.Work();
}

void Supervision::ReadSignals() {
  signalfd_siginfo signal{};
  bool woken = false;
  while (::read(signals_.Get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT) core_.ToldToEnd();
    woken = woken || signal.ssi_signo == kWakeSignal;
  }
  if (woken) core_.Woken();
  Reap();
}

void Supervision::Reap() {
  while (true) {
    int status = 0;
    struct rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return core_.Reaped(errno == ECHILD);
    if (pid == 0) return core_.Reaped(false);
    const std::int64_t cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                                (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    core_.ProcessEnded(pid, status, usage.ru_maxrss, cpu_ms);
  }
}

// One piece, so that no flood keeps deadlines and orders waiting; or all that is left.
void Supervision::ReadPipe(FileDescriptor& pipe, Take take, bool to_the_end) {
  std::array<char, kPiece> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  while (pipe) {
    const ssize_t got = ::read(pipe.Get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    if (got == 0) return pipe.Reset();  // closed by the trial, which may go on
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): pipes are read while a trial runs
    (*intake_.*take)({piece.data(), static_cast<std::size_t>(got)});
    if (!to_the_end) return;
    (void)spool_.Flush();
  }
}

// The tree is gone; a lane's work may not be.
void Supervision::TakeRest() {
  if (pipes_.lane) {
    const auto news = ParseLaneNews(ReadFile(folder_ + kLaneFile).value_or(""));
    LeaveWorker(*pipes_.lane, news && !news->is_lost);
  }
  ReadPipe(pipes_.output, &MetricIntake::TakeOutput, true);
  ReadPipe(pipes_.metrics, &MetricIntake::TakeMetrics, true);
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): pipes are read while a trial runs
  intake_->Finish();
}

}  // namespace ddl
