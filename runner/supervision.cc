// SPDX-License-Identifier: Apache-2.0
#include "runner/supervision.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/orders.h"
#include "runner/process.h"
#include "runner/process_tree.h"

namespace ddl {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kKillEvery{50};
constexpr milliseconds kRetryEvery{100};
// A trial that lives for so long gets a cgroup; a shorter one would pay a tenth of its time for it.
constexpr milliseconds kEncloseAfter{100};
constexpr std::size_t kPiece = std::size_t{64} << 10U;  // what a pipe holds

FileDescriptor WatchSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, kWakeSignal}) {
    sigaddset(&set, number);
  }
  ::sigprocmask(SIG_SETMASK, &set, nullptr);
  return FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::int64_t UnixMs() {
  return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string Gib(std::int64_t kib) {
  return fmt::format("{:.1f} GiB", double(kib) / (1 << 20));
}

}  // namespace

Supervision::Supervision(const LaunchRecord& launch, const HostPaths& paths,
                         const SupervisorOptions& options, Bell& bell)
    : launch_(launch),
      options_(options),
      bell_(bell),
      folder_(paths.Job(launch.id)),
      signals_(WatchSignals()),
      spool_(folder_, launch.id, options.segment_bytes),
      log_(folder_, options.log_head_bytes, options.log_tail_bytes),
      intake_(launch, spool_, log_) {}

void Supervision::NoteStarted(pid_t trial) {
  trial_ = trial;
  started_ = memory_at_ = ring_at_ = Clock::now();
  enclose_at_ = started_ + kEncloseAfter;
}

ExitRecord Supervision::Run() {
  ObeyOrders();  // given before there was anybody to wake
  while (!tree_is_gone_) {
    Turn();
  }
  ReadOutput(true);
  ReadMetrics();
  intake_.Finish();
  while (!spool_.Flush()) {
    if (::access(folder_.c_str(), F_OK) != 0) break;  // removed by somebody: nobody will ask
    ::poll(nullptr, 0, 100);                          // a full disk: wait, lose nothing
  }
  log_.Close();
  if (cgroup_) cgroup_->Remove();
  ExitRecord record;
  FillRecord(record);
  return record;
}

void Supervision::Turn() {
  const short read = IsHeldBack() ? 0 : POLLIN;
  std::array<pollfd, 3> watched{{{pipes_.output.Get(), read, 0},
                                 {pipes_.metrics.Get(), read, 0},
                                 {signals_.Get(), POLLIN, 0}}};
  ::poll(watched.data(), watched.size(), PollTimeout());
  if (watched[0].revents != 0 && read != 0) ReadOutput(false);
  if (watched[1].revents != 0) ReadMetrics();
  if (watched[2].revents != 0) ReadSignals();
  if (!tree_is_gone_) KeepDeadlines();
  (void)spool_.Flush();  // refused by the disk: kept, and tried again
  RingMetrics(false);
}

int Supervision::PollTimeout() const {
  const Clock::time_point now = Clock::now();
  Clock::time_point next = now + std::chrono::hours(1);
  if (phase_ == Phase::kRunning && launch_.timeout) {
    next = std::min(next, started_ + *launch_.timeout);
  }
  if (phase_ != Phase::kRunning) next = std::min(next, kill_at_);
  if (launch_.slots.memory_mib > 0) next = std::min(next, memory_at_);
  if (enclose_at_) next = std::min(next, *enclose_at_);
  if (rung_seq_ < spool_.LastSeq()) next = std::min(next, ring_at_);
  if (spool_.HasUnwritten() || said_held_back_) next = std::min(next, now + kRetryEvery);
  const auto wait = duration_cast<milliseconds>(next - now).count() + 1;
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 3'600'000));
}

void Supervision::ReadSignals() {
  signalfd_siginfo signal{};
  bool woken = false;
  while (::read(signals_.Get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT) {
      End(EndCause::kStopped, "its supervisor was told to end");
    }
    woken = woken || signal.ssi_signo == kWakeSignal;
  }
  if (woken) ObeyOrders();
  Reap();
}

