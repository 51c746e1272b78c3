// SPDX-License-Identifier: Apache-2.0
// Expressions over the parameters of a configuration: what `when`, `expr` and `constraints` say.
// A small part of Python's, typed: conditions are true or false, numbers are no conditions.
// docs: configs/README.md, "Expressions".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/json.h"

namespace ddl {

// What an expression may be made of; beyond it is refused, so that hostile ones cost little.
inline constexpr std::size_t kMostExpressionBytes = 4096;
inline constexpr int kMostExpressionDepth = 64;        // of brackets
inline constexpr int kMostExpressionHeight = 256;      // of the tree: a + b + c + … is one too
inline constexpr std::int64_t kMostListWeight = 1024;  // of a list that it makes: WeightOf
inline constexpr int kMostListDepth = 8;
inline constexpr std::size_t kMostTextBytes = 4096;  // of a text that it makes

struct ExpressionFault {
  std::size_t at = 0;  // the byte, from 0
  std::string what;
  std::string hint;
};

enum class Operation : std::uint8_t {
  kLiteral,
  kName,
  kList,
  kOr,
  kAnd,
  kNot,
  kIf,       // value, condition, otherwise
  kCompare,  // a < b <= c …
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kRemainder,
  kPower,
  kCall,
};
enum class Relation : std::uint8_t { kEqual, kUnequal, kLess, kAtMost, kMore, kAtLeast, kIn, kOut };
enum class Function : std::uint8_t {
  kMin,
  kMax,
  kAbs,
  kRound,
  kFloor,
  kCeil,
  kLog,
  kLog2,
  kExp,
  kSqrt,
  kLen,
};

struct ExpressionNode {
  Operation operation = Operation::kLiteral;
  std::size_t at = 0;                   // byte of the text, from 0
  std::vector<std::size_t> operands{};  // earlier nodes
  Json literal{};
  std::size_t name = 0;                // kName: index in Names()
  std::vector<Relation> relations{};   // kCompare: one between two operands
  Function function = Function::kMin;  // kCall
  int height = 1;
};

struct Evaluated {
  enum class Kind : std::uint8_t {
    kValue,
    kAbsent,  // it depends on a name that has no value
    kFault,   // a type that does not fit, a division by zero, no finite number, …
  };
  Kind kind = Kind::kValue;
  Json value{};
  ExpressionFault fault{};
  std::int64_t steps = 0;  // what it took, in nodes and items of lists

  [[nodiscard]] bool IsTrue() const { return kind == Kind::kValue && value == true; }
};

class Expression {
 public:
  // Throws ExpressionFault.
  explicit Expression(std::string_view text);

  // Each once, in the order of their first use; and where that is.
  [[nodiscard]] const std::vector<std::string>& Names() const { return names_; }
  [[nodiscard]] const std::vector<std::size_t>& Places() const { return places_; }

  // `values`: one a name, as Names() has them; nullptr: none. What `and`, `or` and `if` leave aside
  // is not looked at, absent or not.
  [[nodiscard]] Evaluated Evaluate(std::span<const Json* const> values) const;

 private:
  std::vector<ExpressionNode> nodes_;  // operands first; the last is the whole
  std::vector<std::string> names_;
  std::vector<std::size_t> places_;
};

// Values in it, those of lists within lists too; a long text counts as several.
[[nodiscard]] std::int64_t WeightOf(const Json& value);
// "a number", "a text", …
[[nodiscard]] std::string_view TypeName(const Json& value);

}  // namespace ddl
