// SPDX-License-Identifier: Apache-2.0
#include "configs/initial_points_reader.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "configs/conditions.h"
#include "configs/expression_reader.h"
#include "configs/initial_points.h"
#include "configs/parameter_values.h"

namespace ddl {

namespace {

class PointReader {
 public:
  PointReader(const Space& space, SpecErrors& errors)
      : space_(space), names_(NamesOf(space)), errors_(errors) {}

  Json Read(const SpecNode& node) {
    Json point = Json::object();
    if (node.kind != SpecNode::Kind::kMap) {
      errors_.Add(node, "an initial point must be a mapping", "write {NAME: VALUE, …}");
    } else {
      ReadInto(point, node, "");
    }
    return point;
  }

 private:
  void ReadInto(Json& point, const SpecNode& node, const std::string& above) {
    for (const auto& [key, value] : node.entries) {
      const std::string name = above + key.text;
      const auto found = names_.find(name);
      if (found != names_.end()) {
        ReadValue(point, name, space_[found->second], value);
      } else if (value.kind == SpecNode::Kind::kMap && IsGroup(name + ".")) {
        ReadInto(point, value, name + ".");
      } else {
        errors_.Add(key, fmt::format("initial_points: there is no parameter {}", name),
                    MeantName(name, names_));
      }
    }
  }

  [[nodiscard]] bool IsGroup(const std::string& prefix) const {
    const auto next = names_.lower_bound(prefix);
    return next != names_.end() && next->first.starts_with(prefix);
  }

  void ReadValue(Json& point, const std::string& name, const Parameter& parameter,
                 const SpecNode& node) {
    if (!parameter.expr.empty()) {
      return errors_.Add(node, fmt::format("initial_points: {} is derived", name),
                         "leave it away: it follows from the others");
    }
    const Json value = ToJson(node);
    const std::optional<Json> taken = AsValueOf(parameter, value);
    if (!taken) {
      return errors_.Add(node,
                         fmt::format("initial_points: {} cannot be {}", name, DumpJson(value)),
                         fmt::format("it is {}", ShownValues(parameter)));
    }
    if (point.contains(name)) {
      return errors_.Add(node, fmt::format("initial_points: {} stands here twice", name),
                         "keep one of them");
    }
    point[name] = *taken;
  }

  const Space& space_;
  ParameterNames names_;
  SpecErrors& errors_;
};

std::string WhyNot(const CompletedPoint& completed, const SweepSpec& spec) {
  if (!completed.inactive.empty()) {
    return fmt::format("{} is not active there", completed.inactive);
  }
  if (!completed.objection) return "what it gives of zipped lists is not of one place";
  const ExpressionPlace& place = completed.objection->place;
  if (place.kind == ExpressionPlace::Kind::kConstraint) {
    return fmt::format("the constraint {} forbids it", spec.constraints[place.index]);
  }
  return fmt::format("{} has no result there", spec.space[place.index].Name());
}

}  // namespace

std::vector<Json> ReadInitialPoints(const SpecNode& node, const Space& space, SpecErrors& errors) {
  std::vector<Json> points;
  if (node.kind != SpecNode::Kind::kList || node.items.empty()) {
    errors.Add(node, "initial_points must be a list of points",
               "write initial_points: [{NAME: VALUE, …}]");
    return points;
  }
  PointReader reader(space, errors);
  for (const SpecNode& item : node.items) {
    points.push_back(reader.Read(item));
  }
  return points;
}

void CheckInitialPoints(const SpecNode& node, const SweepSpec& spec, SpecErrors& errors) {
  const Conditions conditions(spec.space, spec.constraints);
  for (std::size_t i = 0; i < spec.initial_points.size(); ++i) {
    const CompletedPoint completed = CompleteInitialPoint(spec, conditions, i);
    if (completed.configuration) continue;
    return errors.Add(node.items[i], fmt::format("initial_points: {}", WhyNot(completed, spec)),
                      "change the point, or what forbids it");
  }
}

}  // namespace ddl
