// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>

#include "scheduler/search/pareto.h"
#include "scheduler/search/staircase.h"

namespace ddl {

namespace {

using Points = std::vector<Objectives>;

double VolumeOfThree(Points points, const Objectives& reference) {
  std::ranges::stable_sort(points, {}, [](const Objectives& point) { return point[2]; });
  Staircase stairs(reference[0], reference[1]);
  double volume = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    stairs.Add(points[i][0], points[i][1]);
    const double next = i + 1 < points.size() ? points[i + 1][2] : reference[2];
    volume += stairs.Area() * (next - points[i][2]);
  }
  return volume;
}

double Box(const Objectives& point, const Objectives& reference) {
  double volume = 1;
  for (std::size_t i = 0; i < point.size(); ++i) {
    volume *= reference[i] - point[i];
  }
  return volume;
}

Points FrontOf(const Points& points) {
  Points front;
  for (const std::size_t place : ParetoFront(points)) {
    front.push_back(points[place]);
  }
  std::ranges::sort(front);
  const auto [first, last] = std::ranges::unique(front);
  front.erase(first, last);
  return front;
}

double Volume(const Points& points, const Objectives& reference);

// What points[place] adds to those after it.
double Exclusive(const Points& points, std::size_t place, const Objectives& reference) {
  Points limited;
  for (std::size_t i = place + 1; i < points.size(); ++i) {
    Objectives worse = points[i];
    for (std::size_t k = 0; k < worse.size(); ++k) {
      worse[k] = std::max(worse[k], points[place][k]);
    }
    limited.push_back(std::move(worse));
  }
  return Box(points[place], reference) - Volume(FrontOf(limited), reference);
}

// All points lie within the reference.
double Volume(const Points& points, const Objectives& reference) {
  if (points.empty()) return 0;
  if (reference.size() == 2) {
    Staircase stairs(reference[0], reference[1]);
    for (const Objectives& point : points) {
      stairs.Add(point[0], point[1]);
    }
    return stairs.Area();
  }
  if (reference.size() == 3) return VolumeOfThree(points, reference);
  double volume = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    volume += Exclusive(points, i, reference);
  }
  return volume;
}

bool IsWithin(const Objectives& point, const Objectives& reference) {
  assert(point.size() == reference.size());
  return std::ranges::equal(point, reference, std::ranges::less{});
}

// Of a front of two objectives in rising order of the first.
double Step(const Points& front, std::size_t i, const Objectives& reference) {
  const double right = i + 1 < front.size() ? front[i + 1][0] : reference[0];
  const double top = i > 0 ? front[i - 1][1] : reference[1];
  return (right - front[i][0]) * (top - front[i][1]);
}

// What the others hide of it, dominated ones too, is not its own.
double Alone(const Points& within, std::size_t i, const Objectives& reference) {
  Points point_first{within[i]};
  for (std::size_t other = 0; other < within.size(); ++other) {
    if (other != i) point_first.push_back(within[other]);
  }
  return Exclusive(point_first, 0, reference);
}

}  // namespace

double Hypervolume(const std::vector<Objectives>& points, const Objectives& reference) {
  Points within;
  for (const Objectives& point : points) {
    if (IsWithin(point, reference)) within.push_back(point);
  }
  return Volume(FrontOf(within), reference);
}

std::vector<double> HypervolumeContributions(const std::vector<Objectives>& points,
                                             const Objectives& reference) {
  std::vector<double> contributions(points.size(), 0);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (IsWithin(points[i], reference)) places.push_back(i);
  }
  std::ranges::stable_sort(places, {}, [&points](std::size_t place) { return points[place]; });
  Points within;
  for (const std::size_t place : places) {
    within.push_back(points[place]);
  }
  const std::vector<std::size_t> front = ParetoFront(within);
  const bool is_a_front = front.size() == within.size();
  for (const std::size_t i : front) {
    contributions[places[i]] =
        std::max(0.0, is_a_front && reference.size() == 2 ? Step(within, i, reference)
                                                          : Alone(within, i, reference));
  }
  return contributions;
}

}  // namespace ddl
