// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/own_answer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "configs/distributions.h"
#include "configs/error.h"
#include "configs/expression_reader.h"
#include "configs/parameter_values.h"
#include "configs/sampling.h"

namespace ddl {

namespace {

bool HasLogScale(Distribution distribution) {
  switch (distribution) {
    case Distribution::kLogUniform:
    case Distribution::kLogUniformValues:
    case Distribution::kQLogUniform:
    case Distribution::kQLogUniformValues:
    case Distribution::kInvLogUniform:
    case Distribution::kInvLogUniformValues:
    case Distribution::kLogNormal:
    case Distribution::kQLogNormal:
      return true;
    default:
      return false;
  }
}

Json DescribeRange(const Parameter& p) {
  auto [low, high] = BoundsOf(p);
  const bool is_quantized = EntryOf(p.distribution).is_quantized;
  if (is_quantized) {
    low = std::round(low / p.q) * p.q;
    high = std::round(high / p.q) * p.q;
  }
  Json range{{"kind", p.distribution == Distribution::kIntUniform ? "int" : "float"},
             {"distribution", ToString(p.distribution)},
             {"low", std::isfinite(low) ? Json(low) : Json()},
             {"high", std::isfinite(high) ? Json(high) : Json()},
             {"log", HasLogScale(p.distribution)}};
  if (p.distribution == Distribution::kIntUniform) {
    range["low"] = static_cast<std::int64_t>(low);
    range["high"] = static_cast<std::int64_t>(high);
  }
  if (is_quantized) range["step"] = p.q;
  switch (BaseOf(p.distribution)) {
    case BaseDistribution::kNormal:
      range["mu"] = p.mu;
      range["sigma"] = p.sigma;
      break;
    case BaseDistribution::kBeta:
      range["a"] = p.a;
      range["b"] = p.b;
      break;
    default:
      break;
  }
  return range;
}

Json Describe(const Parameter& p, const Space& space) {
  Json described;
  if (!p.expr.empty()) {
    described = {{"kind", "derived"}, {"expr", p.expr}};
  } else if (p.distribution == Distribution::kConstant) {
    described = {{"kind", "constant"}, {"value", p.values.front()}};
  } else if (p.distribution == Distribution::kCategorical) {
    described = {{"kind", "categorical"}, {"values", p.values}};
    if (!p.probabilities.empty()) described["probabilities"] = p.probabilities;
    if (p.ordinal) described["ordinal"] = *p.ordinal;
    if (p.zipped_to) described["zipped_to"] = space[*p.zipped_to].Name();
  } else {
    described = DescribeRange(p);
  }
  described["name"] = p.Name();
  if (!p.when.empty()) described["when"] = p.when;
  return described;
}

Error Wrong(const std::string& what) {
  return {what, "", ""};
}

// What is given, in the parameters' own form.
Configuration Given(const Space& space, const Json& answer) {
  const ParameterNames names = NamesOf(space);
  Configuration given = Json::object();
  for (const auto& [name, value] : answer.items()) {
    const auto found = names.find(name);
    if (found == names.end()) {
      throw Wrong(fmt::format("there is no parameter {} ({})", name, MeantName(name, names)));
    }
    const Parameter& parameter = space[found->second];
    if (!parameter.expr.empty()) {
      throw Wrong(fmt::format("{} follows from others: leave it away", name));
    }
    std::optional<Json> taken = AsValueOf(parameter, value);
    if (!taken) {
      throw Wrong(
          fmt::format("{} cannot be {}: it is {}", name, DumpJson(value), ShownValues(parameter)));
    }
    given[name] = *std::move(taken);
  }
  return given;
}

// Zipped parameters of which one is given are all at its place of their lists.
void TieGiven(const Space& space, Configuration& given) {
  for (std::size_t i = 0; i < space.size(); ++i) {
    if (!space[i].zipped_to) continue;
    const Parameter& first = space[*space[i].zipped_to];
    const auto fits = [&given](const Parameter& p, std::size_t place) {
      const auto value = given.find(p.Name());
      return value == given.end() || *value == p.values[place];
    };
    if (!given.contains(first.Name()) && !given.contains(space[i].Name())) continue;
    std::size_t place = 0;
    while (place < first.values.size() && !(fits(first, place) && fits(space[i], place))) {
      ++place;
    }
    if (place == first.values.size()) {
      throw Wrong(fmt::format("{} and {} are zipped, and not at one place of their lists",
                              first.Name(), space[i].Name()));
    }
    given[first.Name()] = first.values[place];
    given[space[i].Name()] = space[i].values[place];
  }
}

void CheckAllowed(const Space& space, const Conditions& conditions,
                  const std::vector<std::string>& constraints, const Configuration& complete) {
  const std::optional<Objection> objection = conditions.ObjectionTo(complete);
  if (!objection) return;
  const ExpressionPlace& place = objection->place;
  if (place.kind == ExpressionPlace::Kind::kConstraint) {
    throw Wrong(fmt::format("the constraint {} forbids it", constraints[place.index]));
  }
  throw Wrong(fmt::format("{} has no result there", space[place.index].Name()));
}

}  // namespace

Json DescribeSpace(const Space& space) {
  Json described = Json::array();
  for (const Parameter& parameter : space) {
    described.push_back(Describe(parameter, space));
  }
  return described;
}

Configuration CheckedConfiguration(const Space& space, const Conditions& conditions,
                                   const std::vector<std::string>& constraints,
                                   const Json& answer) {
  if (!answer.is_object()) throw Wrong("a configuration is an object of names and values");
  Configuration given = Given(space, answer);
  TieGiven(space, given);
  // What is missing stands in for itself until it is known whether it is active.
  Configuration point = SamplePoint(space, 0, 0);
  point.update(given);
  Configuration complete = conditions.Complete(std::move(point));
  for (const Parameter& p : space) {
    const bool must_be_given = p.expr.empty() && p.distribution != Distribution::kConstant;
    if (must_be_given && complete.contains(p.Name()) && !given.contains(p.Name())) {
      throw Wrong(fmt::format("{} is missing", p.Name()));
    }
  }
  CheckAllowed(space, conditions, constraints, complete);
  return complete;
}

}  // namespace ddl
