// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/nsga2.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "configs/mix.h"
#include "configs/sampling.h"
#include "configs/spec_reader.h"
#include "scheduler/search/pareto.h"
#include "scheduler/search/population.h"

namespace ddl {
namespace nsga2_test {

Space SpaceOf(const std::string& parameters) {
  const std::string text = "command: [train]\nmethod: random\nrun_cap: 9\nparameters:" + parameters;
  return ReadSpec(text, {"spec.yaml", ".", {}}).spec.space;
}

constexpr const char* kMixed = R"(
  x: {min: 0.0, max: 1.0}
  y: {min: 0.0, max: 1.0}
  z: {min: 0.0, max: 1.0}
  n: {min: 0, max: 9}
  kind: {values: [p, q, r, s]}
)";

// Two wishes that x trades against each other, as far as the others are at their best.
Objectives Wishes(const Configuration& point) {
  const double off =
      std::abs(point.at("y").get<double>() - 0.3) + std::abs(point.at("z").get<double>() - 0.8) +
      std::abs(point.at("n").get<double>() - 7) / 9 + (point.at("kind") == "r" ? 0.0 : 0.5);
  const double x = point.at("x").get<double>();
  return {x + off, 1 - std::sqrt(x) + off};
}

std::vector<Configuration> Proposals(const Space& space, std::uint64_t seed, std::int64_t count,
                                     std::int64_t at_once = 1) {
  const auto search = MakeNsga2({.space = space, .seed = seed, .objectives = 2, .budget = count});
  std::vector<Configuration> proposals;
  for (std::int64_t i = 0; i < count; ++i) {
    proposals.push_back(search->Propose(i).value());
    search->Take(i, proposals.back());
    const std::int64_t ended = i - at_once + 1;
    if (ended < 0) continue;
    search->Tell(ended, {.values = Wishes(proposals[static_cast<std::size_t>(ended)])});
  }
  return proposals;
}

double VolumeOf(const std::vector<Configuration>& points) {
  std::vector<Objectives> values;
  for (const Configuration& point : points)
    values.push_back(Wishes(point));
  return Hypervolume(values, {3, 3});
}

TEST(Nsga2, ProposesTheSameWhenFedTheSame) {
  const Space space = SpaceOf(kMixed);
  EXPECT_EQ(Proposals(space, 3, 150), Proposals(space, 3, 150));
  EXPECT_NE(Proposals(space, 3, 150), Proposals(space, 4, 150));
}

TEST(Nsga2, DominatesMoreThanRandomPointsDo) {
  const Space space = SpaceOf(kMixed);
  for (const std::int64_t at_once : {1, 8}) {
    std::vector<double> gains;
    for (std::uint64_t seed = 0; seed < 7; ++seed) {
      std::vector<Configuration> drawn;
      for (std::int64_t i = 0; i < 250; ++i)
        drawn.push_back(SamplePoint(space, seed, i));
      const double most = VolumeOf({{{"x", 0}, {"y", 0.3}, {"z", 0.8}, {"n", 7}, {"kind", "r"}},
                                    {{"x", 0.25}, {"y", 0.3}, {"z", 0.8}, {"n", 7}, {"kind", "r"}},
                                    {{"x", 1}, {"y", 0.3}, {"z", 0.8}, {"n", 7}, {"kind", "r"}}});
      gains.push_back((most - VolumeOf(Proposals(space, seed, 250, at_once))) /
                      (most - VolumeOf(drawn)));
    }
    std::ranges::sort(gains);
    EXPECT_LT(gains[3], 0.6) << "of what random points leave, " << at_once << " at once";
  }
}

TEST(Nsga2, ProposesOnlyWhatIsAllowedAndNothingTwice) {
  const Space space = SpaceOf("\n  n: {min: 1, max: 8}\n  kind: {values: [x, y, z]}\n");
  std::set<std::string> taken;
  SearchProblem problem{.space = space, .seed = 1, .objectives = 2, .budget = 200};
  problem.is_allowed = [&taken](const Configuration& point) {
    return !(point.at("n") == 3 && point.at("kind") == "x") && !taken.contains(DumpJson(point));
  };
  const auto search = MakeNsga2(problem);
  for (std::int64_t i = 0; i < 23; ++i) {
    const auto point = search->Propose(i);
    ASSERT_TRUE(point) << i;
    ASSERT_TRUE(problem.is_allowed(*point));
    taken.insert(DumpJson(*point));
    search->Take(i, *point);
    const double n = point->at("n").get<double>();
    search->Tell(i, {.values = {n, 8 - n}});
  }
  EXPECT_FALSE(search->Propose(23));
}

TEST(Nsga2, GoesOnWhereTrialsFailOrParametersAreMissing) {
  const Space space = SpaceOf(kMixed);
  const auto search = MakeNsga2({.space = space, .seed = 2, .objectives = 2});
  std::set<std::string> taken;
  for (std::int64_t i = 0; i < 200; ++i) {
    Configuration point = search->Propose(i).value();
    ASSERT_EQ(point.size(), space.size());
    taken.insert(DumpJson(point));
    point.erase(i % 2 == 0 ? "y" : "n");
    search->Take(i, point);
    if (i % 3 == 0) {
      search->Tell(i, {.kind = Outcome::Kind::kFailed});
    } else {
      search->Tell(i, {.values = {point.at("x").get<double>(), point.at("z").get<double>()}});
    }
  }
  EXPECT_GT(taken.size(), 180U);
}

TEST(Population, KeepsTheFrontAndItsEnds) {
  Population population(3);
  for (std::int64_t i = 0; i <= 10; ++i)
    population.Tell(i, {}, {.values = {static_cast<double>(i), static_cast<double>(10 - i)}});
  population.Tell(11, {}, {.values = {11, 11}});
  std::set<std::int64_t> numbers;
  for (const Population::Member& member : population.Members())
    numbers.insert(member.number);
  EXPECT_EQ(numbers.size(), 3U);
  EXPECT_TRUE(numbers.contains(0) && numbers.contains(10) && !numbers.contains(11));
}

TEST(Population, PrunedOnesComeAfterFinishedOnesByHowFarTheyGot) {
  Population population(10);
  population.Tell(0, {}, {.kind = Outcome::Kind::kPruned, .values = {0, 0}, .resource = 1});
  population.Tell(1, {}, {.kind = Outcome::Kind::kPruned, .values = {1, 1}, .resource = 5});
  population.Tell(2, {}, {.values = {9, 9}});
  population.Tell(3, {}, {.kind = Outcome::Kind::kFailed});
  std::vector<std::int64_t> numbers;
  for (const Population::Member& member : population.Members())
    numbers.push_back(member.number);
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{2, 1, 0}));
}

