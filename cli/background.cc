// SPDX-License-Identifier: Apache-2.0
#include "cli/background.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/report_error.h"
#include "configs/error.h"
#include "configs/error_json.h"

namespace ddl {

namespace {

// What the child writes to its pipe once it is ready; else the error, as JSON.
constexpr std::string_view kReady = "+";

[[noreturn]] void BeTheChild(int ready_pipe, const std::string& log,
                             const std::function<int(const std::function<void()>&)>& work) {
  ::setsid();
  int code = 3;
  bool is_ready = false;
  const auto tell = [&](const Error& problem) {
    if (is_ready) {
      code = ReportError(problem, false);
    } else {
      WriteOrDrop(ready_pipe, DumpJson(ErrorToJson(problem)));
    }
  };
  try {
    code = work([&] {
      SendOutputTo(log);
      is_ready = true;
      WriteOrDrop(ready_pipe, kReady);
    });
  } catch (const Error& problem) {
    tell(problem);
  } catch (const std::system_error& problem) {
    tell(AsError(problem));
  }
  std::fflush(nullptr);
  ::_exit(code);
}

// An error is read to its end.
std::string WordOfTheChild(int ready_pipe) {
  std::string word;
  std::array<char, 4096> piece{};
  while (word != kReady) {
    const ssize_t got = ::read(ready_pipe, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    word.append(piece.data(), static_cast<std::size_t>(got));
  }
  return word;
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

BackgroundWork InBackground(const std::string& folder,
                            const std::function<int(const std::function<void()>&)>& work) {
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) throw SystemError("cannot make a pipe", "", "");
  std::fflush(nullptr);
  const std::string log = folder + "/coordinator.log";
  const pid_t child = ::fork();
  if (child < 0) throw SystemError("cannot start a process", "", "");
  if (child == 0) BeTheChild(ready[1], log, work);
  ::close(ready[1]);
  const std::string word = WordOfTheChild(ready[0]);
  ::close(ready[0]);
  if (word == kReady) return {child, log};
  ::waitpid(child, nullptr, 0);
  if (word.empty()) {
    throw Error("the coordinator ended before it had begun", log, "look there, then try again",
                ErrorKind::kInfrastructure);
  }
  throw Error(ErrorFromJson(ParseJson(word, "the coordinator's word")));
}

}  // namespace ddl
