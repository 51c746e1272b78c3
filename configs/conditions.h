// SPDX-License-Identifier: Apache-2.0
// What a space says beyond the values of its parameters: which of them are active, what is derived
// from others, and which configurations are allowed. docs: configs/README.md, "Conditions".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/expression.h"
#include "configs/space.h"

namespace ddl {

// Which expression of a spec is meant.
struct ExpressionPlace {
  enum class Kind : std::uint8_t { kWhen, kExpr, kConstraint };
  Kind kind = Kind::kConstraint;
  std::size_t index = 0;  // of the parameter, or of the constraint
  std::size_t which = 0;  // kWhen: of the parameter's conditions
};

// Why a configuration is not allowed: a constraint is false, or an expression has no result there.
struct Objection {
  ExpressionPlace place;
  std::optional<ExpressionFault> fault;
};

// The rules of one space, ready to be used again and again. Immutable; safe from several threads.
//
// A name of a parameter that is not active is absent, and so is what is reckoned with it: a
// condition that depends on it does not hold, a value derived from it is absent, a constraint on it
// forbids nothing. What `and`, `or` and `if` leave aside does not count.
class Conditions {
 public:
  // Throws Error where an expression cannot be read, names what is no parameter, or parameters
  // depend on each other in a circle; specs that were read have none of that.
  explicit Conditions(const Space& space, const std::vector<std::string>& constraints = {});

  // Neither conditions nor derived values nor constraints.
  [[nodiscard]] bool AreNone() const { return rules_.empty() && constraints_.empty(); }

  // Of a configuration with a value for each parameter: without what is inactive, with what is
  // derived. What is complete stays as it is.
  [[nodiscard]] Configuration Complete(Configuration configuration) const;

  // Whether all constraints hold in a complete configuration, and everything in it has a result.
  [[nodiscard]] bool Allows(const Configuration& complete) const { return !ObjectionTo(complete); }
  // The first one; where `steps` is given, the work of looking is added to it.
  [[nodiscard]] std::optional<Objection> ObjectionTo(const Configuration& complete,
                                                     std::int64_t* steps = nullptr) const;

  // The same, piece by piece, for what walks through a space. A value each parameter of the space,
  // nullptr: absent or not known yet; parameters come in Order(), after those they depend on.
  using Values = std::vector<const Json*>;
  [[nodiscard]] const std::vector<std::size_t>& Order() const { return order_; }
  // Parameters that a parameter's conditions and derivation, or a constraint, name.
  [[nodiscard]] const std::vector<std::size_t>& NeedsOf(std::size_t parameter) const {
    return needs_[parameter];
  }
  [[nodiscard]] std::vector<std::size_t> NamesOf(std::size_t constraint) const;
  [[nodiscard]] std::size_t Constraints() const { return constraints_.size(); }

  struct Judgement {
    bool holds = true;
    std::optional<Objection> objection{};  // where an expression has no result
    std::int64_t steps = 0;
  };
  [[nodiscard]] Judgement IsActive(std::size_t parameter, const Values& values) const;
  // Into `value`; holds: it is there.
  [[nodiscard]] Judgement Derive(std::size_t parameter, const Values& values, Json& value) const;
  [[nodiscard]] Judgement Holds(std::size_t constraint, const Values& values) const;

 private:
  struct Rule {
    ExpressionPlace place;
    Expression expression;
    std::vector<std::size_t> parameters;  // one a name
  };
  // Those of one parameter.
  struct Rules {
    std::vector<Rule> when;
    std::optional<Rule> expr;
  };

  using Places = std::map<std::string_view, std::size_t>;

  void ReadRules(const Parameter& parameter, std::size_t index, const Places& places);
  void Sort();
  [[nodiscard]] static Rule RuleOf(const std::string& text, const ExpressionPlace& place,
                                   const Places& places);
  [[nodiscard]] static Evaluated Evaluate(const Rule& rule, const Values& values);
  [[nodiscard]] static Judgement Judge(const Rule& rule, const Values& values, bool if_absent);
  [[nodiscard]] const Rules* RulesOf(std::size_t parameter) const;
  [[nodiscard]] Values ValuesIn(const Configuration& configuration) const;

  std::vector<std::string> names_;
  std::vector<std::size_t> order_;
  std::vector<std::vector<std::size_t>> needs_;
  std::vector<std::size_t> used_;      // parameters that some expression names, or that have rules
  std::vector<std::size_t> ruled_;     // parameters with rules, in order
  std::vector<Rules> rules_;           // of those
  std::vector<std::size_t> rules_at_;  // by parameter: 1 + its index in rules_, 0: none
  std::vector<Rule> constraints_;
};

// The parameters that these depend on, with them, in the order of the space, as a space of its own.
[[nodiscard]] Space WithNeeds(const Space& space, const std::vector<bool>& wanted);

}  // namespace ddl
