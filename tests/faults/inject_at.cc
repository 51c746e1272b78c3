// SPDX-License-Identifier: Apache-2.0
// inject_at FAULT ROLE INDEX N REPORT PROGRAM [ARGUMENT…]: runs ddl and makes one system call of
// one of its processes fail: the N-th of those that the fault can hit, counted over all threads.
// The call is not carried out, or with "short" for one byte only. All others go on, to the end.
//
//   FAULT    full | broken | descriptors | memory | interrupted | short (call_faults.h)
//   ROLE     coordinator | agent | supervisor
//   INDEX    of the supervisors in the order of their forks the INDEX-th, from 1; else 1
//   REPORT   a file: "WHAT COUNT SYSCALL": WHAT is "injected", "ended" when there were only COUNT
//            such calls, "stuck" when the program had to be killed after two minutes
//
// Exits as the program did. What the dynamic loader does is not counted: it runs before the program
// does, and says itself what is wrong.
#include <cstdio>
#include <utility>

#include <sys/user.h>

#include "tests/faults/call_faults.h"
#include "tests/faults/tracer.h"

namespace ddl {
namespace {

volatile sig_atomic_t patience_is_over = 0;
pid_t waited_for = -1;

void OnAlarm(int /*signal*/) {
  patience_is_over = 1;
  if (waited_for > 0) ::kill(waited_for, SIGKILL);
}

class InjectAt : public Tracer {
 public:
  InjectAt(CallFault fault, Target target, long n, char** program)
      : Tracer(target, program), fault_(fault), n_(n) {}

  int Main(const char* report) {
    ::signal(SIGALRM, OnAlarm);
    ::alarm(120);
    const int code = Run();
    const char* what = count_ >= n_ ? "injected " : "ended ";
    std::ofstream(report) << (patience_is_over != 0 ? "stuck " : what) << count_ << ' ' << syscall_
                          << '\n';
    return code;
  }

 private:
  bool OnCall(pid_t tid, pid_t pid, const CallInfo& call) override {
    waited_for = Root();
    if (call.op == PTRACE_SYSCALL_INFO_EXIT && tid == failing_) return Fail(tid);
    if (call.op != PTRACE_SYSCALL_INFO_ENTRY || !has_begun_ || IsOfLoader(pid, call)) return false;
    const std::optional<int> error = FaultCall(pid, call).ErrorOf(fault_);
    if (!error || ++count_ != n_) return false;
    syscall_ = static_cast<long>(call.entry.nr);
    Change(tid, *error);
    return false;
  }

  void Change(pid_t tid, int error) {
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, tid, nullptr, &registers);
    asked_ = registers;
    failing_ = tid;
    if (error == 0) {
      registers.rdx = 1;
    } else if (syscall_ == SYS_brk) {
      registers.rdi = 0;  // answers with the end as it is: it could not be moved
    } else {
      registers.orig_rax = ~0ULL;  // no call at all
      error_ = error;
    }
    ::ptrace(PTRACE_SETREGS, tid, nullptr, &registers);
  }

  // A call leaves its arguments as they were.
  bool Fail(pid_t tid) {
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, tid, nullptr, &registers);
    registers.rdi = asked_.rdi;
    registers.rdx = asked_.rdx;
    if (error_ != 0) {
      registers.rax = static_cast<unsigned long long>(-static_cast<long long>(error_));
    }
    ::ptrace(PTRACE_SETREGS, tid, nullptr, &registers);
    failing_ = -1;
    WatchNoMore();
    return false;
  }

  // At this moment nothing but the program, the loader and the kernel's pages are mapped.
  void OnExecuted(pid_t pid, Role /*role*/) override {
    has_begun_ = true;
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    loaders_.erase(pid);
    for (std::string line; std::getline(maps, line);) {
      if (line.find("/ld-") == std::string::npos && line.find("/ld.") == std::string::npos)
        continue;
      const std::size_t dash = line.find('-');
      const auto first = std::strtoull(line.c_str(), nullptr, 16);
      const auto end = std::strtoull(line.c_str() + dash + 1, nullptr, 16);
      auto& [low, high] = loaders_.try_emplace(pid, first, end).first->second;
      high = end;
    }
  }

  [[nodiscard]] bool IsOfLoader(pid_t pid, const CallInfo& call) const {
    const auto loader = loaders_.find(pid);
    return loader != loaders_.end() && call.instruction_pointer >= loader->second.first &&
           call.instruction_pointer < loader->second.second;
  }

  CallFault fault_;
  long n_;
  long count_ = 0;
  long syscall_ = -1;
  pid_t failing_ = -1;
  int error_ = 0;
  user_regs_struct asked_{};
  bool has_begun_ = false;
  std::map<pid_t, std::pair<unsigned long long, unsigned long long>> loaders_;
};

}  // namespace
}  // namespace ddl

int main(int argc, char** argv) {
  const auto fault = argc >= 7 ? ddl::ParseCallFault(argv[1]) : std::nullopt;
  const ddl::Role role = argc >= 7 ? ddl::ParseRole(argv[2]) : ddl::Role::kUnknown;
  const long n = argc >= 7 ? std::atol(argv[4]) : 0;
  if (!fault || role == ddl::Role::kUnknown || n <= 0) {
    std::fputs(
        "usage: inject_at full|broken|descriptors|memory|interrupted|short "
        "coordinator|agent|supervisor INDEX N REPORT PROGRAM [ARGUMENT…]\n",
        stderr);
    return 2;
  }
  return ddl::InjectAt(*fault, {role, std::atoi(argv[3])}, n, argv + 6).Main(argv[5]);
}
