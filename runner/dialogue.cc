// SPDX-License-Identifier: Apache-2.0
#include "runner/dialogue.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddl {

namespace {

constexpr std::chrono::milliseconds kMoment{50};     // between two looks at `stop`
constexpr std::chrono::milliseconds kFarewell{500};  // between closed input and KILL
constexpr std::size_t kMostComplaintBytes = 4096;

// This process's environment with the program's own on top, as "NAME=value" texts.
std::vector<std::string> EnvironmentOf(const DialogueProgram& program) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    all[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : program.env) {
    all[name] = value;
  }
  std::vector<std::string> texts;
  for (const auto& [name, value] : all) {
    texts.push_back(fmt::format("{}={}", name, value));
  }
  return texts;
}

std::vector<char*> PointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

bool MakePipe(FileDescriptor& reading, FileDescriptor& writing) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  reading.Reset(ends[0]);
  writing.Reset(ends[1]);
  return true;
}

// For the program's input: writing to a pipe whose reader has gone would be a signal.
bool MakeInput(FileDescriptor& reading, FileDescriptor& writing) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
  reading.Reset(ends[0]);
  writing.Reset(ends[1]);
  return true;
}

// A group of its own, so that Ctrl-C in a terminal is not meant for it; signals as a shell starts
// programs with.
void SetAttributes(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t ignored;
  ::sigemptyset(&none);
  ::sigemptyset(&ignored);
  ::sigaddset(&ignored, SIGPIPE);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &ignored);
  ::posix_spawnattr_setflags(
      &attributes,
      static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
}

}  // namespace

// The program's sides of its pipes.
struct Dialogue::Ends {
  FileDescriptor input;
  FileDescriptor output;
  FileDescriptor error;
};

Dialogue::Dialogue(const DialogueProgram& program) {
  Ends ends;
  if (!MakeInput(ends.input, input_) || !MakePipe(output_, ends.output) ||
      !MakePipe(error_, ends.error)) {
    problem_ = fmt::format("it could not be started: {}", std::strerror(errno));
    return;
  }
  for (const FileDescriptor* own : {&input_, &output_, &error_}) {
    ::fcntl(own->Get(), F_SETFL, O_NONBLOCK);
  }
  Start(program, ends);
}

void Dialogue::Start(const DialogueProgram& program, const Ends& ends) {
  std::vector<std::string> words = program.argv;
  std::vector<std::string> variables = EnvironmentOf(program);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends.input.Get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends.output.Get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends.error.Get(), STDERR_FILENO);
  if (!program.folder.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, program.folder.c_str());
  }
  posix_spawnattr_t attributes;
  SetAttributes(attributes);
  const int problem = ::posix_spawnp(&pid_, words.front().c_str(), &actions, &attributes,
                                     PointersTo(words).data(), PointersTo(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem == 0) return;
  pid_ = -1;
  problem_ = fmt::format("{} could not be started in {}: {}", words.front(), program.folder,
                         std::strerror(problem));
}

Dialogue::~Dialogue() {
  if (pid_ <= 0) return;
  input_.Reset();
  const auto until = Clock::now() + kFarewell;
  std::string_view nothing;
  while ((output_ || error_) && Clock::now() < until) {
    heard_.clear();
    Exchange(nothing);
  }
  ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

DialogueAnswer Dialogue::Ask(std::string_view text, std::chrono::milliseconds patience,
                             const std::stop_token& stop) {
  const auto until = Clock::now() + patience;
  while (problem_.empty()) {
    if (text.empty()) {
      if (auto line = TakeLine()) return {std::move(line), {}};
    }
    if (heard_.size() > kMostAnswerBytes) {
      problem_ = fmt::format("its answer is longer than {} bytes", kMostAnswerBytes);
    } else if (!output_) {
      problem_ = HowItEnded();
    } else if (stop.stop_requested()) {
      problem_ = "nobody waits for its answer any more";
    } else if (Clock::now() >= until) {
      problem_ = fmt::format("it did not answer within {} s{}",
                             static_cast<double>(patience.count()) / 1000, LastWords());
    } else {
      Exchange(text);
    }
  }
  return {std::nullopt, problem_};
}

void Dialogue::Exchange(std::string_view& unsent) {
  // A closed descriptor is -1, which poll leaves out.
  std::array<pollfd, 3> ends{pollfd{unsent.empty() ? -1 : input_.Get(), POLLOUT, 0},
                             pollfd{output_.Get(), POLLIN, 0}, pollfd{error_.Get(), POLLIN, 0}};
  if (::poll(ends.data(), ends.size(), static_cast<int>(kMoment.count())) <= 0) return;
  if (ends[0].revents != 0) {
    const ssize_t sent = ::send(input_.Get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent > 0) unsent.remove_prefix(static_cast<std::size_t>(sent));
    // Nobody reads: what it has said before it ended, or still answers, counts.
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) unsent = {};
  }
  if (ends[1].revents != 0) Listen(output_, heard_, std::string::npos);
  if (ends[2].revents != 0) Listen(error_, complaints_, kMostComplaintBytes);
}

// Keeps the last `most` bytes.
void Dialogue::Listen(FileDescriptor& from, std::string& into, std::size_t most) {
  std::array<char, 65536> piece{};
  const ssize_t got = ::read(from.Get(), piece.data(), piece.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) return from.Reset();
  into.append(piece.data(), static_cast<std::size_t>(got));
  if (into.size() > most) into.erase(0, into.size() - most);
}

std::optional<std::string> Dialogue::TakeLine() {
  const std::size_t end = heard_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = heard_.substr(0, end);
  heard_.erase(0, end + 1);
  return line;
}

// Its output is closed: it has ended, or does so now. Its last words may come after that.
std::string Dialogue::HowItEnded() {
  const auto until = Clock::now() + kFarewell;
  std::string_view nothing;
  while (error_ && Clock::now() < until) {
    Exchange(nothing);
  }
  siginfo_t info{};
  const auto look = [&] {
    (void)::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == pid_;
  };
  while (!look() && Clock::now() < until) {
    ::poll(nullptr, 0, 1);
  }
  if (info.si_pid != pid_) return "it closed its output" + LastWords();
  // What it began and left. Before it is reaped: its number is its own until then.
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) {
    return fmt::format("it was ended by signal {}{}", WTERMSIG(status), LastWords());
  }
  return fmt::format("it ended with exit code {}{}", WEXITSTATUS(status), LastWords());
}

// The last line of its standard error.
std::string Dialogue::LastWords() const {
  const std::size_t end = complaints_.find_last_not_of("\n ");
  if (end == std::string::npos) return {};
  const std::size_t begin = complaints_.rfind('\n', end);
  const std::size_t first = begin == std::string::npos ? 0 : begin + 1;
  return ": " + complaints_.substr(first, end + 1 - first);
}

}  // namespace ddl
