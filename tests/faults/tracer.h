// SPDX-License-Identifier: Apache-2.0
// Runs ddl under ptrace and knows which of its processes is which. Who derives from it is told of
// each system call of the processes that it watches; all others run untouched, and whoever is left
// when the tracer goes runs on without one.
#pragma once

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include <linux/kcmp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddl {

enum class Role { kCoordinator, kAgent, kSupervisor, kUnknown };

inline Role ParseRole(const char* text) {
  if (std::strcmp(text, "coordinator") == 0) return Role::kCoordinator;
  if (std::strcmp(text, "agent") == 0) return Role::kAgent;
  return std::strcmp(text, "supervisor") == 0 ? Role::kSupervisor : Role::kUnknown;
}

// Of the supervisors in the order of their forks the index-th, from 1; of the others the only one.
struct Target {
  Role role = Role::kUnknown;
  int index = 1;
};

class Tracer {
 public:
  using CallInfo = struct __ptrace_syscall_info;

  Tracer(Target target, char** program) : target_(target), program_(program) {}
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  virtual ~Tracer() = default;

  // Until the program has ended, or OnCall wants to leave. The program's exit code, as a shell
  // tells it; -1 when it runs on.
  int Run() {
    root_ = Start();
    processes_[root_] = {Role::kCoordinator, 1};
    int status = 0;
    for (pid_t tid = 0; (tid = ::waitpid(-1, &status, __WALL)) > 0;) {
      if (tid == root_ && WIFEXITED(status)) return WEXITSTATUS(status);
      if (tid == root_ && WIFSIGNALED(status)) return 128 + WTERMSIG(status);
      if (!WIFSTOPPED(status)) continue;
      if (OnStop(tid, status)) return -1;
    }
    return 127;
  }

 protected:
  // A watched process enters a system call or, with PTRACE_SYSCALL_INFO_EXIT, has left it. True
  // when the tracer shall go.
  virtual bool OnCall(pid_t tid, pid_t pid, const CallInfo& call) = 0;
  // It executes a program; nothing of that has run yet.
  virtual void OnExecuted(pid_t /*pid*/, Role /*role*/) {}

  // Who is watched: the target, or with kUnknown as its role all but the trials.
  [[nodiscard]] bool IsWatched(Target process) const {
    if (target_.role == Role::kUnknown) return true;
    return process.role == target_.role && process.index == target_.index;
  }
  void WatchNoMore() { is_done_ = true; }
  [[nodiscard]] pid_t Root() const { return root_; }

 private:
  static constexpr int kOver = -1;

  [[nodiscard]] pid_t Start() const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::raise(SIGSTOP);
      ::execv(program_[0], program_);
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

  bool OnStop(pid_t tid, int status) {
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    const bool is_call = signal == (SIGTRAP | 0x80);
    const pid_t pid = ProcessOf(tid);
    if (event == PTRACE_EVENT_EXEC) OnExec(pid);
    if (!processes_.contains(pid)) OnNewProcess(pid);
    const Target process = processes_[pid];
    if (IsOver(process)) {
      threads_.erase(tid);
      ::ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
      return false;
    }
    const bool is_watched = !is_done_ && IsWatched(process);
    CallInfo call{};
    if (is_watched && is_call && ::ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof call, &call) > 0 &&
        OnCall(tid, pid, call)) {
      return true;
    }
    const bool is_signal = event == 0 && !is_call && signal != SIGTRAP;
    ::ptrace(is_watched && !is_done_ ? PTRACE_SYSCALL : PTRACE_CONT, tid, nullptr,
             static_cast<long>(is_signal ? signal : 0));
    return false;
  }

  void OnNewProcess(pid_t pid) {
    const auto parent = processes_.find(Number(StatusField(pid, "PPid")));
    const Role above = parent == processes_.end() ? Role::kUnknown : parent->second.role;
    if (above == Role::kAgent && SharesMemory(pid, parent->first)) {
      processes_[pid] = {Role::kUnknown, kOver};  // spawned to execute something, as nvidia-smi is
    } else if (above == Role::kAgent) {
      processes_[pid] = {Role::kSupervisor, ++supervisors_};
    } else if (above == Role::kSupervisor) {
      processes_[pid] = {Role::kUnknown, kOver};  // a trial
    } else {
      processes_[pid] = {};  // what it executes will tell
    }
  }

  void OnExec(pid_t pid) {
    Target& process = processes_[pid];
    if (pid != root_) {
      if (ProgramOf(pid) == "ddl-agent") {
        process.role = Role::kAgent;
      } else {
        process.index = kOver;
      }
    }
    if (process.index != kOver) OnExecuted(pid, process.role);
  }

  // Nobody of interest, now or later.
  [[nodiscard]] bool IsOver(const Target& process) const {
    if (process.index == kOver) return true;
    if (target_.role == Role::kCoordinator) return process.role == Role::kAgent;
    if (target_.role == Role::kAgent) return process.role == Role::kSupervisor;
    return target_.role == Role::kSupervisor && process.role == Role::kSupervisor &&
           process.index != target_.index;
  }

  pid_t ProcessOf(pid_t tid) {
    const auto [at, is_new] = threads_.try_emplace(tid, 0);
    if (is_new) at->second = Number(StatusField(tid, "Tgid"));
    return at->second;
  }

  static bool SharesMemory(pid_t one, pid_t other) {
    return ::syscall(SYS_kcmp, one, other, KCMP_VM, 0, 0) == 0;
  }

  static std::string StatusField(pid_t tid, const std::string& name) {
    std::ifstream stream("/proc/" + std::to_string(tid) + "/status");
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with(name + ":")) return line.substr(name.size() + 2);
    }
    return {};
  }

  static pid_t Number(const std::string& text) {
    return static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10));
  }

  static std::string ProgramOf(pid_t pid) {
    char name[4096];
    const std::string link = "/proc/" + std::to_string(pid) + "/exe";
    const ssize_t size = ::readlink(link.c_str(), name, sizeof name);
    const std::string path(name, size < 0 ? 0 : static_cast<std::size_t>(size));
    return path.substr(path.rfind('/') + 1);
  }

  Target target_;
  char** program_;
  pid_t root_ = -1;
  std::map<pid_t, Target> processes_;
  std::map<pid_t, pid_t> threads_;  // of which process
  int supervisors_ = 0;
  bool is_done_ = false;
};

}  // namespace ddl
