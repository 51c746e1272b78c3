// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/pareto.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/mix.h"

namespace ddl {
namespace pareto_test {

using Points = std::vector<Objectives>;

// Whole numbers of a small range, so that equal values and equal points are among them.
Points Drawn(std::uint64_t seed, std::size_t count, std::size_t objectives, std::uint64_t levels) {
  Points points(count, Objectives(objectives));
  for (std::size_t i = 0; i < count * objectives; ++i) {
    points[i / objectives][i % objectives] =
        static_cast<double>(Mix(seed * 1'000'003 + i) % levels);
  }
  return points;
}

// Rank by rank, each point against each other.
std::vector<std::size_t> RanksByDefinition(const Points& points) {
  constexpr std::size_t kUnknown = 1'000'000;
  std::vector<std::size_t> ranks(points.size(), kUnknown);
  for (std::size_t rank = 0; std::ranges::count(ranks, kUnknown) > 0; ++rank) {
    std::vector<std::size_t> next = ranks;
    for (std::size_t i = 0; i < points.size(); ++i) {
      bool is_dominated = false;
      for (std::size_t j = 0; j < points.size(); ++j) {
        is_dominated |= ranks[j] == kUnknown && Dominates(points[j], points[i]);
      }
      if (ranks[i] == kUnknown && !is_dominated) next[i] = rank;
    }
    ranks = next;
  }
  return ranks;
}

// Of points with whole coordinates: unit cells that some point dominates.
double CellsDominated(const Points& points, std::size_t levels) {
  const std::size_t objectives = points.front().size();
  auto cells = static_cast<std::size_t>(
      std::pow(static_cast<double>(levels), static_cast<double>(objectives)) + 0.5);
  double dominated = 0;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    dominated += std::ranges::any_of(points, [&](const Objectives& point) {
      std::size_t rest = cell;
      for (const double at : point) {
        if (at > static_cast<double>(rest % levels)) return false;
        rest /= levels;
      }
      return true;
    });
  }
  return dominated;
}

TEST(Pareto, DominatesOnlyWhatIsWorseSomewhereAndBetterNowhere) {
  EXPECT_TRUE(Dominates({1, 2}, {1, 3}));
  EXPECT_FALSE(Dominates({1, 2}, {1, 2}));
  EXPECT_FALSE(Dominates({1, 2}, {0, 3}));
}

TEST(Pareto, RanksAsTheDefinitionSays) {
  for (const std::size_t objectives : {1, 2, 3, 4}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Points points = Drawn(seed, 40, objectives, 8);
      const auto expected = RanksByDefinition(points);
      EXPECT_EQ(NondominationRanks(points), expected) << objectives << " of seed " << seed;
      std::vector<std::size_t> front;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        if (expected[i] == 0) front.push_back(i);
      }
      EXPECT_EQ(ParetoFront(points), front);
    }
  }
}

TEST(Pareto, RanksAHundredThousandOfTwoInNoTime) {
  const Points points = Drawn(3, 100'000, 2, 1'000'000'000);
  const auto ranks = NondominationRanks(points);  // by pairs this would take minutes
  EXPECT_GT(std::ranges::max(ranks), 100U);
}

TEST(Pareto, CrowdingIsTheShareOfTheRangeBetweenNeighbours) {
  const auto distances = CrowdingDistances({{0, 10}, {4, 5}, {10, 0}, {5, 4}});
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(distances, testing::ElementsAre(kInfinity, testing::DoubleNear(0.5 + 0.6, 1e-12),
                                              kInfinity, testing::DoubleNear(0.6 + 0.5, 1e-12)));
  EXPECT_TRUE(CrowdingDistances({}).empty());
}

TEST(Pareto, VolumeIsTheCellsThatAreDominated) {
  for (const std::size_t objectives : {1, 2, 3, 4, 5}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Points points = Drawn(seed, 12, objectives, 6);
      const double expected = CellsDominated(points, 5);
      EXPECT_DOUBLE_EQ(Hypervolume(points, Objectives(objectives, 5)), expected)
          << objectives << " objectives of seed " << seed;
    }
  }
}

TEST(Pareto, ContributionsAreWhatTheVolumeLoses) {
  for (const std::size_t objectives : {2, 3, 4}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Points points = Drawn(seed, 12, objectives, 7);
      const Objectives reference(objectives, 6);
      const auto contributions = HypervolumeContributions(points, reference);
      for (std::size_t i = 0; i < points.size(); ++i) {
        Points others = points;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_DOUBLE_EQ(contributions[i],
                         Hypervolume(points, reference) - Hypervolume(others, reference));
      }
    }
  }
}

TEST(Pareto, NothingBeyondTheReferenceCounts) {
  EXPECT_EQ(Hypervolume({}, {1, 1}), 0);
  EXPECT_EQ(Hypervolume({{2, 0}, {1, 0.5}}, {1, 1}), 0);
  EXPECT_EQ(Hypervolume({{2, 0}, {0.5, 0.5}}, {1, 1}), 0.25);
}

// The unit sphere's corner: 10,000 points of its surface dominate nearly all that lies beyond it.
TEST(Pareto, MeasuresALargeFrontOfThree) {
  Points points;
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 100; ++j) {
      const double along = (i + 0.5) / 100 * std::acos(0.0);
      const double up = (j + 0.5) / 100 * std::acos(0.0);
      points.push_back({1 - std::cos(along) * std::cos(up), 1 - std::sin(along) * std::cos(up),
                        1 - std::sin(up)});
    }
  }
  EXPECT_NEAR(Hypervolume(points, {1, 1, 1}), 4.0 / 3 * std::acos(-1.0) / 8, 0.01);
}

}  // namespace pareto_test
}  // namespace ddl
