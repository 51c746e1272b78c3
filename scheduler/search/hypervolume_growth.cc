// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/hypervolume_growth.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "scheduler/search/staircase.h"

namespace ddl {

namespace {

constexpr std::size_t kMostSteps = 32;
constexpr double kBeyond = 0.1;

using Steps = std::vector<HypervolumeStep>;

Steps GrowthOfTwo(const std::vector<Objectives>& points, const Objectives& reference) {
  Staircase stairs(reference[0], reference[1]);
  Steps steps;
  double before = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i][0] >= reference[0] || points[i][1] >= reference[1]) continue;
    stairs.Add(points[i][0], points[i][1]);
    if (stairs.Area() <= before) continue;
    before = stairs.Area();
    steps.push_back({i + 1, before});
  }
  return steps;
}

// Those that no later one dominates leave it; equal ones stand in it once.
void AddToFront(std::vector<Objectives>& front, const Objectives& point) {
  const auto hides_it = [&point](const Objectives& other) {
    return other == point || Dominates(other, point);
  };
  if (std::ranges::any_of(front, hides_it)) return;
  std::erase_if(front, [&point](const Objectives& other) { return Dominates(point, other); });
  front.push_back(point);
}

// Of a front, so that all steps take a quarter of a second.
std::size_t MostPoints(std::size_t objectives) {
  if (objectives == 3) return 1000;
  return objectives == 4 ? 100 : 40;
}

struct Range {
  double least = 0;
  double most = 0;
};

Range RangeOf(const std::vector<Objectives>& points, std::size_t objective) {
  const auto value = [objective](const Objectives& point) { return point[objective]; };
  const auto [least, most] = std::ranges::minmax(points, {}, value);
  return {value(least), value(most)};
}

}  // namespace

std::optional<Steps> HypervolumeGrowth(const std::vector<Objectives>& points,
                                       const Objectives& reference) {
  if (reference.size() == 2) return GrowthOfTwo(points, reference);
  std::vector<Objectives> front;
  Steps steps;
  std::size_t next = 0;
  for (std::size_t step = 1; step <= kMostSteps; ++step) {
    const std::size_t count = points.size() * step / kMostSteps;
    const bool is_new = next < count;
    for (; next < count; ++next) {
      if (std::ranges::equal(points[next], reference, std::ranges::less{})) {
        AddToFront(front, points[next]);
      }
      if (front.size() > MostPoints(reference.size())) return std::nullopt;
    }
    const double volume = is_new ? Hypervolume(front, reference) : 0;
    const double before = steps.empty() ? 0 : steps.back().volume;
    if (volume > before) steps.push_back({count, volume});
  }
  return steps;
}

Objectives ReferenceFor(const std::vector<Objectives>& points) {
  assert(!points.empty());
  std::vector<Objectives> front;
  for (const std::size_t place : ParetoFront(points)) {
    front.push_back(points[place]);
  }
  Objectives reference;
  for (std::size_t objective = 0; objective < points.front().size(); ++objective) {
    Range range = RangeOf(front, objective);
    if (!(range.most > range.least)) range = RangeOf(points, objective);
    const double width =
        range.most > range.least ? range.most - range.least : std::max(std::abs(range.most), 1.0);
    reference.push_back(range.most + kBeyond * width);
  }
  return reference;
}

}  // namespace ddl
