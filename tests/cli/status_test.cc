// SPDX-License-Identifier: Apache-2.0
#include "cli/status.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "tests/cli/sample_rows.h"
#include "tests/cli/screen.h"

namespace ddl {
namespace status_test {

std::vector<SweepLine> Sweeps() {
  setenv("TZ", "UTC", 1);
  tzset();
  SweepLine running = test::SampleSweep();
  running.name = "a-sweep-with-quite-a-long-name";
  running.state = SweepState::kRunning;
  running.outcome = SweepOutcome::kNone;
  running.trials_planned = 100'000;
  running.counts.by_state[TrialState::kRunning] = 64;
  SweepLine fresh;
  fresh.name = "true";
  fresh.created_ms = fresh.changed_ms = test::kBegun;
  return {running, test::SampleSweep(), fresh};
}

TEST(Status, HasOneLineASweep) {
  EXPECT_EQ(test::Joined(StatusLines(Sweeps(), test::Plain(120))), R"(
SWEEP                           STATE           DONE  RUNNING  WAITING  FAILED    BEST  METRIC        CHANGED
a-sweep-with-quite-a-long-name  running   23/100,000       64   99,913       2  0.8934  val_accuracy  2026-11-23 08:17
fashion-mlp                     finished       23/24        0        1       2  0.8934  val_accuracy  2026-11-23 08:17
true                            running            0        0        0       0       -                2026-11-23 08:14
)");
}

TEST(Status, FitsEightyColumns) {
  EXPECT_EQ(test::Joined(StatusLines(Sweeps(), test::Plain(80))), R"(
SWEEP        STATE           DONE  RUNNING  WAITING  FAILED    BEST  METRIC
a-sweep-wi…  running   23/100,000       64   99,913       2  0.8934  val_accura…
fashion-mlp  finished       23/24        0        1       2  0.8934  val_accura…
true         running            0        0        0       0       -
not shown here: CHANGED
)");
}

TEST(Status, TellsPausedTrialsFromWaitingOnes) {
  std::vector<SweepLine> sweeps = Sweeps();
  sweeps[0].counts.by_state[TrialState::kPaused] = 40;
  EXPECT_EQ(test::Joined(StatusLines(sweeps, test::Plain(140))), R"(
SWEEP                           STATE           DONE  RUNNING  WAITING  PAUSED  FAILED    BEST  METRIC        CHANGED
a-sweep-with-quite-a-long-name  running   23/100,000       64   99,873      40       2  0.8934  val_accuracy  2026-11-23 08:17
fashion-mlp                     finished       23/24        0        1       0       2  0.8934  val_accuracy  2026-11-23 08:17
true                            running            0        0        0       0       0       -                2026-11-23 08:14
)");
}

TEST(Status, FitsFortyColumns) {
  EXPECT_EQ(test::Joined(StatusLines(Sweeps(), test::Plain(40))), R"(
SWEEP       STATE           DONE    BEST
a-sweep-w…  running   23/100,000  0.8934
fashion-m…  finished       23/24  0.8934
true        running            0       -
not shown here: RUNNING WAITING FAILED …
)");
}

TEST(Status, OfAnEmptyStoreSaysHowToBegin) {
  EXPECT_EQ(StatusLines({}, test::Plain(80)).front(),
            "no sweeps yet; begin one with: ddl sweep SPEC.yaml");
}

TEST(Status, TellsMoreOfASingleSweep) {
  EXPECT_EQ(test::Joined(SweepDetailLines(Sweeps()[1], test::Plain(80))), R"(
description  a small network
outcome      some trials failed
best         val_accuracy 0.8934 (trial 17)
begun        2026-11-23 08:14
)");
}

TEST(Status, JsonNamesTheStore) {
  const Json json = StatusJson(Sweeps(), "/home/ann/.ddl");
  EXPECT_EQ(json.at("store"), "/home/ann/.ddl");
  ASSERT_EQ(json.at("sweeps").size(), 3U);
  EXPECT_EQ(json.at("sweeps").at(1).at("outcome"), "some_failed");
  EXPECT_EQ(json.at("sweeps").at(0).at("outcome"), nullptr);
  EXPECT_EQ(json.at("sweeps").at(2).at("best"), nullptr);
  EXPECT_EQ(json.at("sweeps").at(1).at("best").at("trial"), 17);
}

}  // namespace status_test
}  // namespace ddl
