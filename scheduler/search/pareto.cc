// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/pareto.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

namespace ddl {

namespace {

std::vector<std::size_t> LexicographicOrder(const std::vector<Objectives>& points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&points](std::size_t a, std::size_t b) { return points[a] < points[b]; });
  return order;
}

// `front` holds points that come before this one in the order, none of which dominates another.
// With two objectives the last has the least second one, so that it alone is asked.
bool IsDominatedBy(const std::vector<std::size_t>& front, const std::vector<Objectives>& points,
                   std::size_t point) {
  if (points[point].size() <= 2) return Dominates(points[front.back()], points[point]);
  return std::any_of(front.rbegin(), front.rend(), [&points, point](std::size_t other) {
    return Dominates(points[other], points[point]);
  });
}

}  // namespace

bool Dominates(const Objectives& a, const Objectives& b) {
  assert(a.size() == b.size());
  bool is_better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    is_better = is_better || a[i] < b[i];
  }
  return is_better;
}

std::vector<std::size_t> NondominationRanks(const std::vector<Objectives>& points) {
  std::vector<std::size_t> ranks(points.size());
  std::vector<std::vector<std::size_t>> fronts;
  for (const std::size_t point : LexicographicOrder(points)) {
    // What a front dominates, every front before it dominates too.
    const auto front = std::ranges::partition_point(
        fronts, [&](const auto& members) { return IsDominatedBy(members, points, point); });
    ranks[point] = static_cast<std::size_t>(front - fronts.begin());
    if (front == fronts.end()) {
      fronts.push_back({point});
    } else {
      front->push_back(point);
    }
  }
  return ranks;
}

std::vector<std::size_t> ParetoFront(const std::vector<Objectives>& points) {
  std::vector<std::size_t> front;
  for (const std::size_t point : LexicographicOrder(points)) {
    if (front.empty() || !IsDominatedBy(front, points, point)) front.push_back(point);
  }
  std::ranges::sort(front);
  return front;
}

std::vector<double> CrowdingDistances(const std::vector<Objectives>& points) {
  std::vector<double> distances(points.size(), 0);
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t objectives = points.empty() ? 0 : points.front().size();
  for (std::size_t objective = 0; objective < objectives; ++objective) {
    const auto at = [&](std::size_t place) { return points[order[place]][objective]; };
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
      return points[a][objective] < points[b][objective];
    });
    const double range = at(order.size() - 1) - at(0);
    distances[order.front()] = distances[order.back()] = std::numeric_limits<double>::infinity();
    if (!(range > 0)) continue;
    for (std::size_t i = 1; i + 1 < order.size(); ++i) {
      distances[order[i]] += (at(i + 1) - at(i - 1)) / range;
    }
  }
  return distances;
}

}  // namespace ddl
