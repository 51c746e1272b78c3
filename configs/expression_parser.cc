// SPDX-License-Identifier: Apache-2.0
// Precedence as in Python, from the loosest: if else; or; and; not; relations, in, not in; + -;
// * / // %; the signs - and +; **, from the right.
#include "configs/expression_parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/expression_lexer.h"
#include "configs/nearest.h"

namespace ddl {

namespace {

constexpr std::array<std::string_view, 11> kFunctionNames{
    "min", "max", "abs", "round", "floor", "ceil", "log", "log2", "exp", "sqrt", "len"};

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : lexer_(text), token_(lexer_.Next()) {}

  ParsedExpression Parse() {
    if (token_.kind == ExpressionToken::Kind::kEnd) {
      throw ExpressionFault{0, "the expression is empty", "write one, such as depth > 1"};
    }
    (void)Whole();
    if (token_.kind != ExpressionToken::Kind::kEnd) {
      throw ExpressionFault{token_.at, fmt::format("{} is not expected here", Shown()),
                            "an operator is missing, or a bracket is not open"};
    }
    return std::move(parsed_);
  }

 private:
  using Kind = ExpressionToken::Kind;

  // Of each bracket and operator that is read by going deeper.
  class Depth {
   public:
    explicit Depth(ExpressionParser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMostExpressionDepth) {
        throw ExpressionFault{
            parser_.token_.at,
            fmt::format("the expression is nested deeper than {} levels", kMostExpressionDepth),
            "split it: a derived parameter can hold a part"};
      }
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --parser_.depth_; }

   private:
    ExpressionParser& parser_;
  };

  [[nodiscard]] std::string Shown() const {
    switch (token_.kind) {
      case Kind::kEnd:
        return "the end";
      case Kind::kLiteral:
        return "this value";
      case Kind::kName:
        return fmt::format("the name {}", token_.text);
      case Kind::kSign:
        break;
    }
    return fmt::format("\"{}\"", token_.text);
  }

  bool Take(std::string_view sign) {
    if (!token_.Is(sign)) return false;
    token_ = lexer_.Next();
    return true;
  }
  void Close(std::string_view sign, std::size_t opened) {
    if (Take(sign)) return;
    throw ExpressionFault{
        token_.kind == Kind::kEnd ? opened : token_.at,
        token_.kind == Kind::kEnd ? std::string("this bracket is not closed")
                                  : fmt::format("{} is not expected here", Shown()),
        token_.kind == Kind::kEnd
            ? "close it; within [ ] or { } of the file an expression with a comma stands in quotes"
            : fmt::format("a \",\" or \"{}\" is missing", sign)};
  }

  std::size_t Add(ExpressionNode node) {
    for (const std::size_t operand : node.operands) {
      node.height = std::max(node.height, parsed_.nodes[operand].height + 1);
    }
    if (node.height > kMostExpressionHeight) {
      throw ExpressionFault{
          node.at,
          fmt::format("more than {} operations build on each other", kMostExpressionHeight),
          "split it: a derived parameter can hold a part"};
    }
    parsed_.nodes.push_back(std::move(node));
    return parsed_.nodes.size() - 1;
  }
  std::size_t Binary(Operation operation, std::size_t at, std::size_t left, std::size_t right) {
    return Add({.operation = operation, .at = at, .operands = {left, right}});
  }

  std::size_t Whole() {
    const Depth depth(*this);
    const std::size_t value = Or();
    const std::size_t at = token_.at;
    if (!Take("if")) return value;
    const std::size_t condition = Or();
    if (!Take("else")) {
      throw ExpressionFault{at, "this if has no else", "write VALUE if CONDITION else VALUE"};
    }
    const std::size_t otherwise = Whole();
    return Add({.operation = Operation::kIf, .at = at, .operands = {value, condition, otherwise}});
  }

  std::size_t Or() {
    std::size_t left = And();
    for (std::size_t at = token_.at; Take("or"); at = token_.at) {
      left = Binary(Operation::kOr, at, left, And());
    }
    return left;
  }

  std::size_t And() {
    std::size_t left = Not();
    for (std::size_t at = token_.at; Take("and"); at = token_.at) {
      left = Binary(Operation::kAnd, at, left, Not());
    }
    return left;
  }

  std::size_t Not() {
    const std::size_t at = token_.at;
    if (!Take("not")) return Compared();
    const Depth depth(*this);
    const std::size_t operand = Not();
    return Add({.operation = Operation::kNot, .at = at, .operands = {operand}});
  }

  std::optional<Relation> TakeRelation() {
    constexpr std::array<std::pair<std::string_view, Relation>, 7> kSigns{
        {{"==", Relation::kEqual},
         {"!=", Relation::kUnequal},
         {"<", Relation::kLess},
         {"<=", Relation::kAtMost},
         {">", Relation::kMore},
         {">=", Relation::kAtLeast},
         {"in", Relation::kIn}}};
    for (const auto& [sign, relation] : kSigns) {
      if (Take(sign)) return relation;
    }
    if (!Take("not")) return std::nullopt;
    if (Take("in")) return Relation::kOut;
    throw ExpressionFault{token_.at, "\"in\" is missing after \"not\"",
                          "write VALUE not in [A, B]"};
  }

