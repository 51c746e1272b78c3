// SPDX-License-Identifier: Apache-2.0
// What every search of numbers promises, whichever method it is.
#include "search_runs.h"
#include <gtest/gtest.h>

#include "configs/error.h"
#include "scheduler/search/cmaes.h"
#include "scheduler/search/gp.h"
#include "tests/sanitized.h"

namespace ddl {
namespace search_contract_test {

struct Contender {
  const char* name;
  std::unique_ptr<AdaptiveSearch> (*make)(SearchProblem);
};

// Searches of which a median is taken. Under sanitizers one costs thirty times as much: there a
// search is looked at for what it does, and for how well it does it by the release build alone.
constexpr int kFewRuns = kIsSanitized ? 1 : 5;
constexpr int kRuns = 7;

class SearchContract : public testing::TestWithParam<Contender> {};

constexpr const char* kMixed = R"(
  rate: {distribution: log_uniform_values, min: 1.0e-5, max: 1.0}
  layers: {min: 1, max: 4}
  width: {values: [16, 32, 64, 128, 256]}
  act: {values: [relu, gelu, tanh]}
)";

double MixedLoss(const Configuration& c) {
  const double rate = std::log10(c.at("rate").get<double>()) + 3;
  const double layers = c.at("layers").get<double>() - 3;
  const double width = std::log2(c.at("width").get<double>()) - 6;
  return rate * rate + layers * layers + width * width + (c.at("act") == "gelu" ? 0 : 1);
}

TEST_P(SearchContract, ProposesTheSameWhenFedTheSameWithoutBeingAsked) {
  const Space space = SpaceFrom(kMixed);
  const auto live = GetParam().make({.space = space, .seed = 4});
  const std::vector<Configuration> tried = RunOneByOne(*live, MixedLoss, 40);
  const auto restored = GetParam().make({.space = space, .seed = 4});
  for (std::size_t i = 0; i < tried.size(); ++i) {
    restored->Take(static_cast<std::int64_t>(i), tried[i]);
    restored->Tell(static_cast<std::int64_t>(i), Finished(MixedLoss(tried[i])));
  }
  for (int number = 40; number < 50; ++number) {
    const auto proposed = live->Propose(number);
    ASSERT_EQ(proposed, restored->Propose(number));
    for (AdaptiveSearch* search : {live.get(), restored.get()}) {
      search->Take(number, *proposed);
      search->Tell(number, Finished(MixedLoss(*proposed)));
    }
  }
}

TEST_P(SearchContract, TheOrderOfTellsBetweenProposalsCountsForNothing) {
  const Space space = UnitCube(3);
  const auto forward = GetParam().make({.space = space, .seed = 2});
  const auto backward = GetParam().make({.space = space, .seed = 2});
  for (int round = 0; round < 6; ++round) {
    std::vector<double> losses;
    for (int i = 0; i < 5; ++i) {
      const auto proposed = forward->Propose(round * 5 + i);
      ASSERT_EQ(proposed, backward->Propose(round * 5 + i));
      forward->Take(round * 5 + i, *proposed);
      backward->Take(round * 5 + i, *proposed);
      losses.push_back(std::pow(At(*proposed, 0) - 0.3, 2) + At(*proposed, 1));
    }
    for (int i = 0; i < 5; ++i) {
      forward->Tell(round * 5 + i, Finished(losses[static_cast<std::size_t>(i)]));
      backward->Tell(round * 5 + 4 - i, Finished(losses[static_cast<std::size_t>(4 - i)]));
    }
  }
}

TEST_P(SearchContract, ParallelProposalsDiffer) {
  const auto search = GetParam().make({.space = UnitCube(2), .seed = 1});
  const Loss loss = [](const Configuration& c) { return std::pow(At(c, 0) - 0.7, 2) + At(c, 1); };
  RunOneByOne(*search, loss, 25);
  std::vector<Configuration> asked;
  for (int number = 25; number < 33; ++number) {
    asked.push_back(search->Propose(number).value());
    search->Take(number, asked.back());
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double far =
          std::abs(At(asked[i], 0) - At(asked[j], 0)) + std::abs(At(asked[i], 1) - At(asked[j], 1));
      EXPECT_GT(far, 1e-4) << i << " and " << j;
    }
  }
}

TEST_P(SearchContract, FindsEveryPointOfASmallSpaceOnce) {
  const Space space = SpaceFrom("\n  n: {min: 1, max: 4}\n  act: {values: [relu, gelu, tanh]}\n");
  std::set<std::string> seen;
  const auto search = GetParam().make({
      .space = space,
      .seed = 3,
      .is_allowed = [&seen](const Configuration& c) { return !seen.contains(DumpJson(c)); },
  });
  const Loss loss = [](const Configuration& c) { return c.at("n").get<double>(); };
  for (int number = 0; number < 12; ++number) {
    const auto proposed = search->Propose(number);
    ASSERT_TRUE(proposed) << number;
    search->Take(number, *proposed);
    EXPECT_TRUE(seen.insert(DumpJson(*proposed)).second);
    search->Tell(number, Finished(loss(*proposed)));
  }
  EXPECT_EQ(search->Propose(12), std::nullopt);
}