// The short way for what is of no rank among the members, against members that are ordered anew.
TEST(Population, WhatComesLastLeavesNoTrace) {
  Population population(8);
  std::vector<Objectives> all;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const auto at = [i](std::uint64_t k) { return static_cast<double>(Mix(2 * i + k) % 50); };
    std::vector<Population::Member> before = population.Members();
    population.Tell(static_cast<std::int64_t>(i), {}, {.values = {at(0), at(1)}});
    all.push_back({at(0), at(1)});
    std::vector<Objectives> kept;
    bool is_kept = false;
    for (const Population::Member& member : population.Members()) {
      kept.push_back(member.values);
      is_kept = is_kept || member.number == static_cast<std::int64_t>(i);
    }
    const std::vector<std::size_t> ranks = NondominationRanks(kept);
    for (std::size_t k = 0; k < kept.size(); ++k)
      ASSERT_EQ(population.Members()[k].rank, ranks[k]);
    if (is_kept || before.size() < 8) continue;
    // It was left out: then it must not be of a better rank than the worst member.
    std::vector<Objectives> with_it = kept;
    with_it.push_back(all.back());
    ASSERT_GE(NondominationRanks(with_it).back(), ranks.back());
  }
}

TEST(Population, TheLastWordOnATrialCounts) {
  Population population(10);
  population.Tell(0, {}, {.values = {1, 1}});
  population.Tell(0, {}, {.kind = Outcome::Kind::kFailed});
  EXPECT_TRUE(population.Members().empty());
}

}  // namespace nsga2_test
}  // namespace ddl