  std::size_t Compared() {
    ExpressionNode node{.operation = Operation::kCompare, .operands = {Sum()}};
    for (std::size_t at = token_.at; const auto relation = TakeRelation(); at = token_.at) {
      if (node.relations.empty()) node.at = at;
      node.relations.push_back(*relation);
      node.operands.push_back(Sum());
    }
    return node.relations.empty() ? node.operands.front() : Add(std::move(node));
  }

  std::size_t Sum() {
    std::size_t left = Product();
    while (true) {
      const std::size_t at = token_.at;
      if (Take("+")) {
        left = Binary(Operation::kAdd, at, left, Product());
      } else if (Take("-")) {
        left = Binary(Operation::kSubtract, at, left, Product());
      } else {
        return left;
      }
    }
  }

  std::size_t Product() {
    constexpr std::array<std::pair<std::string_view, Operation>, 4> kSigns{
        {{"*", Operation::kMultiply},
         {"/", Operation::kDivide},
         {"//", Operation::kFloorDivide},
         {"%", Operation::kRemainder}}};
    std::size_t left = Signed();
    while (true) {
      const std::size_t at = token_.at;
      const auto* const sign =
          std::ranges::find_if(kSigns, [this](const auto& entry) { return Take(entry.first); });
      if (sign == kSigns.end()) return left;
      left = Binary(sign->second, at, left, Signed());
    }
  }

  std::size_t Signed() {
    const std::size_t at = token_.at;
    const bool is_minus = Take("-");
    if (!is_minus && !Take("+")) return Power();
    const Depth depth(*this);
    const std::size_t operand = Signed();
    // A plus is checked as what it is of: it takes numbers alone.
    if (!is_minus) {
      const std::size_t zero = Add({.at = at, .literal = 0});
      return Binary(Operation::kAdd, at, zero, operand);
    }
    return Add({.operation = Operation::kNegate, .at = at, .operands = {operand}});
  }

  std::size_t Power() {
    const std::size_t base = Atom();
    const std::size_t at = token_.at;
    if (!Take("**")) return base;
    const Depth depth(*this);
    return Binary(Operation::kPower, at, base, Signed());
  }

  std::size_t Atom() {
    const ExpressionToken token = token_;
    if (token.kind == Kind::kLiteral) {
      token_ = lexer_.Next();
      return Add({.at = token.at, .literal = token.literal});
    }
    if (token.kind == Kind::kName) {
      token_ = lexer_.Next();
      return token_.Is("(") ? Call(token) : Name(token);
    }
    if (Take("(")) {
      const std::size_t inner = Whole();
      Close(")", token.at);
      return inner;
    }
    if (Take("[")) {
      return Add({.operation = Operation::kList, .at = token.at, .operands = Items("]", token.at)});
    }
    throw ExpressionFault{token.at, fmt::format("{} is not expected here", Shown()),
                          "a value, a name or a bracket belongs here"};
  }

  // Up to and with the closing bracket; a comma may stand before it.
  std::vector<std::size_t> Items(std::string_view closing, std::size_t opened) {
    std::vector<std::size_t> items;
    while (!Take(closing)) {
      items.push_back(Whole());
      if (Take(",")) continue;
      Close(closing, opened);
      break;
    }
    return items;
  }

  std::size_t Name(const ExpressionToken& token) {
    const auto known = std::ranges::find(parsed_.names, token.text);
    const auto index = static_cast<std::size_t>(known - parsed_.names.begin());
    if (known == parsed_.names.end()) {
      parsed_.names.push_back(token.text);
      parsed_.places.push_back(token.at);
    }
    return Add({.operation = Operation::kName, .at = token.at, .name = index});
  }

  std::size_t Call(const ExpressionToken& token) {
    const auto* const known = std::ranges::find(kFunctionNames, token.text);
    if (known == kFunctionNames.end()) {
      const std::string nearest = NearestName(token.text, kFunctionNames);
      throw ExpressionFault{token.at, fmt::format("unknown function {}", token.text),
                            nearest.empty()
                                ? fmt::format("known: {}", fmt::join(kFunctionNames, " "))
                                : fmt::format("did you mean {}?", nearest)};
    }
    const std::size_t opened = token_.at;
    (void)Take("(");
    ExpressionNode node{.operation = Operation::kCall, .at = token.at};
    node.function = static_cast<Function>(known - kFunctionNames.begin());
    node.operands = Items(")", opened);
    CheckCount(node, token);
    return Add(std::move(node));
  }

  static void CheckCount(const ExpressionNode& node, const ExpressionToken& token) {
    const bool many = node.function == Function::kMin || node.function == Function::kMax;
    const std::size_t most = many                                ? kMostExpressionBytes
                             : node.function == Function::kRound ? 2
                                                                 : 1;
    if (!node.operands.empty() && node.operands.size() <= most) return;
    throw ExpressionFault{
        token.at, fmt::format("{} does not take {} values", token.text, node.operands.size()),
        many        ? "give it one or more"
        : most == 2 ? "give it one, and perhaps a number of decimals"
                    : "give it one"};
  }

  ExpressionLexer lexer_;
  ExpressionToken token_;
  ParsedExpression parsed_;
  int depth_ = 0;
};

}  // namespace

ParsedExpression ParseExpression(std::string_view text) {
  if (text.size() > kMostExpressionBytes) {
    throw ExpressionFault{
        0, fmt::format("the expression is longer than {} bytes", kMostExpressionBytes),
        "split it: a derived parameter can hold a part"};
  }
  return ExpressionParser(text).Parse();
}

}  // namespace ddl
