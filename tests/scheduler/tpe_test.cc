// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/tpe.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "configs/mix.h"
#include "configs/sampling.h"
#include "configs/spec_reader.h"
#include "scheduler/search/domain.h"
#include "scheduler/search/parzen.h"
#include "scheduler/search/tpe_history.h"

namespace ddl {
namespace tpe_test {

Space SpaceOf(const std::string& parameters) {
  const std::string text = "command: [train]\nmethod: random\nrun_cap: 9\nparameters:" + parameters;
  return ReadSpec(text, {"spec.yaml", ".", {}}).spec.space;
}

constexpr const char* kReals = R"(
  a: {min: 0.0, max: 1.0}
  b: {min: 0.0, max: 1.0}
  c: {min: 0.0, max: 1.0}
  d: {min: 0.0, max: 1.0}
)";

constexpr const char* kMixed = R"(
  rate: {distribution: log_uniform_values, min: 1.0e-5, max: 1.0}
  width: {min: 1, max: 200}
  depth: {min: 1, max: 5}
  dropout: {distribution: q_uniform, min: 0.0, max: 0.6, q: 0.2}
  kind: {values: [x, y, z]}
  noise: {distribution: normal, mu: 0, sigma: 2}
)";

using Objective = std::function<std::optional<double>(const Configuration&)>;  // nothing: fails

double Bowl(const Configuration& point) {
  double sum = 0;
  double centre = 0.15;
  for (const auto& [name, value] : point.items()) {
    sum += (value.get<double>() - centre) * (value.get<double>() - centre);
    centre += 0.2;
  }
  return sum;
}

double Mixed(const Configuration& point) {
  const double kind = point.at("kind") == "y" ? 0 : 1;
  return kind + std::pow(std::log10(point.at("rate").get<double>()) + 2, 2) +
         std::abs(point.at("depth").get<double>() - 4) +
         std::abs(point.at("width").get<double>() - 60) / 50 + point.at("dropout").get<double>() +
         std::abs(point.at("noise").get<double>());
}

Outcome OutcomeOf(const std::optional<double>& value) {
  if (!value) return {.kind = Outcome::Kind::kFailed};
  return {.values = {*value}};
}

// What it proposed, one after the other.
std::vector<Configuration> Proposals(const Space& space, std::uint64_t seed, std::int64_t count,
                                     const Objective& objective) {
  const auto search = MakeTpe({.space = space, .seed = seed});
  std::vector<Configuration> proposals;
  for (std::int64_t i = 0; i < count; ++i) {
    proposals.push_back(search->Propose(i).value());
    search->Take(i, proposals.back());
    search->Tell(i, OutcomeOf(objective(proposals.back())));
  }
  return proposals;
}

double Least(const std::vector<Configuration>& points, const Objective& objective) {
  double least = std::numeric_limits<double>::infinity();
  for (const Configuration& point : points) {
    least = std::min(least, objective(point).value_or(least));
  }
  return least;
}

// Over seeds: the median of the best of `count` proposals, and that of as many random points.
std::pair<double, double> MediansBesideRandom(const Space& space, const Objective& objective,
                                              std::int64_t count) {
  std::vector<double> own;
  std::vector<double> random;
  for (std::uint64_t seed = 0; seed < 9; ++seed) {
    own.push_back(Least(Proposals(space, seed, count, objective), objective));
    std::vector<Configuration> drawn;
    for (std::int64_t i = 0; i < count; ++i)
      drawn.push_back(SamplePoint(space, seed, i));
    random.push_back(Least(drawn, objective));
  }
  std::ranges::sort(own);
  std::ranges::sort(random);
  return {own[4], random[4]};
}

TEST(Tpe, ProposesTheSameWhenFedTheSame) {
  const Space space = SpaceOf(kMixed);
  EXPECT_EQ(Proposals(space, 3, 40, Mixed), Proposals(space, 3, 40, Mixed));
  EXPECT_NE(Proposals(space, 3, 40, Mixed), Proposals(space, 4, 40, Mixed));
}

