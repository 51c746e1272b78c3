// SPDX-License-Identifier: Apache-2.0
#include "cli/background.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/report_error.h"
#include "configs/error.h"

namespace ddl {

namespace {

[[noreturn]] void BeTheChild(int ready_pipe, const std::string& log,
                             const std::function<int(const std::function<void()>&)>& work) {
  ::setsid();
  int code = 3;
  try {
    code = work([&] {
      SendOutputTo(log);
      (void)!::write(ready_pipe, "+", 1);
    });
  } catch (const Error& problem) {
    code = ReportError(problem, false);
  }
  std::fflush(nullptr);
  ::_exit(code);
}

}  // namespace

void SendOutputTo(const std::string& path) {
  std::fflush(nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int out = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (out >= 0) {
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
  }
  if (nothing > STDERR_FILENO) ::close(nothing);
  if (out > STDERR_FILENO) ::close(out);
}

int InBackground(const std::string& folder,
                 const std::function<int(const std::function<void()>&)>& work) {
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) throw SystemError("cannot make a pipe", "", "");
  std::fflush(nullptr);
  const std::string log = folder + "/coordinator.log";
  const pid_t child = ::fork();
  if (child < 0) throw SystemError("cannot start a process", "", "");
  if (child == 0) BeTheChild(ready[1], log, work);
  ::close(ready[1]);
  char mark = 0;
  ssize_t got = 0;
  while ((got = ::read(ready[0], &mark, 1)) < 0 && errno == EINTR) {
  }
  ::close(ready[0]);
  if (got == 1) {
    fmt::print(
        "The sweep runs in the background (pid {}); its output goes to {}.\n"
        "  look at it:  ddl watch\n  stop it:     ddl stop\n",
        child, log);
    return 0;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

}  // namespace ddl
