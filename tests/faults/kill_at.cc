// SPDX-License-Identifier: Apache-2.0
// kill_at ROLE INDEX N REPORT PROGRAM [ARGUMENT…]: runs ddl and sends SIGKILL to one of its
// processes as it enters its N-th system call, counted over all of its threads; nobody else is
// touched, and whoever is left goes on without a tracer.
//
//   ROLE     coordinator | agent | supervisor
//   INDEX    of the supervisors in the order of their forks the INDEX-th, from 1; else 1
//   REPORT   a file: "killed COUNT SYSCALL" or "ended COUNT": COUNT system calls were seen
//
// Exits with 0 when it killed, with 1 when the program ended before, with 2 on a wrong call.
#include <cstdio>

#include "tests/faults/tracer.h"

namespace ddl {
namespace {

class KillAt : public Tracer {
 public:
  KillAt(Target target, long n, const char* report, char** program)
      : Tracer(target, program), n_(n), report_(report) {}

  int Main() {
    const bool killed = Run() < 0;
    std::ofstream(report_) << (killed ? "killed " : "ended ") << count_ << ' ' << syscall_ << '\n';
    return killed ? 0 : 1;
  }

 private:
  bool OnCall(pid_t tid, pid_t pid, const CallInfo& call) override {
    if (call.op != PTRACE_SYSCALL_INFO_ENTRY || ++count_ < n_) return false;
    syscall_ = static_cast<long>(call.entry.nr);
    Kill(tid, pid);
    return true;  // leaving detaches from all others
  }

  void Kill(pid_t tid, pid_t pid) const {
    ::kill(pid, SIGKILL);
    ::ptrace(PTRACE_CONT, tid, nullptr, nullptr);
    // Each thread is waited for by its tracer, the first one last; who else stops goes on alone.
    int status = 0;
    for (pid_t other = 0; pid == Root() && (other = ::waitpid(-1, &status, __WALL)) > 0;) {
      if (WIFSTOPPED(status)) ::ptrace(PTRACE_DETACH, other, nullptr, nullptr);
      if (other == Root() && !WIFSTOPPED(status)) break;
    }
  }

  long n_;
  const char* report_;
  long count_ = 0;
  long syscall_ = -1;
};

}  // namespace
}  // namespace ddl

int main(int argc, char** argv) {
  const ddl::Role role = argc >= 6 ? ddl::ParseRole(argv[1]) : ddl::Role::kUnknown;
  const long n = argc >= 6 ? std::atol(argv[3]) : 0;
  if (role == ddl::Role::kUnknown || n <= 0) {
    std::fputs("usage: kill_at coordinator|agent|supervisor INDEX N REPORT PROGRAM [ARGUMENT…]\n",
               stderr);
    return 2;
  }
  return ddl::KillAt({role, std::atoi(argv[2])}, n, argv[4], argv + 5).Main();
}
