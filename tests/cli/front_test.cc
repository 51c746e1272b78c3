// SPDX-License-Identifier: Apache-2.0
#include "cli/front.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/csv.h"
#include "cli/report.h"
#include "cli/status.h"
#include "configs/error.h"
#include "configs/spec.h"
#include "scheduler/search/pareto.h"
#include "tests/cli/screen.h"
#include "tests/store/sample_changes.h"

namespace ddl {
namespace front_test {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Sweeps of loss, which is to be small, and speed, which is to be large.
class FrontOfASweep : public testing::Test {
 protected:
  void Begin(int seeds, std::int64_t planned) {
    SweepSpec spec;
    spec.name = "trade";
    spec.command = {"true"};
    spec.method = Method::kRandom;
    spec.objectives = {{.name = "loss"}, {.name = "speed", .goal = Goal::kMaximize}};
    spec.metric = spec.objectives.front();
    spec.seeds = seeds;
    spec.run_cap = planned;
    Parameter x;
    x.path = {"x"};
    x.distribution = Distribution::kUniform;
    spec.space = {x};
    SweepAdded added = SampleSweep(1, "trade");
    added.spec_json = DumpJson(ResolvedSpec(spec));
    added.trials_planned = planned;
    Commit(store_, {added});
  }
  // NaN: it reports none.
  void End(std::int64_t number, double loss, double speed,
           TrialState state = TrialState::kFinished) {
    Commit(store_, TrialThatRuns(number));
    MetricReport report{.seq = 1, .step = 1, .elapsed_ms = 1, .values = {}};
    if (!std::isnan(loss)) report.values.emplace_back("loss", loss);
    if (!std::isnan(speed)) report.values.emplace_back("speed", speed);
    Commit(store_, {MetricsAdded{.rank = {{number}, 0}, .trial = {number}, .reports = {report}}});
    Commit(store_, {AttemptEnded{.trial = {number}, .wall_ms = 500, .at_ms = 4'000 + number},
                    TrialMoved{.trial = {number}, .to = state, .at_ms = 4'000 + number}});
  }
  [[nodiscard]] StoreReader Read() const { return StoreReader::Open(folder_.Path()); }
  [[nodiscard]] Front ReadIt() const {
    const StoreReader reader = Read();
    return ReadFront(reader, *reader.Sweep("trade"));
  }

  SampleStore folder_;
  Store store_ = Store::Open(folder_.Path());
};

std::vector<std::int64_t> Numbers(const std::vector<FrontMember>& members) {
  std::vector<std::int64_t> numbers;
  for (const FrontMember& member : members)
    numbers.push_back(member.first_trial);
  return numbers;
}

TEST_F(FrontOfASweep, HasWhatNothingThatFinishedDominates) {
  Begin(1, 10);
  End(1, 0.5, 10);
  End(2, 0.3, 5);
  End(3, 0.6, 9);  // trial 1 is better in both
  End(4, 0.1, 99, TrialState::kFailed);
  End(5, 0.1, 99, TrialState::kPruned);
  End(6, 0.1, 99, TrialState::kCanceled);
  End(7, 0.1, kNone);
  End(8, 0.1, std::numeric_limits<double>::infinity());
  Commit(store_, TrialThatRuns(9));
  const Front front = ReadIt();
  EXPECT_THAT(Numbers(front.members), ElementsAre(2, 1));
  EXPECT_EQ(front.finished, 3);
  EXPECT_THAT(front.members.front().values, ElementsAre(0.3, 5));
  EXPECT_THAT(TrialsOf(front), ElementsAre(2, 1));
  EXPECT_EQ(FrontText(front), "front of 2: best loss 0.3, speed 10");
}

TEST_F(FrontOfASweep, IsOfMeansOverSeedsOnceAllHaveEnded) {
  Begin(2, 9);
  End(1, 0.2, 10);
  End(2, 0.4, 20);
  End(3, 0.1, 90);  // its other seed has not ended
  End(5, 0.5, 40);
  End(6, 9.0, 99, TrialState::kFailed);
  End(7, 0.0, 1, TrialState::kFailed);
  End(8, 0.0, 1, TrialState::kFailed);
  End(9, 0.6, 50);  // run_cap leaves this one a single seed
  const Front front = ReadIt();
  EXPECT_THAT(Numbers(front.members), ElementsAre(1, 5, 9));
  EXPECT_NEAR(front.members[0].values[0], 0.3, 1e-12);
  EXPECT_NEAR(front.members[0].values[1], 15, 1e-12);
  EXPECT_THAT(front.members[1].values, ElementsAre(0.5, 40));
  EXPECT_EQ(front.members[0].seeds, 2);
  EXPECT_EQ(front.members[1].seeds, 1);
  EXPECT_EQ(front.finished, 3);
}

TEST_F(FrontOfASweep, ShowsItsEndsAndWhatLiesEvenlyBetween) {
  Begin(1, 20);
  for (int i = 1; i <= 9; ++i)
    End(i, i, i);
  const StoreReader reader = Read();
  const SweepLine sweep = *reader.Sweep("trade");
  const Front front = ReadFront(reader, sweep);
  EXPECT_THAT(Numbers(ReadShown(reader, sweep, front, 3)), ElementsAre(1, 5, 9));
  EXPECT_THAT(Numbers(ReadShown(reader, sweep, front, 1)), ElementsAre(1));
  EXPECT_EQ(ReadShown(reader, sweep, front, 99).size(), 9U);
  EXPECT_EQ(ReadShown(reader, sweep, front, 1).front().params_json, R"({"lr":0.5})");
}

TEST_F(FrontOfASweep, GrowsTowardsTheVolumeOfAll) {
  Begin(1, 20);
  End(1, 0.5, 10);
  End(2, 0.6, 5);
  End(3, 0.25, 20);
  const StoreReader reader = Read();
  const SweepLine sweep = *reader.Sweep("trade");
  const auto finished = ReadFinished(reader, sweep, 1);
  const auto growth = GrowthOf(sweep, finished, {1, 0});
  ASSERT_TRUE(growth);
  ASSERT_EQ(growth->steps.size(), 2U);
  EXPECT_EQ(growth->steps[0].finished, 1);
  EXPECT_NEAR(growth->steps[0].volume, 0.5 * 10, 1e-12);
  EXPECT_EQ(growth->steps[1].finished, 3);
  EXPECT_NEAR(growth->steps[1].volume, 0.75 * 20, 1e-12);
  EXPECT_THROW((void)GrowthOf(sweep, finished, {1}), Error);
  const auto own = GrowthOf(sweep, finished, {});
  ASSERT_TRUE(own);
  EXPECT_GT(own->reference[0], 0.25) << "worse than the front";
  EXPECT_LT(own->reference[1], 20) << "in the terms of what is maximized";
  EXPECT_GT(own->steps.back().volume, 0);
}

TEST_F(FrontOfASweep, StandsInTheReportInPlaceOfARanking) {
  Begin(1, 20);
  for (int i = 1; i <= 4; ++i)
    End(i, 0.1 * i, i);
  End(5, 0.5, 1);
  const StoreReader reader = Read();
  const Report report = ReadReport(reader, *reader.Sweep("trade"), 10, {1, 0});
  EXPECT_EQ(test::Joined(ReportLines(report, test::Plain(80))), R"(
trade · running · 5 of 20 done

pareto front
4 of 5 trials: none is better in one objective without being worse in another
TRIAL  loss  speed  x
    1   0.1      1  -
    2   0.2      2  -
    3   0.3      3  -
    4   0.4      4  -
one of them as a spec that runs: ddl report --best FILE --trial 1

hypervolume
   3 ┤                                             ⢀⣀⣀⡠⠤⠤⠒⠒⠊⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
     │                                   ⢀⣀⣀⠤⠤⠔⠒⠒⠉⠉⠁
     │                         ⣀⣀⡠⠤⠤⠒⠒⠒⠉⠉⠁
1.74 ┤               ⣀⣀⠤⠤⠔⠒⠒⠉⠉⠉
     │       ⣀⣀⠤⠤⠒⠒⠉⠉
 0.9 ┤⣀⠤⠤⠒⠒⠉⠉
     └─────────────────────────────────────────────────────────────────────────
      1                            finished trials                            5
3 after 5 trials; half of it after 2, 95 % after 4
reference: loss 1, speed 0
)");
  const Json json = ReportJson(report);
  EXPECT_EQ(json.at("best"), nullptr);
  EXPECT_EQ(json.at("front").at("size"), 4);
  EXPECT_EQ(json.at("front").at("members").at(1).at("values"), Json({0.2, 2.0}));
  EXPECT_EQ(json.at("hypervolume").at("reference"), Json({1.0, 0.0}));
  EXPECT_EQ(json.at("hypervolume").at("steps").size(), 4U);
  EXPECT_EQ(json.at("sweep").at("objectives").at(1).at("goal"), "maximize");
}

TEST_F(FrontOfASweep, IsTheBestInStatus) {
  Begin(1, 20);
  End(1, 0.1, 1);
  End(2, 0.2, 2);
  const StoreReader reader = Read();
  const std::vector<SweepLine> sweeps = reader.Sweeps();
  const Fronts fronts = ReadFronts(reader, sweeps);
  EXPECT_FALSE(sweeps.front().best) << "no trial is the best";
  EXPECT_THAT(StatusLines(sweeps, test::Plain(120), fronts).back(), HasSubstr("front of 2"));
  EXPECT_THAT(test::Joined(SweepDetailLines(sweeps.front(), test::Plain(80), fronts)),
              HasSubstr("best         front of 2: best loss 0.1, speed 2\n"));
  const Json json = StatusJson(sweeps, "here", fronts).at("sweeps").at(0);
  EXPECT_EQ(json.at("best"), nullptr);
  EXPECT_EQ(json.at("front").at("size"), 2);
}

TEST_F(FrontOfASweep, HasAColumnAnObjectiveInCsv) {
  Begin(1, 20);
  End(1, 0.1, 2.5);
  const StoreReader reader = Read();
  const SweepLine sweep = *reader.Sweep("trade");
  EXPECT_THAT(CsvHeader(sweep, {}), HasSubstr(",loss,best loss,started_ms,ended_ms,speed\n"));
  const TrialLine trial = reader.Trials(sweep.id, {}).front();
  EXPECT_THAT(CsvRow(trial, {}, std::vector{2.5}), HasSubstr(",2.5\n"));
  EXPECT_TRUE(CsvRow(trial, {}, std::vector{kNone}).ends_with(",\n"));
}

TEST_F(FrontOfASweep, SaysThatNothingHasFinished) {
  Begin(1, 20);
  Commit(store_, TrialThatRuns(1));
  const StoreReader reader = Read();
  const Report report = ReadReport(reader, *reader.Sweep("trade"), 10);
  EXPECT_THAT(test::Joined(ReportLines(report, test::Plain(80))),
              HasSubstr("nothing has finished with a value of every objective yet"));
  EXPECT_EQ(ReportJson(report).at("hypervolume"), nullptr);
}

}  // namespace front_test
}  // namespace ddl
