// SPDX-License-Identifier: Apache-2.0
#include "configs/initial_points.h"

#include <algorithm>
#include <utility>

#include "configs/allowed_sampling.h"
#include "configs/mix.h"
#include "configs/sampling.h"

namespace ddl {

namespace {

constexpr std::uint64_t kInitialStream = 0x696e697469616cU;
constexpr std::int64_t kMostInitialDraws = 1000;

bool IsOfGroup(const Space& space, std::size_t i, std::size_t first) {
  return i == first || space[i].zipped_to == first;
}

// Zipped parameters are at one place of their lists: the first where all that is given of them is.
// False: there is none.
bool Tie(const Space& space, const Json& given, Configuration& point) {
  const auto is_zipped = [](const Parameter& p) { return p.zipped_to.has_value(); };
  if (std::ranges::none_of(space, is_zipped)) return true;
  for (std::size_t first = 0; first < space.size(); ++first) {
    if (space[first].zipped_to || space[first].distribution != Distribution::kCategorical) continue;
    std::vector<std::size_t> group;
    bool is_given = false;
    for (std::size_t i = first; i < space.size(); ++i) {
      if (!IsOfGroup(space, i, first)) continue;
      group.push_back(i);
      is_given = is_given || given.contains(space[i].Name());
    }
    if (group.size() < 2 || !is_given) continue;
    const std::size_t places = space[first].values.size();
    std::size_t place = 0;
    const auto fits = [&](std::size_t i) {
      const auto value = given.find(space[i].Name());
      return value == given.end() || *value == space[i].values[place];
    };
    while (place < places && !std::ranges::all_of(group, fits)) {
      ++place;
    }
    if (place == places) return false;
    for (const std::size_t i : group) {
      point[space[i].Name()] = space[i].values[place];
    }
  }
  return true;
}

std::string InactiveOf(const Json& given, const Configuration& complete) {
  for (const auto& item : given.items()) {
    if (!complete.contains(item.key())) return item.key();
  }
  return {};
}

}  // namespace

CompletedPoint CompleteInitialPoint(const SweepSpec& spec, const Conditions& conditions,
                                    std::size_t index) {
  const Json& given = spec.initial_points[index];
  CompletedPoint completed;
  for (std::int64_t draw = 0; draw < kMostInitialDraws; ++draw) {
    const std::uint64_t stream =
        Mix(spec.search_seed ^ kInitialStream) + static_cast<std::uint64_t>(draw);
    Configuration point = SamplePoint(spec.space, stream, static_cast<std::int64_t>(index));
    for (const auto& item : given.items()) {
      if (point.contains(item.key())) point[item.key()] = item.value();
    }
    if (!Tie(spec.space, given, point)) return completed;
    point = conditions.Complete(std::move(point));
    completed.inactive = InactiveOf(given, point);
    if (!completed.inactive.empty()) continue;
    completed.objection = conditions.ObjectionTo(point);
    if (completed.objection) continue;
    completed.configuration = std::move(point);
    break;
  }
  return completed;
}

std::vector<Configuration> InitialPoints(const SweepSpec& spec) {
  std::vector<Configuration> points;
  if (spec.initial_points.empty()) return points;
  const Conditions conditions(spec.space, spec.constraints);
  for (std::size_t i = 0; i < spec.initial_points.size(); ++i) {
    CompletedPoint completed = CompleteInitialPoint(spec, conditions, i);
    if (completed.configuration) points.push_back(std::move(*completed.configuration));
  }
  return points;
}

}  // namespace ddl
