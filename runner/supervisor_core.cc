// SPDX-License-Identifier: Apache-2.0
// A supervisor before and after its trial.
#include "runner/supervisor_core.h"

#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/wait.h>

#include "configs/planted_bugs.h"

namespace ddl {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kDiskRetryEvery{100};
// A trial that lives for so long gets a cgroup; a shorter one would pay a tenth of its time for it.
constexpr milliseconds kEncloseAfter{100};

}  // namespace

milliseconds SupervisorCore::Step() {
  const Phase before = phase_;
  switch (phase_) {
    case Phase::kClaim:
      Claim();
      break;
    case Phase::kLease:
      Lease();
      break;
    case Phase::kPrepare:
      Prepare();
      break;
    case Phase::kExec:
      Exec();
      break;
    case Phase::kDrain:
      Drain();
      break;
    case Phase::kRecord:
      WriteRecord();
      break;
    case Phase::kRunning:
    case Phase::kTerminating:
    case Phase::kKilling:
    case Phase::kGone:
      break;
  }
  return phase_ == before ? kDiskRetryEvery : milliseconds(0);
}

void SupervisorCore::Claim() {
  const ClaimAnswer answer = host_.Claim();
  if (answer.is_taken && !PlantedBug(Bug::kStartTwice)) {
    phase_ = Phase::kGone;  // started already: once is enough
  } else if (!answer.problem.empty()) {
    host_.Ring({News::kRefused, launch_.id, launch_.token + " " + answer.problem});
    phase_ = Phase::kGone;
  } else {
    phase_ = Phase::kLease;
  }
}

void SupervisorCore::Lease() {
  const LeaseAnswer answer = PlantedBug(Bug::kSkipLease) ? LeaseAnswer{} : host_.TakeLeases();
  if (!answer.problem.empty()) return Refuse(answer.problem);
  phase_ = Phase::kPrepare;
  if (!answer.busy) return;
  host_.WriteBusy(*answer.busy);
  host_.Ring({News::kBusy, launch_.id, {}});
  phase_ = Phase::kGone;
}

// The record first: whoever finds pipes knows whose they are.
void SupervisorCore::Prepare() {
  if (!host_.WriteStart(0)) return Refuse("its record cannot be written: the disk refuses");
  const std::string problem = host_.Prepare();
  if (!problem.empty()) return Refuse(problem);
  phase_ = Phase::kExec;
}

void SupervisorCore::Refuse(const std::string& reason) {
  host_.RemoveFolder();
  host_.RemovePipes();
  host_.Ring({News::kRefused, launch_.id, launch_.token + " " + reason});
  phase_ = Phase::kGone;
}

// The start record is written: an agent that comes from now on sees it. One that came before may
// have given this launch up, and the trial may be on its way elsewhere.
void SupervisorCore::Exec() {
  if (host_.IsFenced() && !PlantedBug(Bug::kStartGivenUp)) {
    return Refuse("another agent came before it had started");
  }
  const StartedTrial trial = host_.StartTrial();
  if (trial.is_hosts_fault) return Refuse(trial.problem);
  if (trial.pid < 0) {
    FillRecord();
    record_.cause = EndCause::kCouldNotStart;
    record_.detail = trial.problem;
    record_.wall_ms = 0;
    phase_ = Phase::kRecord;
    return;
  }
  trial_ = trial.pid;
  phase_ = Phase::kRunning;
  started_ = memory_at_ = ring_at_ = host_.Now();
  started_unix_ms_ = host_.UnixMs();
  enclose_at_ = started_ + kEncloseAfter;
  (void)host_.WriteStart(trial.pid);
  host_.Ring({News::kStarted, launch_.id, {}});
  ObeyOrders();  // given before there was anybody to wake
}

// A full disk: wait, lose nothing. A folder that somebody removed: nobody will ask.
void SupervisorCore::Drain() {
  if (!std::exchange(has_taken_rest_, true)) host_.TakeRest();
  if (!host_.FlushSpool() && host_.HasFolder()) return;
  host_.Close();
  FillRecord();
  phase_ = Phase::kRecord;
}

// The exit record, then the leases, then the bell: who hears it may start the next rank at once.
void SupervisorCore::WriteRecord() {
  if (!host_.WriteExit(record_) && host_.HasFolder()) return;
  host_.RemovePipes();
  host_.ReleaseLeases();
  host_.Ring({News::kExited, launch_.id, {}});
  phase_ = Phase::kGone;
}

void SupervisorCore::FillRecord() {
  ExitRecord& record = record_;
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
  if (record.signal == SIGKILL && !enclose_at_ && host_.OutOfMemoryKills() > memory_kills_before_) {
    record.cause = EndCause::kOutOfMemory;
    record.detail = "the kernel killed it: no memory was left";
  }
  if (forced_) {
    record.cause = *forced_;
    record.detail = detail_;
  }
  record.ended_unix_ms = host_.UnixMs();
  record.wall_ms = duration_cast<milliseconds>(host_.Now() - started_).count();
  record.cpu_ms = cpu_ms_;
  record.peak_memory_kib = peak_kib_;
  record.last_seq = host_.LastSeq();
  host_.DescribeOutput(record);
}

}  // namespace ddl