void Supervision::Reap() {
  while (true) {
    int status = 0;
    struct rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid < 0) {
      tree_is_gone_ = errno == ECHILD;
      return;
    }
    if (pid == 0) break;
    if (pid == trial_) status_ = status;
    peak_kib_ = std::max<std::int64_t>(peak_kib_, usage.ru_maxrss);
    cpu_ms_ += (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
               (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
  }
  // What the first process left behind is part of the tree and ends with it.
  if (status_ && phase_ == Phase::kRunning) {
    phase_ = Phase::kTerminating;
    kill_at_ = Clock::now() + launch_.grace;
    SignalDescendants(SIGTERM);
  }
}

void Supervision::ReadOutput(bool to_the_end) {
  std::array<char, kPiece> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  while (pipes_.output) {
    const ssize_t got = ::read(pipes_.output.Get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    if (got == 0) return pipes_.output.Reset();  // closed by the trial, which may go on
    intake_.TakeOutput({piece.data(), static_cast<std::size_t>(got)});
    if (!to_the_end) return;
    (void)spool_.Flush();
  }
}

void Supervision::ReadMetrics() {
  std::array<char, kPiece> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  ssize_t got = 0;
  while ((got = ::read(pipes_.metrics.Get(), piece.data(), piece.size())) > 0) {
    intake_.TakeMetrics({piece.data(), static_cast<std::size_t>(got)});
  }
}

void Supervision::ObeyOrders() {
  while (const auto text = ReadFile(fmt::format("{}/order.{}", folder_, next_order_))) {
    ++next_order_;
    const std::optional<OrderText> order = ParseOrder(*text);
    if (!order) continue;
    switch (order->kind) {
      case OrderKind::kStop:
        End(EndCause::kStopped, "stopped");
        break;
      case OrderKind::kKill:
        End(EndCause::kStopped, "killed");
        phase_ = Phase::kKilling;
        kill_at_ = Clock::now();
        break;
      case OrderKind::kControl:
        (void)WriteAll(pipes_.control.Get(), order->line + "\n");
        break;
    }
  }
}

// TERM to all now, KILL after the grace. The first reason stands.
void Supervision::End(EndCause cause, const std::string& detail) {
  if (!forced_ && !status_) {
    forced_ = cause;
    detail_ = detail;
  }
  if (phase_ != Phase::kRunning) return;
  phase_ = Phase::kTerminating;
  kill_at_ = Clock::now() + launch_.grace;
  SignalDescendants(SIGTERM);
  SignalDescendants(SIGCONT);  // who is stopped hears TERM only when it goes on
}

void Supervision::KeepDeadlines() {
  const Clock::time_point now = Clock::now();
  if (phase_ == Phase::kRunning && launch_.timeout && now >= started_ + *launch_.timeout) {
    const double seconds = static_cast<double>(launch_.timeout->count()) / 1000;
    End(EndCause::kTimedOut, fmt::format("longer than timeout_s: {}", seconds));
  }
  if (enclose_at_ && now >= *enclose_at_) Enclose();
  if (launch_.slots.memory_mib > 0 && now >= memory_at_) CheckMemory();
  if (phase_ == Phase::kRunning || now < kill_at_) return;
  phase_ = Phase::kKilling;
  kill_at_ = now + kKillEvery;  // again and again: a tree may fork faster than we see it
  if (cgroup_) cgroup_->Kill();
  SignalDescendants(SIGKILL);
}

void Supervision::Enclose() {
  enclose_at_.reset();
  memory_kills_before_ = OutOfMemoryKills();
  cgroup_ = Cgroup::Make(launch_.token);
  if (cgroup_ && !cgroup_->TakeDescendants()) {
    cgroup_->Remove();  // refused while somebody is in it; the tree is held by descent all the same
    cgroup_.reset();
  }
}

void Supervision::CheckMemory() {
  memory_at_ = Clock::now() + options_.memory_check_interval;
  const std::int64_t kib = DescendantsMemoryKib();
  peak_kib_ = std::max(peak_kib_, kib);
  const std::int64_t limit = launch_.slots.memory_mib * 1024;
  if (kib <= limit || forced_) return;
  End(EndCause::kOutOfMemory, fmt::format("{} of {}", Gib(kib), Gib(limit)));
  kill_at_ = Clock::now();  // no grace: the host's memory is at stake
}

void Supervision::RingMetrics(bool at_once) {
  const Clock::time_point now = Clock::now();
  if (rung_seq_ == spool_.LastSeq() || spool_.HasUnwritten()) return;
  if (!at_once && now < ring_at_) return;
  ring_at_ = now + options_.bell_interval;
  if (bell_.Ring({News::kMetrics, launch_.id, {}})) rung_seq_ = spool_.LastSeq();
}

// Above the limit the trial's pipes are not read: it waits in its next write, and nothing is lost.
bool Supervision::IsHeldBack() {
  if (spool_.UnacknowledgedBytes() > options_.spool_limit_bytes) {
    if (const auto seq = ReadAck(folder_)) spool_.Acknowledge(*seq);
  }
  const bool held = spool_.UnacknowledgedBytes() > options_.spool_limit_bytes ||
                    (spool_.HasUnwritten() && !spool_.Flush());
  if (held && !said_held_back_) {
    bell_.Ring({News::kNotice, launch_.id,
                fmt::format("trial {} of {} waits: its metrics are not taken", launch_.trial_number,
                            launch_.sweep)});
  }
  said_held_back_ = held;
  return held;
}

void Supervision::FillRecord(ExitRecord& record) {
  record.id = launch_.id;
  record.token = launch_.token;
  const int status = status_.value_or(0);
  if (WIFEXITED(status)) record.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) record.signal = WTERMSIG(status);
  record.cause = record.signal != 0 ? EndCause::kSignaled : EndCause::kExited;
  if (record.signal != 0) {
    record.detail = fmt::format(
        "killed by signal {} ({})", record.signal,
        ::sigabbrev_np(record.signal) == nullptr ? "unknown" : ::sigabbrev_np(record.signal));
  }
  // Nobody else ends a trial by KILL while the kernel ends processes for want of memory.
  if (record.signal == SIGKILL && !enclose_at_ && OutOfMemoryKills() > memory_kills_before_) {
    record.cause = EndCause::kOutOfMemory;
    record.detail = "the kernel killed it: no memory was left";
  }
  if (forced_) {
    record.cause = *forced_;
    record.detail = detail_;
  }
  record.ended_unix_ms = UnixMs();
  record.wall_ms = duration_cast<milliseconds>(Clock::now() - started_).count();
  record.cpu_ms = cpu_ms_;
  record.peak_memory_kib = peak_kib_;
  record.last_seq = spool_.LastSeq();
  record.log_bytes = log_.Bytes();
  record.log_bytes_dropped = log_.Dropped();
  record.metric_names.assign(intake_.Names().begin(), intake_.Names().end());
  record.metric_names_refused = intake_.NamesRefused();
}

ExitRecord Supervision::CouldNotStart(const std::string& problem) {
  ExitRecord record;
  FillRecord(record);
  record.cause = EndCause::kCouldNotStart;
  record.detail = problem;
  record.wall_ms = 0;
  return record;
}

}  // namespace ddl