TEST_P(SearchContract, IntegersWithFewLevelsDoNotFreeze) {
  const Space space =
      SpaceFrom("\n  a: {min: 0, max: 5}\n  b: {min: 0, max: 5}\n  x0: {min: 0.0, max: 1.0}\n");
  // Far from the middle, where all of them start.
  const Loss loss = [](const Configuration& c) {
    return std::pow(c.at("a").get<double>() - 5, 2) + std::pow(c.at("b").get<double>() - 1, 2) +
           std::pow(At(c, 0) - 0.2, 2);
  };
  EXPECT_LT(MedianLeastLoss(GetParam().make, space, loss, 80, kFewRuns), 0.01);
}

TEST_P(SearchContract, LeavesWhereEverythingFails) {
  const auto search = GetParam().make({.space = UnitCube(2), .seed = 6});
  int failed = 0;
  for (int number = 0; number < 60; ++number) {
    const Configuration c = search->Propose(number).value();
    search->Take(number, c);
    const bool fails = At(c, 0) < 0.5;
    failed += fails && number >= 30 ? 1 : 0;
    search->Tell(number, fails ? Outcome{.kind = Outcome::Kind::kFailed}
                               : Finished(std::pow(At(c, 1) - 0.4, 2)));
  }
  EXPECT_LE(failed, 10);
}

TEST_P(SearchContract, GoesOnAfterPrunedAndCanceledOnes) {
  const auto search = GetParam().make({.space = UnitCube(2), .seed = 6});
  for (int number = 0; number < 40; ++number) {
    const Configuration c = search->Propose(number).value();
    search->Take(number, c);
    const double loss = std::pow(At(c, 0) - 0.8, 2) + std::pow(At(c, 1) - 0.4, 2);
    if (number % 4 == 1) {
      search->Tell(number, {.kind = Outcome::Kind::kCanceled});
    } else if (loss > 0.1) {
      search->Tell(number, {Outcome::Kind::kPruned, {loss + 1}, 3});
    } else {
      search->Tell(number, Finished(loss));
    }
  }
  const Configuration last = search->Propose(40).value();
  EXPECT_NEAR(At(last, 0), 0.8, 0.3);
  EXPECT_NEAR(At(last, 1), 0.4, 0.3);
}

// What was pruned early goes on after all, and ends as the best: with and without that news a
// search goes on differently, in the same generation or in a later one.
TEST_P(SearchContract, LearnsFromWhatIsToldAgain) {
  for (const int later : {1, 20}) {
    const auto told_again = GetParam().make({.space = UnitCube(2), .seed = 6});
    const auto told_once = GetParam().make({.space = UnitCube(2), .seed = 6});
    bool is_different = false;
    for (int number = 0; number < later + 40 && !is_different; ++number) {
      const Configuration c = told_again->Propose(number).value();
      is_different = told_once->Propose(number) != c;
      EXPECT_TRUE(!is_different || number > 20 + later) << number;
      const bool is_pruned = number == 20;
      for (AdaptiveSearch* search : {told_again.get(), told_once.get()}) {
        search->Take(number, c);
        search->Tell(number, is_pruned ? Outcome{Outcome::Kind::kPruned, {9}, 3}
                                       : Finished(std::pow(At(c, 0) - 0.3, 2) + At(c, 1)));
      }
      if (number == 20 + later) told_again->Tell(20, Finished(-1));
    }
    EXPECT_TRUE(is_different) << later;
  }
}

TEST_P(SearchContract, FindsMoreThanRandomDrawsDo) {
  if (kIsSanitized) GTEST_SKIP() << "how good a search is, the release build tells";
  const Space mixed = SpaceFrom(kMixed);
  EXPECT_LT(MedianLeastLoss(GetParam().make, mixed, MixedLoss, 60, kRuns),
            MedianLeastOfRandom(mixed, MixedLoss, 60, kRuns) / 2);
  const Space cube = UnitCube(4);
  const Loss bowl = [](const Configuration& c) {
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i)
      sum +=
          (1 + static_cast<double>(i)) * std::pow(At(c, i) - 0.2 * static_cast<double>(i + 1), 2);
    return sum;
  };
  EXPECT_LT(MedianLeastLoss(GetParam().make, cube, bowl, 80, kRuns),
            MedianLeastOfRandom(cube, bowl, 80, kRuns) / 10);
}

TEST_P(SearchContract, StartsFromWhatOthersFound) {
  const Space space = UnitCube(3);
  const Loss loss = [](const Configuration& c) {
    return std::pow(At(c, 0) - 0.9, 2) + std::pow(At(c, 1) - 0.1, 2) + std::pow(At(c, 2) - 0.9, 2);
  };
  const auto search = GetParam().make({.space = space, .seed = 5});
  int number = 0;
  for (; number < 30; ++number) {
    const Configuration drawn = SamplePoint(space, 9, number);
    search->Take(number, drawn);
    search->Tell(number, Finished(loss(drawn)));
  }
  double sum = 0;
  for (const Configuration& tried : RunOneByOne(*search, loss, 5, number))
    sum += loss(tried);
  EXPECT_LT(sum / 5, 0.73 / 2);  // half of what random draws come to
}

TEST_P(SearchContract, RefusesSeveralObjectives) {
  try {
    GetParam().make({.space = UnitCube(2), .objectives = 2});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(error.Hint().find("nsga2"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, SearchContract,
                         testing::Values(Contender{"cmaes", &MakeCmaes}, Contender{"gp", &MakeGp}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace search_contract_test
}  // namespace ddl
