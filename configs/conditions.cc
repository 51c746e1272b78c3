// SPDX-License-Identifier: Apache-2.0
#include "configs/conditions.h"

#include <algorithm>
#include <deque>
#include <utility>

#include <fmt/format.h>

#include "configs/dependency_order.h"
#include "configs/error.h"

namespace ddl {

namespace {

// `when` and constraints are true or false.
Evaluated AsCondition(Evaluated evaluated) {
  if (evaluated.kind == Evaluated::Kind::kValue && !evaluated.value.is_boolean()) {
    evaluated.fault = {
        0, fmt::format("a condition is true or false, this is {}", TypeName(evaluated.value)),
        "compare it with something"};
    evaluated.kind = Evaluated::Kind::kFault;
  }
  return evaluated;
}

}  // namespace

Conditions::Conditions(const Space& space, const std::vector<std::string>& constraints)
    : needs_(space.size()), rules_at_(space.size()) {
  names_.reserve(space.size());
  for (const Parameter& parameter : space) {
    names_.push_back(parameter.Name());
  }
  Places places;
  for (std::size_t i = 0; i < space.size(); ++i) {
    places.emplace(names_[i], i);
  }
  for (std::size_t i = 0; i < space.size(); ++i) {
    ReadRules(space[i], i, places);
  }
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    constraints_.push_back(RuleOf(constraints[i], {ExpressionPlace::Kind::kConstraint, i}, places));
  }
  Sort();
}

void Conditions::ReadRules(const Parameter& parameter, std::size_t index, const Places& places) {
  if (parameter.when.empty() && parameter.expr.empty()) return;
  Rules rules;
  for (std::size_t which = 0; which < parameter.when.size(); ++which) {
    const ExpressionPlace place{ExpressionPlace::Kind::kWhen, index, which};
    rules.when.push_back(RuleOf(parameter.when[which], place, places));
  }
  if (!parameter.expr.empty()) {
    rules.expr = RuleOf(parameter.expr, {ExpressionPlace::Kind::kExpr, index}, places);
    needs_[index] = rules.expr->parameters;
  }
  for (const Rule& rule : rules.when) {
    needs_[index].insert(needs_[index].end(), rule.parameters.begin(), rule.parameters.end());
  }
  rules_.push_back(std::move(rules));
  rules_at_[index] = rules_.size();
}

void Conditions::Sort() {
  DependencyOrder sorted = OrderByNeeds(needs_);
  if (!sorted.cycle.empty()) {
    throw Error(fmt::format("parameter {} depends on itself", names_[sorted.cycle.front()]), "",
                "");
  }
  order_ = std::move(sorted.order);
  std::vector<bool> is_used(names_.size());
  const auto use = [&is_used](const std::vector<std::size_t>& parameters) {
    for (const std::size_t i : parameters) {
      is_used[i] = true;
    }
  };
  std::ranges::for_each(needs_, use);
  for (const Rule& rule : constraints_) {
    use(rule.parameters);
  }
  for (const std::size_t i : order_) {
    if (rules_at_[i] > 0) ruled_.push_back(i);
    if (rules_at_[i] > 0 || is_used[i]) used_.push_back(i);
  }
}

Conditions::Rule Conditions::RuleOf(const std::string& text, const ExpressionPlace& place,
                                    const Places& places) {
  try {
    Rule rule{place, Expression(text), {}};
    for (const std::string& name : rule.expression.Names()) {
      const auto found = places.find(name);
      if (found == places.end()) throw Error(fmt::format("no parameter {}", name), text, "");
      rule.parameters.push_back(found->second);
    }
    return rule;
  } catch (const ExpressionFault& fault) {
    throw Error(fault.what, text, fault.hint);
  }
}

Configuration Conditions::Complete(Configuration configuration) const {
  if (rules_.empty()) return configuration;
  Values values = ValuesIn(configuration);
  std::deque<std::pair<std::size_t, Json>> derived;  // where they are, they stay
  std::vector<std::size_t> inactive;
  for (const std::size_t i : ruled_) {
    if (!IsActive(i, values).holds) {
      values[i] = nullptr;
      inactive.push_back(i);
    } else if (RulesOf(i)->expr) {
      Json& value = derived.emplace_back(i, Json()).second;
      const bool is_there = Derive(i, values, value).holds;
      values[i] = is_there ? &value : nullptr;
      if (!is_there) inactive.push_back(i);
    }
  }
  for (const std::size_t i : inactive) {
    configuration.erase(names_[i]);
  }
  for (auto& [i, value] : derived) {
    if (values[i] != nullptr) configuration[names_[i]] = std::move(value);
  }
  return configuration;
}

