// SPDX-License-Identifier: Apache-2.0
#include "cli/importances.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/sampling.h"
#include "configs/spec_reader.h"
#include "tests/cli/sample_observations.h"
#include "tests/cli/screen.h"
#include "tests/store/sample_changes.h"

namespace ddl {
namespace importances_test {

using ::testing::HasSubstr;

constexpr const char* kParameters = R"(
  lr: {distribution: log_uniform_values, min: 1.0e-4, max: 1.0}
  kind: {values: [a, b, c]}
  layers: {min: 1, max: 4}
  idle: {min: 0.0, max: 1.0}
  fixed: {value: 3}
)";

SweepSpec SpecOf(const std::string& parameters) {
  const std::string text = "command: [train]\nmethod: random\nrun_cap: 9\nmetric: {name: loss}\n";
  return ReadSpec(text + "parameters:" + parameters, {"spec.yaml", ".", {}}).spec;
}

double Loss(const Configuration& c) {
  const double off = std::log10(c.at("lr").get<double>()) + 2;
  return off * off + (c.at("kind") == "b" ? 1 : 0) + 0.05 * c.at("layers").get<double>();
}

std::vector<ConfigurationValue> Drawn(const Space& space, std::int64_t count) {
  std::vector<ConfigurationValue> all;
  for (std::int64_t i = 0; i < count; ++i) {
    Configuration drawn = SamplePoint(space, 3, i);
    const double loss = Loss(drawn);
    all.push_back({std::move(drawn), loss});
  }
  return all;
}

const Importance& Of(const std::vector<Importance>& all, const std::string& name) {
  for (const Importance& one : all)
    if (one.parameters == std::vector{name}) return one;
  throw std::out_of_range(name);
}

TEST(Importances, RankParametersByWhatTheyDo) {
  const Space space = SpecOf(kParameters).space;
  const auto found = ImportancesOf(space, false, Drawn(space, 200));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->configurations, 200);
  EXPECT_GT(found->explained, 0.8);
  EXPECT_EQ(found->whole.front().parameters, std::vector<std::string>{"lr"});
  EXPECT_GT(Of(found->whole, "kind").share, Of(found->whole, "layers").share);
  EXPECT_LT(Of(found->whole, "idle").share, 0.02);
  EXPECT_EQ(Of(found->best, "lr").parameters, found->best.front().parameters);
  double sum = 0;
  for (const Importance& one : found->best)
    sum += one.share;
  EXPECT_NEAR(sum, 1, 1e-9);
}

TEST(Importances, OutliveRunsThatDiverged) {
  const Space space = SpecOf(kParameters).space;
  std::vector<ConfigurationValue> all = Drawn(space, 200);
  const auto calm = ImportancesOf(space, false, all);
  EXPECT_EQ(calm->far_out, 0);
  all[7].value = 1e30;
  all[70].value = 5'000;
  const auto found = ImportancesOf(space, false, all);
  EXPECT_EQ(found->far_out, 2);
  EXPECT_GT(found->explained, 0.7);
  EXPECT_NEAR(Of(found->whole, "lr").share, Of(calm->whole, "lr").share, 0.1);
  const std::string text = test::Joined(ImportanceLines(*found, test::Plain(200)));
  EXPECT_THAT(text, HasSubstr("2 far worse than most count as the worst of the others"));
  EXPECT_EQ(ImportancesJson(*found).at("far_out"), 2);
}

TEST(Importances, OfAGoalToMaximizeLookAtTheOtherEnd) {
  const Space space = SpecOf(kParameters).space;
  std::vector<ConfigurationValue> all = Drawn(space, 150);
  const auto minimized = ImportancesOf(space, false, all);
  for (ConfigurationValue& one : all)
    one.value = -one.value;
  const auto maximized = ImportancesOf(space, true, all);
  EXPECT_EQ(Of(minimized->best, "lr").share, Of(maximized->best, "lr").share);
  // The worst are those of either end of lr; the best lie in its middle.
  const auto worst = ImportancesOf(space, false, all);
  EXPECT_TRUE(worst->best.empty() ||
              Of(worst->best, "lr").share != Of(minimized->best, "lr").share);
}

TEST(Importances, SayHowManyConfigurationsItTakes) {
  const Space space = SpecOf(kParameters).space;
  const auto found = ImportancesOf(space, false, Drawn(space, 19));
  EXPECT_EQ(found->needed, 20);
  EXPECT_TRUE(found->whole.empty());
  EXPECT_EQ(test::Joined(ImportanceLines(*found, test::Plain(80))),
            "\n19 finished configurations of the 20 that it takes to tell\n");
}

TEST(Importances, ClaimNothingOfNoise) {
  const Space space = SpecOf(kParameters).space;
  std::vector<ConfigurationValue> all = Drawn(space, 60);
  const std::vector<double> noise = test::Drawn(1, 60, 5).columns[0];
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].value = noise[i];
  const auto found = ImportancesOf(space, false, all);
  EXPECT_TRUE(found->whole.empty());
  EXPECT_TRUE(found->best.empty());
  const std::string text = test::Joined(ImportanceLines(*found, test::Plain(120)));
  EXPECT_THAT(text, HasSubstr("over the whole space: nothing shown"));
  EXPECT_THAT(text, HasSubstr("among the best: nothing shown"));
}

TEST(Importances, NeedTwoParametersThatVary) {
  const Space space = SpecOf("\n  lr: {min: 0.0, max: 1.0}\n  same: {values: [1]}\n").space;
  EXPECT_FALSE(ImportancesOf(space, false, {}));
}

