// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/hypervolume_growth.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/mix.h"
#include "scheduler/search/growing_front.h"

namespace ddl {
namespace hypervolume_growth_test {

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

// The volume of the first points, each count by itself.
double VolumeOfFirst(const Points& points, std::size_t count, const Objectives& reference) {
  return Hypervolume({points.begin(), points.begin() + static_cast<std::ptrdiff_t>(count)},
                     reference);
}

TEST(HypervolumeGrowth, IsTheVolumeOfWhatHadComeByThen) {
  for (const std::size_t objectives : {2U, 3U, 4U}) {
    const Points points = Drawn(objectives, 90, objectives, 12);
    const Objectives reference(objectives, 9);  // beyond which some lie
    const auto steps = HypervolumeGrowth(points, reference);
    ASSERT_TRUE(steps);
    ASSERT_FALSE(steps->empty());
    for (const HypervolumeStep& step : *steps) {
      const double volume = VolumeOfFirst(points, step.count, reference);
      EXPECT_NEAR(step.volume, volume, 1e-9 * volume) << objectives << " at " << step.count;
    }
    const double whole = VolumeOfFirst(points, points.size(), reference);
    EXPECT_NEAR(steps->back().volume, whole, 1e-9 * whole);
    EXPECT_TRUE(std::ranges::is_sorted(*steps, std::less_equal<>(), &HypervolumeStep::volume));
  }
}

TEST(HypervolumeGrowth, TellsEveryPointOfTwoObjectivesThatAddsToIt) {
  const Points points{{5, 5}, {6, 6}, {5, 5}, {4, 7}, {9, 1}, {3, 3}, {11, 0}};
  const auto steps = HypervolumeGrowth(points, {10, 10});
  ASSERT_TRUE(steps);
  std::vector<std::pair<std::size_t, double>> told;
  for (const HypervolumeStep& step : *steps)
    told.emplace_back(step.count, step.volume);
  EXPECT_THAT(told, testing::ElementsAre(std::pair(1U, 25.0), std::pair(4U, 28.0),
                                         std::pair(5U, 32.0), std::pair(6U, 51.0)));
}

TEST(HypervolumeGrowth, IsEmptyWhereNothingReachesTheReference) {
  const auto steps = HypervolumeGrowth({{5, 5}, {1, 9}}, {5, 5});
  ASSERT_TRUE(steps);
  EXPECT_TRUE(steps->empty());
}

TEST(HypervolumeGrowth, GivesUpWhereItWouldTakeLong) {
  Points points;
  for (int i = 0; i < 101; ++i) {
    const double x = i;
    points.push_back({x, 100 - x, 50, 50});
  }
  EXPECT_FALSE(HypervolumeGrowth(points, Objectives(4, 1000)));
  points.pop_back();
  EXPECT_TRUE(HypervolumeGrowth(points, Objectives(4, 1000)));
}

TEST(ReferenceFor, LiesATenthOfItsRangeBeyondTheFront) {
  // What diverged is on no front and moves nothing.
  EXPECT_THAT(ReferenceFor({{0, 30}, {10, 10}, {1e30, 1e30}}), testing::ElementsAre(11, 32));
}

TEST(ReferenceFor, TakesTheRangeOfAllWhereTheFrontHasNone) {
  EXPECT_THAT(ReferenceFor({{1, 2}, {3, 12}}),
              testing::ElementsAre(testing::DoubleNear(3.2, 1e-12), 13));
  const Objectives alone = ReferenceFor({{100, 0}});
  EXPECT_GT(alone[0], 100);
  EXPECT_GT(alone[1], 0);
}

TEST(GrowingFront, HasWhatTheWholeFrontHas) {
  for (const std::size_t objectives : {2U, 3U}) {
    const Points points = Drawn(7 + objectives, 200, objectives, 15);
    GrowingFront front;
    for (std::size_t i = 0; i < points.size(); ++i)
      front.Put(static_cast<std::int64_t>(i), points[i]);
    std::vector<std::size_t> members;
    for (const auto& [number, values] : front.Members())
      members.push_back(static_cast<std::size_t>(number));
    EXPECT_EQ(members, ParetoFront(points));
    double least = 1e9;
    for (const Objectives& point : points)
      least = std::min(least, point[1]);
    EXPECT_EQ(front.Least(1), least);
  }
}

TEST(GrowingFront, BringsBackWhatAMemberHadHidden) {
  GrowingFront front;
  front.Put(0, {2, 2});
  front.Put(1, {1, 1});
  ASSERT_EQ(front.Members().size(), 1U);
  front.Put(1, {3, 1});
  EXPECT_THAT(front.Members(), testing::ElementsAre(testing::Pair(0, Objectives{2, 2}),
                                                    testing::Pair(1, Objectives{3, 1})));
}

}  // namespace hypervolume_growth_test
}  // namespace ddl
