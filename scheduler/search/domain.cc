// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/domain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "configs/distributions.h"
#include "configs/sampling.h"
#include "scheduler/search/quantiles.h"

namespace ddl {

namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
// Quantiles of 0 and 1 are infinite where a distribution has no bounds.
constexpr double kEdge = 0x1p-53;

bool IsRising(const std::vector<Json>& values, double sign) {
  return std::ranges::adjacent_find(values, [sign](const Json& a, const Json& b) {
           return sign * a.get<double>() >= sign * b.get<double>();
         }) == values.end();
}

bool IsOrdered(const Parameter& p) {
  if (p.distribution != Distribution::kCategorical) return true;
  if (p.ordinal) return *p.ordinal;
  if (!p.probabilities.empty() || p.values.size() < 2) return false;
  const bool are_numbers = std::ranges::all_of(p.values, &Json::is_number);
  return are_numbers && (IsRising(p.values, 1) || IsRising(p.values, -1));
}

// Of bounded ones; 0: without bound, or beyond counting.
std::int64_t LevelsOf(const Parameter& p) {
  constexpr double kMost = 1e15;
  if (p.distribution == Distribution::kCategorical) return std::ssize(p.values);
  if (p.distribution == Distribution::kIntUniform) {
    const double levels = p.max - p.min + 1;
    return levels < kMost ? static_cast<std::int64_t>(levels) : 0;
  }
  const bool is_bounded = BaseOf(p.distribution) != BaseDistribution::kNormal;
  if (!EntryOf(p.distribution).is_quantized || !is_bounded) return 0;
  const double low = ValueAt(p, 0).get<double>();
  const double high = ValueAt(p, 1).get<double>();
  const double levels = std::round((high - low) / p.q) + 1;
  return levels < kMost ? static_cast<std::int64_t>(levels) : 0;
}

std::int64_t LevelOf(const Dimension& dimension, double coordinate) {
  const auto levels = static_cast<double>(dimension.levels);
  return static_cast<std::int64_t>(std::clamp(std::floor(coordinate * levels), 0.0, levels - 1));
}

double Inner(double share) {
  return std::clamp(share, kEdge, 1 - kEdge);
}

double ShareOf(const Parameter& p, double value) {
  const double base = BaseOfValue(p, value);
  return std::isnan(base) ? kAbsent : std::clamp(ShareBelow(p, base), 0.0, 1.0);
}

// Of what has no list.
Json NumberAt(const Parameter& p, double coordinate) {
  // 1 would be one too many.
  const double most = p.distribution == Distribution::kIntUniform ? 1 - kEdge : 1;
  return ValueAt(p, BaseOf(p.distribution) == BaseDistribution::kUniform
                        ? std::clamp(coordinate, 0.0, most)
                        : BaseAt(p, Inner(coordinate)));
}

// A multiple of q has all the shares that are rounded to it.
std::pair<double, double> CellOfMultiple(const Parameter& p, double value) {
  const double low = ShareOf(p, value - p.q / 2);
  const double high = ShareOf(p, value + p.q / 2);
  const bool is_lowest = std::isnan(low);  // the log of what is not positive
  return {is_lowest ? 0 : std::min(low, high), std::max(is_lowest ? 0 : low, high)};
}

}  // namespace

Domain::Domain(Space space)
    : space_(std::move(space)), conditions_(space_), zipped_(space_.size()) {
  for (std::size_t i = 0; i < space_.size(); ++i) {
    const Parameter& p = space_[i];
    if (p.zipped_to) zipped_[*p.zipped_to].push_back(i);
    if (BaseOf(p.distribution) == BaseDistribution::kNone || p.zipped_to) continue;
    const bool is_ordered = IsOrdered(p);
    const bool is_stepped = is_ordered && (p.distribution == Distribution::kCategorical ||
                                           p.distribution == Distribution::kIntUniform ||
                                           EntryOf(p.distribution).is_quantized);
    dimensions_.push_back({i, !is_ordered, is_stepped, LevelsOf(p)});
  }
}