TEST(Importances, GiveWhatDecidesAboutAParameterItsDue) {
  const Space space =
      SpecOf("\n  kind: {values: [sgd, adam]}\n  momentum: {min: 0.0, max: 1.0}\n").space;
  std::vector<ConfigurationValue> all;
  for (std::int64_t i = 0; i < 120; ++i) {
    Configuration drawn = SamplePoint(space, 5, i);
    const bool is_sgd = drawn.at("kind") == "sgd";
    const double value = is_sgd ? 2 + 0.1 * drawn.at("momentum").get<double>() : 0;
    if (!is_sgd) drawn.erase("momentum");
    all.push_back({std::move(drawn), value});
  }
  const EncodedSpace encoded = EncodeConfigurations(space, false, all);
  ASSERT_EQ(encoded.rows.axes.size(), 2U);
  EXPECT_TRUE(encoded.rows.axes[1].is_conditional);
  EXPECT_LT(encoded.rows.axes[1].low, -0.5);  // about half of them lack it
  const auto found = ImportancesOf(space, false, all);
  EXPECT_GT(Of(found->whole, "kind").share, 0.95);
}

TEST(Importances, TakeTheRarestOfManyCategoriesTogether) {
  std::string values;
  for (int i = 0; i < 100; ++i)
    values += (i == 0 ? "v" : ", v") + std::to_string(i);
  const Space space =
      SpecOf("\n  name: {values: [" + values + "]}\n  x: {min: 0.0, max: 1.0}\n").space;
  std::vector<ConfigurationValue> all;
  for (std::int64_t i = 0; i < 90; ++i) {
    Configuration drawn = SamplePoint(space, 5, i);
    if (i < 30) drawn["name"] = "v99";
    all.push_back({std::move(drawn), static_cast<double>(i)});
  }
  const EncodedSpace encoded = EncodeConfigurations(space, false, all);
  const Axis& axis = encoded.rows.axes[0];
  EXPECT_EQ(axis.categories.size(), kMostCategories);
  EXPECT_EQ(encoded.rows.columns[0][0], 0);         // the most frequent
  EXPECT_NEAR(axis.categories.back(), 0.37, 1e-9);  // of 37 values
  double sum = 0;
  for (const double share : axis.categories)
    sum += share;
  EXPECT_NEAR(sum, 1, 1e-9);
}

TEST(Importances, AreATableThatFits) {
  const Space space = SpecOf(kParameters).space;
  const auto found = ImportancesOf(space, false, Drawn(space, 100));
  for (int width = 40; width < 120; ++width)
    EXPECT_LE(test::Widest(ImportanceLines(*found, test::Plain(width))), width);
  const std::string text = test::Joined(ImportanceLines(*found, test::Plain(80)));
  EXPECT_THAT(text, HasSubstr("PARAMETER"));
  EXPECT_THAT(text, HasSubstr("WHOLE SPACE"));
  EXPECT_THAT(text, HasSubstr("BEST TENTH"));
  EXPECT_THAT(text, HasSubstr("\nlr "));
  EXPECT_THAT(text, HasSubstr("of 100 configurations · the trees foretell"));
  const Json json = ImportancesJson(*found);
  EXPECT_EQ(json.at("configurations"), 100);
  EXPECT_EQ(json.at("whole_space").front().at("parameters"), Json::array({"lr"}));
  EXPECT_EQ(json.at("best_tenth").size(), 4U);
}

// 2,000 configurations of 2 seeds: an even sample of 1,000 is enough, and failed ones are not in
// it.
TEST(Importances, AreReadFromASampleOfALargeSweep) {
  const SweepSpec spec = [] {
    SweepSpec made = SpecOf(kParameters);
    made.seeds = 2;
    return made;
  }();
  const SampleStore folder;
  {
    Store store = Store::Open(folder.Path());
    Commit(store, {SampleSweep()});
    std::vector<Change> changes;
    for (std::int64_t number = 1; number <= 4'000; ++number) {
      const Configuration drawn = SamplePoint(spec.space, 1, (number - 1) / 2);
      std::vector<Change> one = TrialThatRuns(number);
      std::get<TrialAdded>(one[0]).configuration = (number - 1) / 2;
      std::get<TrialAdded>(one[0]).seed_index = static_cast<int>((number - 1) % 2);
      std::get<TrialAdded>(one[0]).params_json = DumpJson(drawn);
      one.emplace_back(Losses(number, 1, {Loss(drawn) + (number % 2 == 0 ? 0.1 : -0.1)}));
      const bool fails = number % 5 == 0;
      for (Change& change : EndedTrial(number, fails ? TrialState::kFailed : TrialState::kFinished))
        one.push_back(std::move(change));
      std::ranges::move(one, std::back_inserter(changes));
    }
    Commit(store, std::move(changes));
  }
  const StoreReader reader = StoreReader::Open(folder.Path());
  const auto finished = reader.Finished({1}, {0, 1, 2, 4, 1'999, 2'000}, 2, 10);
  ASSERT_EQ(finished.size(), 5U);
  EXPECT_EQ(finished[2].configuration, 2);  // trial 5, its first seed, has failed
  EXPECT_EQ(finished[2].first_trial_number, 6);
  ASSERT_EQ(finished[2].values.size(), 1U);
  EXPECT_EQ(finished[2].values[0].first, 1);
  EXPECT_EQ(reader.Finished({1}, {0, 1, 2, 4}, 2, 3).size(), 3U);
  const auto found = ReadImportances(reader, *reader.Sweep("sample"), spec);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->configurations, 1'000);
  EXPECT_EQ(found->whole.front().parameters, std::vector<std::string>{"lr"});
}

}  // namespace importances_test
}  // namespace ddl
