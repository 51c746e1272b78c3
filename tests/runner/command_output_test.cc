// SPDX-License-Identifier: Apache-2.0
#include "runner/command_output.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/file.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace command_output_test {

using std::chrono::milliseconds;
using std::chrono::minutes;

TEST(CommandOutputOf, ReadsWhatACommandPrints) {
  const CommandOutput output = RunCommand({"printf", "%s", "a b"}, minutes(1), 100);
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_EQ(output.text, "a b");
}

TEST(CommandOutputOf, TellsAnExitCode) {
  EXPECT_EQ(RunCommand({"sh", "-c", "exit 9"}, minutes(1), 100).exit_code, 9);
}

TEST(CommandOutputOf, TellsThatThereIsNoSuchCommand) {
  EXPECT_EQ(RunCommand({"ddl-no-such-command"}, minutes(1), 100).exit_code, -1);
}

TEST(CommandOutputOf, KeepsTheFirstBytesAndReadsOn) {
  const CommandOutput output = RunCommand({"sh", "-c", "yes | head -c 300000"}, minutes(1), 1000);
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_EQ(output.text.size(), 1000U);
}

TEST(CommandOutputOf, KillsWhatTakesTooLong) {
  const CommandOutput output = RunCommand({"sleep", "1000"}, milliseconds(20), 100);
  EXPECT_EQ(output.exit_code, -1);
  EXPECT_TRUE(output.is_late);
  EXPECT_FALSE(RunCommand({"ddl-no-such-command"}, minutes(1), 100).is_late);
}

TEST(CommandOutputOf, KillsWhatStaysAfterItsLastWord) {
  const CommandOutput output =
      RunCommand({"sh", "-c", "exec sleep 1000 >&-"}, milliseconds(500), 100);
  EXPECT_EQ(output.exit_code, -1);
  EXPECT_TRUE(output.is_late);
}

// Holds the process that writes its pid to `pipe` as a debugger does: it can be killed, and nobody
// else hears that it has ended. Whether it could is told through `answer`. Lives for a minute.
[[noreturn]] void HoldFast(const std::string& pipe, int answer) {
  ::alarm(60);
  const FileDescriptor reading = OpenFile(pipe, O_RDONLY);
  std::array<char, 20> text{};
  const bool has_pid = ::read(reading.Get(), text.data(), text.size() - 1) > 0;
  const auto pid = static_cast<pid_t>(std::atoi(text.data()));
  const bool is_held = has_pid && ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0;
  (void)WriteAll(answer, is_held ? "y" : "n");
  while (true)
    ::pause();
}

// As one that waits in the kernel for a broken device.
TEST(CommandOutputOf, GivesUpWhatNotEvenAKillEnds) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pid").c_str(), 0600), 0);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor answer(ends[0]);
  FileDescriptor telling(ends[1]);
  const pid_t holder = ::fork();
  if (holder == 0) HoldFast(folder / "pid", telling.Get());
  telling.Reset();
  const auto begun = std::chrono::steady_clock::now();
  const CommandOutput output =
      RunCommand({"sh", "-c", "echo $$ > " + (folder / "pid") + "; echo $$; exec sleep 1000"},
                 std::chrono::seconds(2), 100);
  const auto took = std::chrono::steady_clock::now() - begun;
  char held = 'n';
  EXPECT_EQ(::read(answer.Get(), &held, 1), 1);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  const auto left = static_cast<pid_t>(std::atoi(output.text.c_str()));
  EXPECT_TRUE(output.is_late);
  EXPECT_EQ(output.exit_code, -1);
  if (held != 'y') GTEST_SKIP() << "no process may be held here";
  EXPECT_LT(took, std::chrono::seconds(30));
  int status = 0;
  EXPECT_EQ(::waitpid(left, &status, 0), left) << "it was not left behind";
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

// Each waits for the other, so that one after the other they would never end.
TEST(CommandOutputOf, SeveralRunAtOnce) {
  const TemporaryFolder folder;
  const auto meets = [&folder](const std::string& own, const std::string& other) {
    return std::vector<std::string>{
        "sh", "-c",
        fmt::format("mkfifo {0}; echo {0} > {0} & until [ -p {1} ]; do sleep 0.01; "
                    "done; cat {1}",
                    folder / own, folder / other)};
  };
  const auto outputs =
      RunCommands({meets("a", "b"), meets("b", "a"), {"ddl-no-such-command"}}, minutes(1), 1000);
  ASSERT_EQ(outputs.size(), 3U);
  EXPECT_EQ(outputs[0].text, (folder / "b") + "\n");
  EXPECT_EQ(outputs[1].text, (folder / "a") + "\n");
  EXPECT_EQ(outputs[1].exit_code, 0);
  EXPECT_EQ(outputs[2].exit_code, -1);
}

TEST(CommandOutputOf, TheLateOneOfSeveralTakesNothingFromTheOthers) {
  const auto outputs =
      RunCommands({{"sleep", "1000"}, {"echo", "here"}}, milliseconds(2'000), 1000);
  EXPECT_TRUE(outputs[0].is_late);
  EXPECT_FALSE(outputs[1].is_late);
  EXPECT_EQ(outputs[1].text, "here\n");
}

}  // namespace command_output_test
}  // namespace ddl