Configuration Domain::Decode(const Point& point) const {
  Configuration configuration = Json::object();
  std::size_t next = 0;
  for (std::size_t i = 0; i < space_.size(); ++i) {
    const Parameter& p = space_[i];
    if (p.zipped_to) continue;
    const bool varies = next < dimensions_.size() && dimensions_[next].parameter == i;
    if (!varies) {
      configuration[p.Name()] = ValueAt(p, 0);
      continue;
    }
    const double coordinate = std::isnan(point[next]) ? 0.5 : point[next];
    if (p.distribution == Distribution::kCategorical) {
      const std::size_t level = ListPlaceOf(next, coordinate);
      configuration[p.Name()] = p.values[level];
      for (const std::size_t other : zipped_[i]) {
        configuration[space_[other].Name()] = space_[other].values[level];
      }
    } else {
      configuration[p.Name()] = NumberAt(p, coordinate);
    }
    ++next;
  }
  return conditions_.Complete(std::move(configuration));
}

std::size_t Domain::ListPlaceOf(std::size_t dimension, double coordinate) const {
  const Dimension& d = dimensions_[dimension];
  const double last = static_cast<double>(d.levels) - 1;
  return static_cast<std::size_t>(d.is_categorical ? std::clamp(std::floor(coordinate), 0.0, last)
                                                   : static_cast<double>(LevelOf(d, coordinate)));
}

Point Domain::Encode(const Configuration& configuration) const {
  Point point(dimensions_.size(), kAbsent);
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    const Parameter& p = ParameterOf(i);
    if (p.distribution == Distribution::kCategorical) {
      const std::optional<std::size_t> place = PlaceIn(configuration, dimensions_[i].parameter);
      if (!place) continue;
      const auto level = static_cast<double>(*place);
      const auto levels = static_cast<double>(dimensions_[i].levels);
      point[i] = dimensions_[i].is_categorical ? level : (level + 0.5) / levels;
      continue;
    }
    const auto found = configuration.find(p.Name());
    if (found == configuration.end() || !found->is_number()) continue;
    const double share = ShareOf(p, found->get<double>());
    point[i] = std::isnan(share) ? share : Snap(i, share);
  }
  return point;
}

// The first where all that the configuration has of the list, and of those zipped to it, is.
std::optional<std::size_t> Domain::PlaceIn(const Configuration& configuration,
                                           std::size_t parameter) const {
  std::vector<std::pair<const std::vector<Json>*, const Json*>> present;
  const auto look = [&](std::size_t i) {
    const auto found = configuration.find(space_[i].Name());
    if (found != configuration.end()) present.emplace_back(&space_[i].values, &*found);
  };
  look(parameter);
  std::ranges::for_each(zipped_[parameter], look);
  if (present.empty()) return std::nullopt;
  for (std::size_t place = 0; place < space_[parameter].values.size(); ++place) {
    const bool fits = std::ranges::all_of(
        present, [place](const auto& each) { return (*each.first)[place] == *each.second; });
    if (fits) return place;
  }
  return std::nullopt;
}

std::pair<double, double> Domain::Cell(std::size_t dimension, double coordinate) const {
  const Dimension& d = dimensions_[dimension];
  const Parameter& p = ParameterOf(dimension);
  if (!d.is_stepped) return {coordinate, coordinate};
  if (!EntryOf(p.distribution).is_quantized && d.levels > 0) {
    const auto levels = static_cast<double>(d.levels);
    const auto level = static_cast<double>(LevelOf(d, coordinate));
    return {level / levels, (level + 1) / levels};
  }
  if (!EntryOf(p.distribution).is_quantized) return {coordinate, coordinate};
  const double base = BaseAt(p, Inner(coordinate));
  return CellOfMultiple(p, ValueAt(p, base).get<double>());
}

double Domain::Snap(std::size_t dimension, double coordinate) const {
  const auto [low, high] = Cell(dimension, coordinate);
  return low + (high - low) / 2;
}

double Domain::CategoryAt(std::size_t dimension, double share) const {
  auto level = static_cast<double>(PlaceAt(ParameterOf(dimension), share));
  // The last one takes what probabilities lack of 1.
  while (level > 0 && !MayDraw(dimension, level))
    --level;
  return level;
}

bool Domain::MayDraw(std::size_t dimension, double coordinate) const {
  const std::vector<double>& chances = ParameterOf(dimension).probabilities;
  if (!dimensions_[dimension].is_categorical || chances.empty() || std::isnan(coordinate)) {
    return true;
  }
  return chances[ListPlaceOf(dimension, coordinate)] > 0;
}

}  // namespace ddl
