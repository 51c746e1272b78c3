// SPDX-License-Identifier: Apache-2.0
#include "runner/command_output.h"

#include <chrono>

#include <gtest/gtest.h>

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
}

}  // namespace command_output_test
}  // namespace ddl
