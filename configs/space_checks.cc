// SPDX-License-Identifier: Apache-2.0
#include "configs/space_checks.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/allowed_sampling.h"
#include "configs/conditions.h"
#include "configs/distributions.h"
#include "configs/grid.h"

namespace ddl {

namespace {

bool IsCounted(const Parameter& p) {
  return p.distribution == Distribution::kConstant ||
         p.distribution == Distribution::kCategorical ||
         p.distribution == Distribution::kIntUniform || p.distribution == Distribution::kQUniform;
}

class SpaceCheck {
 public:
  SpaceCheck(const SpaceKeys& keys, const SpaceReading& reading, const SweepSpec& spec,
             SpecErrors& errors)
      : keys_(keys), reading_(reading), spec_(spec), errors_(errors) {}

  void CheckGrid() {
    const Grid grid(spec_.space, spec_.constraints);
    if (!grid.TooTied().empty()) {
      return errors_.Add(
          *keys_.parameters,
          fmt::format("when, zip and constraints tie together {}: too many combinations to try",
                      fmt::join(grid.TooTied(), ", ")),
          "write fewer values, or method: random");
    }
    if (grid.FirstFault()) return ReportFault(grid.FirstFault()->objection, grid.FirstFault()->at);
    const std::optional<std::int64_t> size = grid.Size();
    if (size == 0) return ReportNothing("no point of the grid satisfies the constraints");
    constexpr std::int64_t kMost = 1'000'000'000;
    if (spec_.run_cap || (size && *size <= kMost / spec_.seeds)) return;
    errors_.Add(*keys_.parameters, fmt::format("the grid has more than {} trials", kMost),
                "write run_cap, fewer values, or method: random");
  }

  // Enough draws that expressions meet what they will meet, and one that is allowed.
  void CheckDrawn() {
    constexpr std::int64_t kMostTried = 10'000;
    constexpr std::int64_t kEnough = 256;
    constexpr std::int64_t kMostWork = 1'000'000;
    const Conditions conditions(spec_.space, spec_.constraints);
    if (conditions.AreNone()) return;
    bool is_possible = false;
    std::int64_t tried = 0;
    for (std::int64_t work = 0; tried < kMostTried && work < kMostWork; ++tried) {
      if (is_possible && tried >= kEnough) return;
      const Configuration point =
          SampleComplete(spec_.space, conditions, spec_.search_seed, tried, 0);
      work += std::ssize(spec_.space);
      const std::optional<Objection> objection = conditions.ObjectionTo(point, &work);
      if (objection && objection->fault) return ReportFault(*objection, point);
      is_possible = is_possible || !objection;
    }
    if (is_possible) return;
    const std::optional<std::int64_t> points = AllowedPoints(conditions);
    if (points && *points > 0) return;
    ReportNothing(points ? std::string("nothing satisfies the constraints")
                         : fmt::format("none of {} drawn points satisfies the constraints", tried));
  }

 private:
  // Of the parameters that the constraints are about, where these can be counted.
  std::optional<std::int64_t> AllowedPoints(const Conditions& conditions) const {
    std::vector<bool> wanted(spec_.space.size());
    for (std::size_t i = 0; i < conditions.Constraints(); ++i) {
      for (const std::size_t name : conditions.NamesOf(i)) {
        wanted[name] = true;
      }
    }
    const Space named = WithNeeds(spec_.space, wanted);
    if (!std::ranges::all_of(named, IsCounted)) return std::nullopt;
    const Grid grid(named, spec_.constraints);
    if (!grid.TooTied().empty()) return std::nullopt;
    return grid.Size().value_or(1);
  }

  void ReportNothing(const std::string& what) {
    const std::vector<SpecNode>& items = keys_.constraints->items;
    errors_.Add(items.size() == 1 ? items.front() : *keys_.constraints, what,
                "loosen them, or widen the parameters that they are about");
  }

  void ReportFault(const Objection& objection, const Configuration& point) {
    const ExpressionPlace& place = objection.place;
    const bool is_constraint = place.kind == ExpressionPlace::Kind::kConstraint;
    const bool is_when = place.kind == ExpressionPlace::Kind::kWhen;
    const std::string name = is_constraint ? "" : spec_.space[place.index].Name();
    const std::string& text = is_constraint ? spec_.constraints[place.index]
                              : is_when     ? spec_.space[place.index].when[place.which]
                                            : spec_.space[place.index].expr;
    const SpecNode& node = is_constraint ? keys_.constraints->items[place.index]
                           : is_when     ? *reading_.nodes[place.index].when[place.which]
                                         : *reading_.nodes[place.index].expr;
    std::string values;
    const Expression expression(text);
    for (const std::string& each : expression.Names()) {
      if (!point.contains(each)) continue;
      values += fmt::format("{}{} is {}", values.empty() ? " where " : ", ", each,
                            DumpJson(point.at(each)));
    }
    const std::string of =
        is_constraint ? "constraints"
                      : fmt::format("parameter \"{}\": {}", name, is_when ? "when" : "expr");
    errors_.AddWithin(node, objection.fault->at,
                      fmt::format("{}: {}{}", of, objection.fault->what, values),
                      objection.fault->hint.empty()
                          ? "it needs a result everywhere; A and B looks at B only where A is true"
                          : objection.fault->hint);
  }

  const SpaceKeys& keys_;
  const SpaceReading& reading_;
  const SweepSpec& spec_;
  SpecErrors& errors_;
};

}  // namespace

void CheckGridCounts(const SpaceReading& reading, SpecErrors& errors) {
  for (std::size_t i = 0; i < reading.space.size(); ++i) {
    const Parameter& p = reading.space[i];
    if (IsCounted(p)) continue;
    errors.Add(*reading.nodes[i].node,
               fmt::format("parameter \"{}\": a grid cannot go over {}", p.Name(),
                           ToString(p.distribution)),
               "list values, or use method: random");
  }
}

void CheckSpace(const SpaceKeys& keys, const SpaceReading& reading, const SweepSpec& spec,
                SpecErrors& errors) {
  SpaceCheck check(keys, reading, spec, errors);
  spec.method == Method::kGrid ? check.CheckGrid() : check.CheckDrawn();
}

}  // namespace ddl
