// SPDX-License-Identifier: Apache-2.0
#include "configs/expression.h"

#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "configs/expression_operations.h"
#include "configs/expression_parser.h"

namespace ddl {

namespace {

// One evaluation. Once it has stopped, absent or at fault, every value is null and looked at by
// nobody.
class Evaluation {
 public:
  Evaluation(const std::vector<ExpressionNode>& nodes, std::span<const Json* const> values)
      : nodes_(nodes), values_(values) {}

  Evaluated Run() {
    Json scratch;
    const Json& value = Of(nodes_.size() - 1, scratch);
    if (!stopped_) result_.value = value;
    return std::move(result_);
  }

 private:
  // The value of a node: where it stands already, else in `scratch`.
  const Json& Of(std::size_t index, Json& scratch) {
    const ExpressionNode& node = nodes_[index];
    ++result_.steps;
    if (node.operation == Operation::kLiteral) return node.literal;
    if (node.operation == Operation::kName) {
      const Json* value = values_[node.name];
      if (value != nullptr) return *value;
      Stop(Evaluated::Kind::kAbsent);
      return scratch;
    }
    scratch = Computed(node);
    return scratch;
  }

  Json Computed(const ExpressionNode& node) {
    switch (node.operation) {
      case Operation::kList: {
        Json items = ItemsOf(node);
        if (stopped_) return {};
        CheckList(items, problem_);
        return Checked(node, std::move(items));
      }
      case Operation::kOr:
      case Operation::kAnd:
        return Connected(node);
      case Operation::kNot:
        return !Condition(node.operands[0]);
      case Operation::kIf: {
        const bool holds = Condition(node.operands[1]);
        if (stopped_) return {};
        Json scratch;
        return Of(node.operands[holds ? 0 : 2], scratch);
      }
      case Operation::kCompare:
        return Compared(node);
      case Operation::kNegate: {
        Json scratch;
        const Json& value = Of(node.operands[0], scratch);
        return stopped_ ? Json() : Checked(node, Negated(value, problem_));
      }
      case Operation::kCall:
        return Called(node);
      default:
        return Combined(node);
    }
  }

  Json Combined(const ExpressionNode& node) {
    Json left;
    Json right;
    const Json& a = Of(node.operands[0], left);
    if (stopped_) return {};
    const Json& b = Of(node.operands[1], right);
    if (stopped_) return {};
    Weigh(a);
    Weigh(b);
    return Checked(node, Arithmetic(node.operation, a, b, problem_));
  }

  Json Compared(const ExpressionNode& node) {
    Json scratch[2];  // NOLINT(modernize-avoid-c-arrays)
    const Json* left = &Of(node.operands[0], scratch[0]);
    for (std::size_t i = 0; i < node.relations.size() && !stopped_; ++i) {
      const Json* right = &Of(node.operands[i + 1], scratch[(i + 1) % 2]);
      if (stopped_) break;
      Weigh(*left);
      Weigh(*right);
      const bool holds = Compare(node.relations[i], *left, *right, problem_);
      (void)Checked(node, {});
      if (stopped_ || !holds) return false;
      left = right;
    }
    return !stopped_;
  }

  Json ItemsOf(const ExpressionNode& node) {
    Json items = Json::array();
    std::int64_t weight = 0;
    for (const std::size_t operand : node.operands) {
      Json scratch;
      const Json& item = Of(operand, scratch);
      if (stopped_) return {};
      weight += Weigh(item);
      if (weight > kMostListWeight) {
        problem_ = "these are too long together";
        return Checked(node, {});
      }
      items.push_back(item);
    }
    return items;
  }

  Json Called(const ExpressionNode& node) {
    Json scratch;
    if (node.operands.size() == 1) {  // as it stands: it may be long
      const Json& argument = Of(node.operands[0], scratch);
      if (stopped_) return {};
      Weigh(argument);
      return Checked(node, CallFunction(node.function, {&argument, 1}, problem_));
    }
    const Json arguments = ItemsOf(node);
    if (stopped_) return {};
    const auto& list = arguments.get_ref<const Json::array_t&>();
    return Checked(node, CallFunction(node.function, list, problem_));
  }

  Json Connected(const ExpressionNode& node) {
    const bool decides = node.operation == Operation::kOr;
    if (Condition(node.operands[0]) == decides || stopped_) return decides;
    return Condition(node.operands[1]);
  }

  bool Condition(std::size_t index) {
    Json scratch;
    const Json& value = Of(index, scratch);
    if (stopped_ || value.is_boolean()) return !stopped_ && value.get<bool>();
    problem_ = fmt::format("a condition is true or false, not {}", TypeName(value));
    (void)Checked(nodes_[index], {});
    return false;
  }

  // Stops where the operation had a problem.
  Json Checked(const ExpressionNode& node, Json value) {
    if (problem_.empty()) return value;
    result_.fault = {node.at, std::exchange(problem_, {}), ""};
    Stop(Evaluated::Kind::kFault);
    return {};
  }
  void Stop(Evaluated::Kind kind) {
    stopped_ = true;
    result_.kind = kind;
  }
  // Long values cost more.
  std::int64_t Weigh(const Json& value) {
    const std::int64_t weight = WeightOf(value);
    result_.steps += weight;
    return weight;
  }

  const std::vector<ExpressionNode>& nodes_;
  std::span<const Json* const> values_;
  Evaluated result_;
  std::string problem_;
  bool stopped_ = false;
};

}  // namespace

Expression::Expression(std::string_view text) {
  ParsedExpression parsed = ParseExpression(text);
  nodes_ = std::move(parsed.nodes);
  names_ = std::move(parsed.names);
  places_ = std::move(parsed.places);
}

Evaluated Expression::Evaluate(std::span<const Json* const> values) const {
  assert(values.size() == names_.size());
  return Evaluation(nodes_, values).Run();
}

std::int64_t WeightOf(const Json& value) {
  constexpr std::size_t kBytes = 64;
  std::int64_t weight = 1;
  if (value.is_string()) {
    weight += static_cast<std::int64_t>(value.get_ref<const std::string&>().size() / kBytes);
  }
  if (!value.is_structured()) return weight;
  for (const Json& item : value) {
    weight += WeightOf(item);
  }
  return weight;
}

std::string_view TypeName(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return "true or false";
    case Json::value_t::string:
      return "a text";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::object:
      return "a mapping";
    default:
      return "a number";
  }
}

}  // namespace ddl
