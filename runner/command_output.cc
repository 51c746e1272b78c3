// SPDX-License-Identifier: Apache-2.0
#include "runner/command_output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/process.h"

namespace ddl {

namespace {

using Clock = std::chrono::steady_clock;

// After its last word, and after KILL.
constexpr std::chrono::milliseconds kEndsWithin{1000};

pid_t Spawn(const std::vector<std::string>& argv, int output, const std::string& folder) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  if (!folder.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  pid_t pid = -1;
  const int problem = ::posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return problem == 0 ? pid : -1;
}

// False: the time is up.
bool ReadAll(int fd, Clock::time_point until, std::size_t max_bytes, std::string& text) {
  std::array<char, 65536> piece{};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    pollfd readable{fd, POLLIN, 0};
    const int ready =
        ::poll(&readable, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    const std::size_t room = max_bytes - std::min(max_bytes, text.size());
    text.append(piece.data(), std::min(room, static_cast<std::size_t>(got)));
  }
}

struct Running {
  pid_t pid = -1;  // below 0: could not be started
  FileDescriptor output;
};

Running Start(const std::vector<std::string>& argv, const std::string& folder) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  FileDescriptor reading(ends[0]);
  const FileDescriptor writing(ends[1]);
  return {Spawn(argv, writing.Get(), folder), std::move(reading)};
}

// One that not even KILL ends, as it waits in the kernel for a broken device, is left behind.
CommandOutput Finish(const Running& running, Clock::time_point until, std::size_t max_bytes) {
  CommandOutput output;
  if (running.pid < 0) return output;
  std::optional<int> status;
  if (ReadAll(running.output.Get(), until, max_bytes, output.text)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    status = ReapWithin(running.pid, std::max(left, kEndsWithin));
  }
  if (!status) {
    output.is_late = true;
    ::kill(running.pid, SIGKILL);
    status = ReapWithin(running.pid, kEndsWithin);
  }
  const bool has_exited = status && WIFEXITED(*status) && WEXITSTATUS(*status) != 127;
  if (has_exited) output.exit_code = WEXITSTATUS(*status);
  return output;
}

}  // namespace

CommandOutput RunCommand(const std::vector<std::string>& argv, std::chrono::milliseconds patience,
                         std::size_t max_bytes, const std::string& folder) {
  return RunCommands({argv}, patience, max_bytes, folder).front();
}

std::vector<CommandOutput> RunCommands(const std::vector<std::vector<std::string>>& argvs,
                                       std::chrono::milliseconds patience, std::size_t max_bytes,
                                       const std::string& folder) {
  const Clock::time_point until = Clock::now() + patience;
  std::vector<Running> running;
  for (const std::vector<std::string>& argv : argvs)
    running.push_back(Start(argv, folder));
  std::vector<CommandOutput> outputs;
  for (const Running& command : running)
    outputs.push_back(Finish(command, until, max_bytes));
  return outputs;
}

}  // namespace ddl
