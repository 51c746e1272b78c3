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
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddl {
namespace {

enum class Role { kCoordinator, kAgent, kSupervisor, kUnknown };

struct Request {
  Role role = Role::kUnknown;
  int index = 1;
  long n = 0;
  const char* report = nullptr;
  char** program = nullptr;
};

struct Process {
  Role role = Role::kUnknown;
  int index = 1;
};

std::string StatusField(pid_t tid, const std::string& name) {
  std::ifstream stream("/proc/" + std::to_string(tid) + "/status");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(name + ":")) return line.substr(name.size() + 2);
  }
  return {};
}

pid_t Number(const std::string& text) {
  return static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10));
}

std::string ProgramOf(pid_t pid) {
  char name[4096];
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  const ssize_t size = ::readlink(link.c_str(), name, sizeof name);
  const std::string path(name, size < 0 ? 0 : static_cast<std::size_t>(size));
  return path.substr(path.rfind('/') + 1);
}

class Tracer {
 public:
  explicit Tracer(const Request& request) : request_(request) {}

  int Run() {
    root_ = Start();
    processes_[root_] = {Role::kCoordinator, 1};
    int status = 0;
    for (pid_t tid = 0; (tid = ::waitpid(-1, &status, __WALL)) > 0;) {
      if (tid == root_ && (WIFEXITED(status) || WIFSIGNALED(status))) return Report("ended", -1);
      if (!WIFSTOPPED(status)) continue;
      if (OnStop(tid, status)) return 0;
    }
    return Report("ended", -1);
  }

 private:
  pid_t Start() const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::raise(SIGSTOP);
      ::execv(request_.program[0], request_.program);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, WUNTRACED);
    ::ptrace(PTRACE_SEIZE, pid, nullptr,
             PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    ::kill(pid, SIGCONT);
    return pid;
  }

  // True when the kill was done.
  bool OnStop(pid_t tid, int status) {
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    const pid_t pid = Number(StatusField(tid, "Tgid"));
    if (event == PTRACE_EVENT_EXEC) OnExec(pid);
    if (!processes_.contains(pid)) OnNewProcess(pid);
    const Process process = processes_[pid];
    if (IsOver(process)) {
      ::ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
      return false;
    }
    const bool is_target = process.role == request_.role && process.index == request_.index;
    if (is_target && signal == (SIGTRAP | 0x80) && Entered(tid)) {
      if (++count_ == request_.n) return Kill(tid, pid);
    }
    const bool is_signal = event == 0 && signal != (SIGTRAP | 0x80) && signal != SIGTRAP;
    ::ptrace(is_target ? PTRACE_SYSCALL : PTRACE_CONT, tid, nullptr,
             static_cast<long>(is_signal ? signal : 0));
    return false;
  }

  void OnNewProcess(pid_t pid) {
    const auto parent = processes_.find(Number(StatusField(pid, "PPid")));
    const Role above = parent == processes_.end() ? Role::kUnknown : parent->second.role;
    if (above == Role::kAgent) {
      processes_[pid] = {Role::kSupervisor, ++supervisors_};
    } else if (above == Role::kSupervisor) {
      processes_[pid] = {Role::kUnknown, kOver};  // a trial
    } else {
      processes_[pid] = {};  // what it executes will tell
    }
  }

  void OnExec(pid_t pid) {
    Process& process = processes_[pid];
    if (pid == root_) return;
    if (ProgramOf(pid) == "ddl-agent") {
      process.role = Role::kAgent;
    } else {
      process.index = kOver;
    }
  }

  // Nobody of interest, now or later.
  [[nodiscard]] bool IsOver(const Process& process) const {
    if (process.index == kOver) return true;
    if (request_.role == Role::kCoordinator) return process.role == Role::kAgent;
    if (request_.role == Role::kAgent) return process.role == Role::kSupervisor;
    return process.role == Role::kSupervisor && process.index != request_.index;
  }

  bool Entered(pid_t tid) {
    struct __ptrace_syscall_info info{};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0) return false;
    syscall_ = static_cast<long>(info.entry.nr);
    return info.op == PTRACE_SYSCALL_INFO_ENTRY;
  }

  bool Kill(pid_t tid, pid_t pid) {
    ::kill(pid, SIGKILL);
    ::ptrace(PTRACE_CONT, tid, nullptr, nullptr);
    // Each thread is waited for by its tracer, the first one last; who else stops goes on alone.
    int status = 0;
    for (pid_t other = 0; pid == root_ && (other = ::waitpid(-1, &status, __WALL)) > 0;) {
      if (WIFSTOPPED(status)) ::ptrace(PTRACE_DETACH, other, nullptr, nullptr);
      if (other == root_ && !WIFSTOPPED(status)) break;
    }
    Report("killed", syscall_);
    return true;  // leaving detaches from all others
  }

  int Report(const char* what, long syscall) const {
    std::ofstream stream(request_.report);
    stream << what << ' ' << count_ << ' ' << syscall << '\n';
    return 1;
  }

  static constexpr int kOver = -1;
  Request request_;
  pid_t root_ = -1;
  std::map<pid_t, Process> processes_;
  int supervisors_ = 0;
  long count_ = 0;
  long syscall_ = -1;
};

Role ParseRole(const char* text) {
  if (std::strcmp(text, "coordinator") == 0) return Role::kCoordinator;
  if (std::strcmp(text, "agent") == 0) return Role::kAgent;
  return std::strcmp(text, "supervisor") == 0 ? Role::kSupervisor : Role::kUnknown;
}

}  // namespace
}  // namespace ddl

int main(int argc, char** argv) {
  ddl::Request request;
  if (argc >= 6) {
    request = {ddl::ParseRole(argv[1]), std::atoi(argv[2]), std::atol(argv[3]), argv[4], argv + 5};
  }
  if (request.role == ddl::Role::kUnknown || request.n <= 0) {
    std::fputs("usage: kill_at coordinator|agent|supervisor INDEX N REPORT PROGRAM [ARGUMENT…]\n",
               stderr);
    return 2;
  }
  return ddl::Tracer(request).Run();
}
