// SPDX-License-Identifier: Apache-2.0
#include "runner/trial_set_up.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/command_output.h"
#include "runner/file.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace trial_set_up_test {

class TrialSetUp : public ::testing::Test {
 protected:
  CommandOutput Run(const std::vector<std::string>& lines, std::vector<std::string> argv) const {
    return RunCommand(BehindSetUp(lines, Progress(), std::move(argv)), std::chrono::seconds(30),
                      100'000);
  }
  // As a supervisor does at the end.
  ExitRecord Judged(const std::vector<std::string>& lines, int exit_code) const {
    ExitRecord record{.exit_code = exit_code};
    JudgeSetUp(lines, ReadFile(Progress()).value_or(""), record);
    return record;
  }
  std::string Progress() const { return folder_ / "it's here"; }
  TemporaryFolder folder_;
};

TEST_F(TrialSetUp, WhatALineSetsIsThereForTheTrial) {
  const CommandOutput done =
      Run({"A=1", "export B=$((A + 1))", "cd /"}, {"/bin/sh", "-c", "echo $B; pwd"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.text, "2\n/\n");
  EXPECT_EQ(Judged({"A=1", "b", "c"}, 0).cause, EndCause::kExited);
}

TEST_F(TrialSetUp, ArgumentsArriveAsTheyAre) {
  const CommandOutput plain =
      Run({":"}, {"/usr/bin/printf", "%s|", "a b", "$HOME", "'\"\\", "", "*"});
  EXPECT_EQ(plain.text, "a b|$HOME|'\"\\||*|");
}

TEST_F(TrialSetUp, AFailingLineIsNamedAndTheTrialNeverStarts) {
  const std::vector<std::string> lines{"true", "echo 'it is'; test 1 = 2", "true"};
  const CommandOutput done = Run(lines, {"/bin/echo", "started"});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_EQ(done.text, "it is\n");
  const ExitRecord record = Judged(lines, done.exit_code);
  EXPECT_EQ(record.cause, EndCause::kLaunchRefused);
  EXPECT_EQ(record.detail,
            "set-up line 2 of hosts.yaml ended with exit code 1: echo 'it is'; test 1 = 2");
}

TEST_F(TrialSetUp, ALineThatCannotBeReadIsNamedToo) {
  const std::vector<std::string> lines{":", "if then"};
  const CommandOutput done = Run(lines, {"/bin/echo", "started"});
  EXPECT_NE(done.exit_code, 0);
  EXPECT_EQ(done.text, "");
  EXPECT_THAT(Judged(lines, done.exit_code).detail, ::testing::StartsWith("set-up line 2 of"));
}

TEST_F(TrialSetUp, ALineThatLeavesWithoutFailureHasFailedAllTheSame) {
  const std::vector<std::string> lines{"exit 0"};
  const CommandOutput done = Run(lines, {"/bin/echo", "started"});
  EXPECT_EQ(done.text, "");
  EXPECT_EQ(Judged(lines, done.exit_code).cause, EndCause::kLaunchRefused);
}

TEST_F(TrialSetUp, AFailureOfTheTrialStaysItsOwn) {
  const CommandOutput done = Run({":"}, {"/bin/sh", "-c", "exit 7"});
  EXPECT_EQ(done.exit_code, 7);
  EXPECT_EQ(Judged({":"}, 7).cause, EndCause::kExited);
}

TEST_F(TrialSetUp, WhatWasToldToStopIsNoFailureOfALine) {
  ExitRecord record{.cause = EndCause::kStopped};
  JudgeSetUp({"sleep 1000"}, "1\n", record);
  EXPECT_EQ(record.cause, EndCause::kStopped);
}

}  // namespace trial_set_up_test
}  // namespace ddl
