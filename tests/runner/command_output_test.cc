// SPDX-License-Identifier: Apache-2.0
#include "runner/command_output.h"

#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>

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
  const auto outputs = RunCommands({{"sleep", "1000"}, {"echo", "here"}}, milliseconds(500), 1000);
  EXPECT_TRUE(outputs[0].is_late);
  EXPECT_FALSE(outputs[1].is_late);
  EXPECT_EQ(outputs[1].text, "here\n");
}

}  // namespace command_output_test
}  // namespace ddl
