// SPDX-License-Identifier: Apache-2.0
#include "cli/attempt_text.h"

#include <gtest/gtest.h>

namespace ddl {
namespace attempt_text_test {

AttemptLine Ended(EndCause cause) {
  AttemptLine attempt;
  attempt.cause = cause;
  attempt.exit_code = 3;
  attempt.signal = 9;
  return attempt;
}

TEST(AttemptState, SaysHowAnAttemptEnded) {
  EXPECT_EQ(AttemptStateText(Ended(EndCause::kExited)), "exit 3");
  EXPECT_EQ(AttemptStateText(Ended(EndCause::kSignaled)), "signal 9 (KILL)");
  EXPECT_EQ(AttemptStateText(Ended(EndCause::kOutOfMemory)), "out of memory");
  EXPECT_EQ(AttemptStateText(Ended(EndCause::kHostRebooted)), "host rebooted");
}

TEST(AttemptState, OfAnOpenAttemptIsStartingOrRunning) {
  AttemptLine attempt;
  EXPECT_EQ(AttemptStateText(attempt), "starting");
  attempt.started_ms = 1;
  EXPECT_EQ(AttemptStateText(attempt), "running");
}

TEST(SlotsText, NamesCoresAndGpus) {
  EXPECT_EQ(SlotsText(R"({"cores": [{"core": 3, "first": 0, "length": 1000}], "gpus": []})"),
            "core 3");
  EXPECT_EQ(SlotsText(R"({"cores": [[0,0,1000],[1,0,1000],[2,0,1000],[7,0,1000]]})"),
            "cores 0-2,7");
  EXPECT_EQ(SlotsText(R"({"cores": [{"core": 1, "first": 250, "length": 50}]})"), "0.05 of core 1");
  EXPECT_EQ(SlotsText(R"({"cores": [[0,0,1000]], "gpus": [["GPU-x", 2, 500, 250]]})"),
            "core 0, 0.25 of gpu 2");
}

TEST(SlotsText, IsEmptyForWhatItDoesNotKnow) {
  EXPECT_EQ(SlotsText(""), "");
  EXPECT_EQ(SlotsText("{}"), "");
  EXPECT_EQ(SlotsText(R"({"cores": [{"kern": 1}]})"), "");
  EXPECT_EQ(SlotsText(R"({"cores": [[1]]})"), "");
}

TEST(CommandLine, CanBePastedIntoAShell) {
  EXPECT_EQ(CommandLine(R"(["python3", "train.py", "--lr=0.1"])"), "python3 train.py --lr=0.1");
  EXPECT_EQ(CommandLine(R"(["sh", "-c", "echo 'a b'; rm $X", ""])"),
            "sh -c 'echo '\\''a b'\\''; rm $X' ''");
  EXPECT_EQ(CommandLine("not json"), "not json");
}

}  // namespace attempt_text_test
}  // namespace ddl
