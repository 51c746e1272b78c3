// SPDX-License-Identifier: Apache-2.0
#include "cli/warm_start.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "configs/conditions.h"
#include "configs/error.h"
#include "configs/json.h"
#include "scheduler/search/domain.h"
#include "store/reader.h"

namespace ddl {

namespace {

// The means over seeds of what has finished.
std::vector<WarmPoint> PointsOfSweep(const std::string& name, const SweepSpec& spec,
                                     const std::string& store_folder) {
  if (!std::filesystem::exists(store_folder + "/ddl.db")) {
    throw Error(fmt::format("warm_start: there is no sweep \"{}\"", name), store_folder,
                "name one that `ddl status` lists");
  }
  const StoreReader reader = StoreReader::Open(store_folder);
  const std::optional<SweepLine> sweep = reader.Sweep(name);
  if (!sweep) {
    throw Error(fmt::format("warm_start: there is no sweep \"{}\"", name), store_folder,
                "name one that `ddl status` lists");
  }
  if (spec.objectives.size() > 1 || !spec.metric || sweep->metric != spec.metric->name) {
    throw Error(fmt::format("warm_start: {} is about {}", name, sweep->metric), "",
                "a search learns from results of its own metric, and of one");
  }
  struct Sum {
    std::string params_json;
    double values = 0;
    double count = 0;
  };
  std::map<std::int64_t, Sum> sums;
  for (const TrialLine& trial : reader.Trials(sweep->id, {.state = TrialState::kFinished})) {
    if (!trial.objective) continue;
    Sum& sum = sums[trial.configuration];
    sum.params_json = trial.params_json;
    sum.values += *trial.objective;
    ++sum.count;
  }
  std::vector<WarmPoint> points;
  for (const auto& [configuration, sum] : sums)
    points.push_back({ParseJson(sum.params_json, name), {sum.values / sum.count}});
  return points;
}

// The configuration as the space would have it, or nothing where it could not have proposed it.
std::optional<Configuration> Fit(const Configuration& tried, const Domain& domain,
                                 const Conditions& conditions) {
  Configuration own = Json::object();
  for (const Parameter& parameter : domain.GetSpace()) {
    const std::string name = parameter.Name();
    const bool is_constant = parameter.distribution == Distribution::kConstant;
    if (is_constant && !parameter.values.empty()) {
      own[name] = parameter.values.front();
    } else if (tried.contains(name)) {
      own[name] = tried.at(name);
    } else if (parameter.when.empty() && !is_constant) {
      return std::nullopt;
    }
  }
  Configuration complete = conditions.Complete(own);
  if (!conditions.Allows(complete)) return std::nullopt;
  Point point = domain.Encode(complete);
  std::ranges::replace_if(point, [](double x) { return std::isnan(x); }, 0.0);
  const Configuration back = domain.Decode(point);
  for (const auto& [name, value] : complete.items()) {
    if (!back.contains(name)) return std::nullopt;
    const Json& same = back.at(name);
    if (!value.is_number() || !same.is_number()) {
      if (value != same) return std::nullopt;
      continue;
    }
    const double number = value.get<double>();
    constexpr double kRounding = 1e-6;
    if (std::abs(same.get<double>() - number) > kRounding * (1e-12 + std::abs(number)))
      return std::nullopt;
  }
  return complete;
}

std::vector<WarmPoint> ThoseThatFit(const std::vector<WarmPoint>& points, const SweepSpec& spec) {
  const Domain domain(spec.space);
  const Conditions conditions(spec.space, spec.constraints);
  std::vector<WarmPoint> fitting;
  for (const WarmPoint& point : points) {
    if (auto fit = Fit(point.configuration, domain, conditions))
      fitting.push_back({std::move(*fit), point.values});
  }
  return fitting;
}

void KeepBest(std::vector<WarmPoint>& points, std::int64_t limit, bool maximizes) {
  std::ranges::stable_sort(points, [maximizes](const WarmPoint& a, const WarmPoint& b) {
    return maximizes ? a.values > b.values : a.values < b.values;
  });
  if (std::ssize(points) > limit) points.resize(static_cast<std::size_t>(limit));
}

}  // namespace

void PrepareWarmStart(SweepRequest& request, const std::string& store_folder) {
  SweepSpec& spec = request.spec;
  if (!spec.warm_start) return;
  const WarmStart& warm = *spec.warm_start;
  const std::string source = warm.sweep.empty() ? warm.file : warm.sweep;
  const std::vector<WarmPoint> all = PointsOfSweep(warm.sweep, spec, store_folder);
  spec.warm_points = ThoseThatFit(all, spec);
  if (spec.warm_points.empty()) {
    throw Error(
        fmt::format("warm_start: none of {} results of {} fits this space", all.size(), source), "",
        "the parameters need the same names, and values within their ranges");
  }
  if (warm.limit) KeepBest(spec.warm_points, *warm.limit, spec.metric->goal == Goal::kMaximize);
  fmt::print(stderr, "note: learns from {} of {} results of {}\n", spec.warm_points.size(),
             all.size(), source);
}

}  // namespace ddl
