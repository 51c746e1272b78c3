// SPDX-License-Identifier: Apache-2.0
#include "cli/verify.h"

#include <cmath>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace verify_test {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

RunRecord RunOf(double loss, const std::string& weights) {
  RunRecord run;
  run.values["val_loss"] = {{1, 0.5}, {2, loss}};
  run.values["samples_per_s"] = {{1, loss * 1000}};
  run.values["gpu_joules"] = {{1, loss * 2000}};
  run.fingerprint = {{"weights", weights}, {"iteration", 20}};
  run.surroundings = {{"host", "local"}};
  return run;
}

ChosenTrial SomeTrial() {
  ChosenTrial chosen;
  chosen.sweep.name = "moons";
  chosen.trial.number = 3;
  return chosen;
}

TEST(Verify, FindsTheSameBitsTheSameAndNeverComparesTheClock) {
  const Verification verification = Compare(RunOf(0.25, "12ab"), RunOf(0.25, "12ab"));
  EXPECT_TRUE(verification.IsSame());
  EXPECT_EQ(verification.values, 2);
  EXPECT_THAT(VerificationLines(SomeTrial(), verification),
              ElementsAre("moons/3: the same bits again: 2 values over 2 steps",
                          "weights and optimizer state: 12ab"));
}

TEST(Verify, NamesTheFirstDifferenceOfOneBit) {
  const double off_by_one = std::nextafter(0.25, 1.0);
  const Verification verification = Compare(RunOf(0.25, "12ab"), RunOf(off_by_one, "12ab"));
  EXPECT_FALSE(verification.IsSame());
  ASSERT_EQ(verification.differences.size(), 1U);
  EXPECT_EQ(verification.differences[0].metric, "val_loss");
  EXPECT_EQ(verification.differences[0].step, 2);
  EXPECT_THAT(VerificationLines(SomeTrial(), verification).at(1),
              "  step 2: val_loss was 0.25 and is 0.25000000000000006");
}

TEST(Verify, TellsWhatDiffersInTheSurroundings) {
  RunRecord then = RunOf(0.25, "12ab");
  RunRecord now = RunOf(0.26, "34cd");
  then.surroundings["arithmetic"] = "oneDNN 2.6.3, avx512";
  now.surroundings["arithmetic"] = "oneDNN 2.6.3, avx2";
  const auto lines = VerificationLines(SomeTrial(), Compare(then, now));
  EXPECT_THAT(lines.at(0), HasSubstr("1 of 2 values differ, and so do the weights"));
  EXPECT_THAT(lines.back(), "  arithmetic: was oneDNN 2.6.3, avx512 and is oneDNN 2.6.3, avx2");
}

TEST(Verify, SaysWhenTheWeightsCannotBeCompared) {
  RunRecord then = RunOf(0.25, "12ab");
  then.fingerprint = nullptr;
  const Verification verification = Compare(then, RunOf(0.25, "12ab"));
  EXPECT_TRUE(verification.IsSame());
  EXPECT_FALSE(verification.same_weights);
  EXPECT_THAT(VerificationLines(SomeTrial(), verification).at(1), HasSubstr("were not compared"));
}

TEST(Verify, MissesAValueThatIsReportedOnceOnly) {
  RunRecord now = RunOf(0.25, "12ab");
  now.values["val_loss"].erase(2);
  EXPECT_FALSE(Compare(RunOf(0.25, "12ab"), now).IsSame());
  EXPECT_TRUE(Compare(RunOf(kNan, "1"), RunOf(kNan, "1")).IsSame());
}

class VerifyCommand : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    const std::string spec = Write(
        "moons.yaml",
        "name: moons\ntrainer: {data: {type: spirals, rows: 300}, model: {hidden: [8], dropout: "
        "0.1}, epochs: 3, batch_size: 16}\nmethod: grid\nparameters: {optimizer.lr: {values: "
        "[0.01, 0.05]}}\nseeds: 2\nmetric: {name: val_loss, goal: minimize}\nresources: {cpus: "
        "0.1}\n");
    ASSERT_EQ(Ddl({"sweep", spec}).code, 0);
  }
};

TEST_F(VerifyCommand, RunsATrialAgainAndFindsTheSameBits) {
  const Json verified = DdlJson({"verify", "moons/4"});
  EXPECT_EQ(verified.at("same"), true) << DumpJson(verified);
  EXPECT_EQ(verified.at("same_weights"), true);
  EXPECT_GT(verified.at("values"), 10);
  const Finished text = Ddl({"verify", "4"});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, HasSubstr("moons/4: the same bits again"));
}

TEST_F(VerifyCommand, FindsWeightsThatAreNotTheTrialsOwn) {
  const Json shown = DdlJson({"show", "1"});
  const std::string job = shown.at("attempts")[0].at("folder");
  const auto store = std::filesystem::path(job).parent_path().parent_path();
  std::filesystem::remove_all(store / "checkpoints" / "trial-1");
  std::filesystem::copy(store / "checkpoints" / "trial-2", store / "checkpoints" / "trial-1",
                        std::filesystem::copy_options::recursive);
  const Finished done = Ddl({"verify", "1"});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.out, HasSubstr("and so do the weights"));
  EXPECT_THAT(done.out, HasSubstr("training: was"));
}

TEST_F(VerifyCommand, RefusesWhatCannotBeVerified) {
  const Finished missing = Ddl({"verify", "moons/9"});
  EXPECT_EQ(missing.code, 2);
  const std::string spec = Write("other.yaml",
                                 "command: [/bin/true]\nname: other\nmethod: grid\nparameters: "
                                 "{x: {values: [1]}}\n");
  ASSERT_EQ(Ddl({"sweep", spec}).code, 0);
  const Finished program = Ddl({"verify", "other/1"});
  EXPECT_EQ(program.code, 2);
  EXPECT_THAT(program.error, HasSubstr("only the built-in trainer"));
}

}  // namespace verify_test
}  // namespace ddl