TEST(Tpe, ForgetsTheOrderInWhichItWasTold) {
  const Space space = SpaceOf(kMixed);
  const auto proposed_after = [&](std::int64_t stride, std::size_t objectives) {
    const auto search = MakeTpe({.space = space, .seed = 1, .objectives = objectives});
    constexpr std::int64_t kTrials = 101;
    for (std::int64_t i = 0; i < kTrials; ++i)
      search->Take(i, SamplePoint(space, 2, i));
    for (std::int64_t i = 0; i < kTrials; ++i) {
      const std::int64_t number = i * stride % kTrials;
      const Configuration point = SamplePoint(space, 2, number);
      std::vector<double> values(objectives, Mixed(point));
      values.back() = point.at("width").get<double>();
      const auto kind = number % 7 == 0   ? Outcome::Kind::kPruned
                        : number % 5 == 0 ? Outcome::Kind::kCanceled
                                          : Outcome::Kind::kFinished;
      search->Tell(number, {.kind = kind, .values = values, .resource = 2});
    }
    return search->Propose(kTrials);
  };
  EXPECT_EQ(proposed_after(1, 1), proposed_after(37, 1));
  EXPECT_EQ(proposed_after(1, 2), proposed_after(37, 2));
}

TEST(Tpe, TheLastWordOnATrialCounts) {
  const Space space = SpaceOf(kReals);
  const auto proposed_after = [&](bool is_told_before) {
    const auto search = MakeTpe({.space = space, .seed = 1});
    for (std::int64_t i = 0; i < 30; ++i) {
      search->Take(i, SamplePoint(space, 2, i));
      if (is_told_before) search->Tell(i, {.kind = Outcome::Kind::kFailed});
      search->Tell(i, {.values = {Bowl(SamplePoint(space, 2, i))}});
    }
    return search->Propose(30);
  };
  EXPECT_EQ(proposed_after(true), proposed_after(false));
}

TEST(Tpe, FindsMoreThanRandomPointsDo) {
  const auto [bowl, random_bowl] = MediansBesideRandom(SpaceOf(kReals), Bowl, 60);
  EXPECT_LT(bowl, random_bowl / 3);
  const auto [mixed, random_mixed] = MediansBesideRandom(SpaceOf(kMixed), Mixed, 60);
  EXPECT_LT(mixed, random_mixed * 2 / 3);
}

TEST(Tpe, LearnsFromPrunedTrials) {
  const Space space = SpaceOf(kReals);
  std::vector<double> least;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto search = MakeTpe({.space = space, .seed = seed});
    least.push_back(1);
    for (std::int64_t i = 0; i < 60; ++i) {
      const Configuration point = search->Propose(i).value();
      search->Take(i, point);
      search->Tell(i, {.kind = Outcome::Kind::kPruned, .values = {Bowl(point)}, .resource = 1.0});
      least.back() = std::min(least.back(), Bowl(point));
    }
  }
  std::ranges::sort(least);
  EXPECT_LT(least[2], 0.03);  // random points: 0.1
}

TEST(Tpe, LeavesARegionWhereTrialsFail) {
  const Space space = SpaceOf(kReals);
  const Objective objective = [](const Configuration& point) -> std::optional<double> {
    if (point.at("b").get<double>() > 0.55) return std::nullopt;
    return Bowl(point);
  };
  int early = 0;
  int late = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto proposals = Proposals(space, seed, 80, objective);
    for (std::size_t i = 0; i < 20; ++i) {
      early += objective(proposals[i]) ? 0 : 1;
      late += objective(proposals[60 + i]) ? 0 : 1;
    }
  }
  EXPECT_GT(early, 30);
  EXPECT_LT(late, early / 3);
}

TEST(Tpe, GoesOnWhereEveryTrialFails) {
  const Space space = SpaceOf(kMixed);
  const auto proposals = Proposals(space, 1, 50, [](const auto&) { return std::nullopt; });
  std::set<std::string> different;
  for (const Configuration& point : proposals)
    different.insert(DumpJson(point));
  EXPECT_EQ(different.size(), 50U);
}

TEST(Tpe, ProposesOnlyWhatIsAllowed) {
  SearchProblem problem{.space = SpaceOf(kReals), .seed = 1};
  problem.is_allowed = [](const Configuration& point) {
    return point.at("a").get<double>() + point.at("b").get<double>() > 1.2;
  };
  const auto search = MakeTpe(problem);
  double least = 9;
  for (std::int64_t i = 0; i < 60; ++i) {
    const Configuration point = search->Propose(i).value();
    ASSERT_TRUE(problem.is_allowed(point)) << DumpJson(point);
    search->Take(i, point);
    search->Tell(i, {.values = {Bowl(point)}});
    least = std::min(least, Bowl(point));
  }
  EXPECT_LT(least, 0.35);  // a + b = 1.2 at (0.5, 0.7): 0.245
}