std::optional<Objection> Conditions::ObjectionTo(const Configuration& complete,
                                                 std::int64_t* steps) const {
  if (AreNone()) return std::nullopt;
  const Values values = ValuesIn(complete);
  const auto objects = [steps](const Judgement& judgement) {
    if (steps != nullptr) *steps += judgement.steps;
    return judgement.objection.has_value();
  };
  for (const std::size_t i : ruled_) {
    const Judgement active = IsActive(i, values);
    if (objects(active)) return active.objection;
    if (!active.holds || !RulesOf(i)->expr) continue;
    Json ignored;
    const Judgement derived = Derive(i, values, ignored);
    if (objects(derived)) return derived.objection;
  }
  for (std::size_t i = 0; i < constraints_.size(); ++i) {
    const Judgement judgement = Holds(i, values);
    if (objects(judgement)) return judgement.objection;
    if (!judgement.holds) return Objection{constraints_[i].place, std::nullopt};
  }
  return std::nullopt;
}

Conditions::Judgement Conditions::IsActive(std::size_t parameter, const Values& values) const {
  const Rules* rules = RulesOf(parameter);
  Judgement judgement;
  for (std::size_t i = 0; rules != nullptr && i < rules->when.size() && judgement.holds; ++i) {
    const std::int64_t before = judgement.steps;
    judgement = Judge(rules->when[i], values, false);
    judgement.steps += before;
  }
  return judgement;
}

Conditions::Judgement Conditions::Derive(std::size_t parameter, const Values& values,
                                         Json& value) const {
  const Rule& rule = *RulesOf(parameter)->expr;
  Evaluated evaluated = Evaluate(rule, values);
  value = std::move(evaluated.value);
  Judgement judgement{.holds = evaluated.kind == Evaluated::Kind::kValue, .steps = evaluated.steps};
  if (evaluated.kind == Evaluated::Kind::kFault) {
    judgement.objection = Objection{rule.place, std::move(evaluated.fault)};
  }
  return judgement;
}

Conditions::Judgement Conditions::Holds(std::size_t constraint, const Values& values) const {
  return Judge(constraints_[constraint], values, true);
}

Evaluated Conditions::Evaluate(const Rule& rule, const Values& values) {
  constexpr std::size_t kFew = 8;
  const std::size_t count = rule.parameters.size();
  const Json* few[kFew];  // NOLINT(modernize-avoid-c-arrays)
  std::vector<const Json*> many(count > kFew ? count : 0);
  const std::span<const Json*> arguments =
      count > kFew ? std::span<const Json*>(many) : std::span<const Json*>(few, count);
  for (std::size_t i = 0; i < count; ++i) {
    arguments[i] = values[rule.parameters[i]];
  }
  return rule.expression.Evaluate(arguments);
}

Conditions::Judgement Conditions::Judge(const Rule& rule, const Values& values, bool if_absent) {
  Evaluated evaluated = AsCondition(Evaluate(rule, values));
  Judgement judgement{.holds = evaluated.IsTrue(), .steps = evaluated.steps};
  if (evaluated.kind == Evaluated::Kind::kAbsent) judgement.holds = if_absent;
  if (evaluated.kind == Evaluated::Kind::kFault) {
    judgement.objection = Objection{rule.place, std::move(evaluated.fault)};
  }
  return judgement;
}

const Conditions::Rules* Conditions::RulesOf(std::size_t parameter) const {
  const std::size_t at = rules_at_[parameter];
  return at == 0 ? nullptr : &rules_[at - 1];
}

Conditions::Values Conditions::ValuesIn(const Configuration& configuration) const {
  Values values(names_.size());
  for (const std::size_t i : used_) {
    const auto found = configuration.find(names_[i]);
    if (found != configuration.end()) values[i] = &*found;
  }
  return values;
}

std::vector<std::size_t> Conditions::NamesOf(std::size_t constraint) const {
  return constraints_[constraint].parameters;
}

Space WithNeeds(const Space& space, const std::vector<bool>& wanted) {
  const Conditions conditions(space);
  std::vector<bool> is_kept = wanted;
  // Needs come before what needs them, and who is zipped after the first one.
  for (auto i = conditions.Order().rbegin(); i != conditions.Order().rend(); ++i) {
    if (!is_kept[*i]) continue;
    for (const std::size_t need : conditions.NeedsOf(*i)) {
      is_kept[need] = true;
    }
    if (space[*i].zipped_to) is_kept[*space[*i].zipped_to] = true;
  }
  Space kept;
  std::vector<std::size_t> moved(space.size());
  for (std::size_t i = 0; i < space.size(); ++i) {
    moved[i] = kept.size();
    if (!is_kept[i]) continue;
    kept.push_back(space[i]);
    if (space[i].zipped_to) kept.back().zipped_to = moved[*space[i].zipped_to];
  }
  return kept;
}

}  // namespace ddl
