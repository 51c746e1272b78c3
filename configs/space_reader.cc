// SPDX-License-Identifier: Apache-2.0
#include "configs/space_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/dependency_order.h"
#include "configs/expression.h"
#include "configs/expression_reader.h"
#include "configs/initial_points_reader.h"
#include "configs/parameter_reader.h"
#include "configs/space_checks.h"
#include "configs/zip_reader.h"

namespace ddl {

namespace {

std::vector<std::string> ReadConstraints(const SpecNode& node, SpecErrors& errors) {
  std::vector<std::string> constraints;
  if (node.kind != SpecNode::Kind::kList) {
    errors.Add(node, "constraints must be a list of expressions",
               "write constraints: [width * depth < 4096]");
    return constraints;
  }
  for (const SpecNode& item : node.items) {
    constraints.push_back(ReadExpression(item, "constraints", errors));
  }
  return constraints;
}

void CheckAllNames(const SpaceKeys& keys, const SpaceReading& reading, const SweepSpec& spec,
                   SpecErrors& errors) {
  const ParameterNames names = NamesOf(reading.space);
  std::set<const SpecNode*> are_checked;  // a group's condition is that of all in it
  for (std::size_t i = 0; i < reading.space.size(); ++i) {
    const Parameter& p = reading.space[i];
    const ParameterNodes& nodes = reading.nodes[i];
    for (std::size_t which = 0; which < p.when.size(); ++which) {
      if (!are_checked.insert(nodes.when[which]).second) continue;
      CheckNames(*nodes.when[which], p.when[which], fmt::format("parameter \"{}\": when", p.Name()),
                 names, errors);
    }
    if (nodes.expr == nullptr) continue;
    CheckNames(*nodes.expr, p.expr, fmt::format("parameter \"{}\": expr", p.Name()), names, errors);
  }
  for (std::size_t i = 0; i < spec.constraints.size(); ++i) {
    CheckNames(keys.constraints->items[i], spec.constraints[i], "constraints", names, errors);
  }
}

// All expressions can be read, and their names are known.
void CheckCircles(const SpaceReading& reading, SpecErrors& errors) {
  const ParameterNames names = NamesOf(reading.space);
  std::vector<std::vector<std::size_t>> needs(reading.space.size());
  for (std::size_t i = 0; i < reading.space.size(); ++i) {
    std::vector<std::string> texts = reading.space[i].when;
    if (!reading.space[i].expr.empty()) texts.push_back(reading.space[i].expr);
    for (const std::string& text : texts) {
      const Expression expression(text);
      for (const std::string& name : expression.Names()) {
        needs[i].push_back(names.find(name)->second);
      }
    }
  }
  std::vector<std::size_t> circle = OrderByNeeds(needs).cycle;
  if (circle.empty()) return;
  std::ranges::rotate(circle, std::ranges::min_element(circle));
  std::vector<std::string> shown;
  for (const std::size_t i : circle) {
    shown.push_back(reading.space[i].Name());
  }
  shown.push_back(shown.front());
  errors.Add(*reading.nodes[circle.front()].node,
             fmt::format("parameter \"{}\" depends on itself: {}", shown.front(),
                         fmt::join(shown, " -> ")),
             "let one of them not name the next");
}

}  // namespace

void ReadSpace(const SpaceKeys& keys, bool has_method, SweepSpec& spec, SpecErrors& errors,
               std::vector<std::string>& notes) {
  SpaceReading reading;
  if (keys.parameters != nullptr) reading = ReadParameters(*keys.parameters, errors);
  for (const SpecNode* node : {keys.constraints, keys.zip, keys.initial_points}) {
    if (node == nullptr || keys.parameters != nullptr) continue;
    return errors.Add(*node, "it is about parameters, and there are none", "write parameters:");
  }
  if (keys.constraints != nullptr) spec.constraints = ReadConstraints(*keys.constraints, errors);
  CheckAllNames(keys, reading, spec, errors);
  if (keys.zip != nullptr) ReadZip(*keys.zip, reading.space, errors);
  const bool is_grid = spec.method == Method::kGrid && has_method;
  if (is_grid) CheckGridCounts(reading, errors);
  if (keys.initial_points != nullptr) {
    spec.initial_points = ReadInitialPoints(*keys.initial_points, reading.space, errors);
  }
  if (errors.IsEmpty()) CheckCircles(reading, errors);
  if (is_grid && errors.IsEmpty()) CollapseRepeatedValues(reading.space, notes);
  spec.space = reading.space;
  if (!errors.IsEmpty() || !has_method || keys.parameters == nullptr) return;
  CheckSpace(keys, reading, spec, errors);
  if (errors.IsEmpty() && keys.initial_points != nullptr) {
    CheckInitialPoints(*keys.initial_points, spec, errors);
  }
}

}  // namespace ddl