TEST(Tpe, TriesEachPointOfASmallSpaceOnce) {
  const Space space = SpaceOf("\n  n: {min: 1, max: 6}\n  kind: {values: [x, y]}\n");
  std::set<std::string> taken;
  SearchProblem problem{.space = space, .seed = 1};
  problem.is_allowed = [&taken](const Configuration& point) {
    return !taken.contains(DumpJson(point));
  };
  const auto search = MakeTpe(problem);
  for (std::int64_t i = 0; i < 12; ++i) {
    const auto point = search->Propose(i);
    ASSERT_TRUE(point) << i;
    ASSERT_TRUE(taken.insert(DumpJson(*point)).second);
    search->Take(i, *point);
    search->Tell(i, {.values = {point->at("n").get<double>()}});
  }
  EXPECT_FALSE(search->Propose(12));
}

TEST(Tpe, ProposalsAtOnceDoNotCollapse) {
  const Space space = SpaceOf(kReals);
  const auto search = MakeTpe({.space = space, .seed = 1});
  std::int64_t next = 0;
  for (; next < 50; ++next) {
    const Configuration point = search->Propose(next).value();
    search->Take(next, point);
    search->Tell(next, {.values = {Bowl(point)}});
  }
  std::vector<Point> points;
  const Domain domain(space);
  for (; next < 66; ++next) {  // sixteen that run at once
    const Configuration point = search->Propose(next).value();
    search->Take(next, point);
    points.push_back(domain.Encode(point));
  }
  double nearest = 9;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      double square = 0;
      for (std::size_t k = 0; k < 4; ++k)
        square += (points[i][k] - points[j][k]) * (points[i][k] - points[j][k]);
      nearest = std::min(nearest, std::sqrt(square));
    }
  }
  EXPECT_GT(nearest, 0.005);
}

TEST(Tpe, SplitsParametersThatAreNotAlwaysThere) {
  TpeHistory history(4, 1);
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  history.Take(0, {0.5, 0.1, kNone, 0.3});
  history.Take(1, {0.5, kNone, 0.2, 0.3});
  history.Take(2, {0.5, kNone, 0.4, 0.3});
  std::map<std::vector<std::size_t>, std::size_t> bad;
  for (std::size_t i = 0; i < history.Groups(); ++i)
    bad[history.DimensionsOf(i)] = history.SplitOf(i, 5).bad.size();
  const std::map<std::vector<std::size_t>, std::size_t> expected{{{0, 3}, 3}, {{1}, 1}, {{2}, 2}};
  EXPECT_EQ(bad, expected);
}

// Two branches with a parameter each, which is not there in the other branch.
double BranchError(Configuration& point) {
  const bool is_p = point.at("kind") == "p";
  point.erase(is_p ? "q" : "p");
  const double at = point.at(is_p ? "p" : "q").get<double>();
  return std::abs(at - (is_p ? 0.2 : 0.7)) + (is_p ? 0.3 : 0) +
         std::abs(point.at("r").get<double>() - 0.4) + std::abs(point.at("s").get<double>() - 0.9);
}

TEST(Tpe, LearnsASpaceWithBranches) {
  const Space space = SpaceOf(
      "\n  kind: {values: [p, q]}\n  p: {min: 0.0, max: 1.0}\n  q: {min: 0.0, max: 1.0}\n"
      "  r: {min: 0.0, max: 1.0}\n  s: {min: 0.0, max: 1.0}\n");
  std::vector<double> own;
  std::vector<double> random;
  for (std::uint64_t seed = 0; seed < 9; ++seed) {
    const auto search = MakeTpe({.space = space, .seed = seed});
    own.push_back(9);
    random.push_back(9);
    for (std::int64_t i = 0; i < 80; ++i) {
      Configuration drawn = SamplePoint(space, seed, i);
      random.back() = std::min(random.back(), BranchError(drawn));
      Configuration point = search->Propose(i).value();
      const double error = BranchError(point);
      search->Take(i, point);
      search->Tell(i, {.values = {error}});
      own.back() = std::min(own.back(), error);
    }
  }
  std::ranges::sort(own);
  std::ranges::sort(random);
  EXPECT_LT(own[4], random[4] * 0.6) << "random points: " << random[4];
}

TEST(Tpe, GoodOnesComeByResourceAmongPruned) {
  TrialRanking ranking(1, 64);
  ranking.Add(0, {.kind = Outcome::Kind::kFailed});
  ranking.Add(1, {.kind = Outcome::Kind::kPruned, .values = {0.1}, .resource = 3});
  ranking.Add(2, {.kind = Outcome::Kind::kPruned, .values = {0.5}, .resource = 9});
  ranking.Add(3, {.values = {0.9}});
  ranking.Add(4, {.values = {0.7}});
  EXPECT_EQ(ranking.Best(5), (std::vector<std::int64_t>{4, 3, 2, 1, 0}));
}

TEST(Tpe, GoodOnesOfSeveralObjectivesAreTheFrontAndWhatSpansIt) {
  TrialRanking ranking(2, 64);
  const std::vector<std::vector<double>> points{{0, 10},    {10, 0},  {4, 4},
                                                {4.1, 3.9}, {11, 11}, {5, 5}};
  for (std::size_t i = 0; i < points.size(); ++i)
    ranking.Add(static_cast<std::int64_t>(i), {.values = points[i]});
  std::vector<std::int64_t> best = ranking.Best(3);
  std::ranges::sort(best);
  EXPECT_TRUE(best == (std::vector<std::int64_t>{0, 1, 2}) ||
              best == (std::vector<std::int64_t>{0, 1, 3}));
  best = ranking.Best(5);
  EXPECT_EQ(std::ranges::count(best, 4), 0) << "that one is dominated by all others";
  EXPECT_EQ(best.back(), 5);
}

// Within a rank the choice depends on what else is kept; the ranks that are chosen must not.
TEST(Tpe, ForgettingDominatedTrialsChangesNoRank) {
  TrialRanking few(2, 5);
  TrialRanking all(2, 1000);
  std::vector<Objectives> points;
  const auto ranks_of = [&points](const std::vector<std::int64_t>& numbers) {
    const std::vector<std::size_t> ranks = NondominationRanks(points);
    std::vector<std::size_t> chosen;
    for (const std::int64_t number : numbers)
      chosen.push_back(ranks[static_cast<std::size_t>(number)]);
    return chosen;
  };
  for (std::int64_t i = 0; i < 200; ++i) {
    const auto at = [i](std::uint64_t k) {
      return static_cast<double>(Mix(static_cast<std::uint64_t>(2 * i) + k) % 1000);
    };
    points.push_back({at(1), at(2)});
    few.Add(i, {.values = points.back()});
    all.Add(i, {.values = points.back()});
    ASSERT_EQ(ranks_of(few.Best(5)), ranks_of(all.Best(5))) << i;
  }
}

// Sums over the levels and over a fine grid of the reals.
TEST(Tpe, DensitiesIntegrateToOne) {
  const Domain domain(
      SpaceOf("\n  x: {min: 0.0, max: 1.0}\n  n: {min: 1, max: 7}\n  k: {values: [a, b, c]}\n"));
  const KernelCentres centres{.points = {{0.1, 0.5 / 7, 0}, {0.97, 6.5 / 7, 2}},
                              .weights = {1, 0.5}};
  const Parzen density(KernelDimensions(domain), centres, {.factor = 0.5});
  double sum = 0;
  constexpr int kCells = 2000;
  for (int i = 0; i < kCells; ++i) {
    for (int n = 0; n < 7; ++n) {
      for (int k = 0; k < 3; ++k) {
        const Point point{(i + 0.5) / kCells, (n + 0.5) / 7, static_cast<double>(k)};
        sum += std::exp(density.LogDensity(point)) / kCells;
      }
    }
  }
  EXPECT_NEAR(sum, 1, 1e-3);
}

TEST(Tpe, DrawsAsItsDensitySays) {
  const Domain domain(SpaceOf("\n  x: {min: 0.0, max: 1.0}\n  n: {min: 1, max: 4}\n"));
  const KernelCentres centres{.points = {{0.2, 0.125}, {0.8, 0.625}}, .weights = {2, 1}};
  const Parzen density(KernelDimensions(domain), centres, {.factor = 0.4});
  std::map<std::pair<int, int>, double> seen;
  CounterDraws draws(1, 2, 3);
  constexpr int kDraws = 40'000;
  for (int i = 0; i < kDraws; ++i) {
    const Point point = density.Sample(draws, 1);
    seen[{static_cast<int>(point[0] * 10), static_cast<int>(point[1] * 4)}] += 1.0 / kDraws;
  }
  for (int x = 0; x < 10; ++x) {
    for (int n = 0; n < 4; ++n) {
      double expected = 0;
      for (int part = 0; part < 20; ++part) {
        expected +=
            std::exp(density.LogDensity({(x + (part + 0.5) / 20) / 10, (n + 0.5) / 4})) / 200;
      }
      EXPECT_NEAR((seen[{x, n}]), expected, 0.01);
    }
  }
}

}  // namespace tpe_test
}  // namespace ddl
