// SPDX-License-Identifier: Apache-2.0
// The words of an expression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "configs/json.h"

namespace ddl {

struct ExpressionToken {
  enum class Kind : std::uint8_t {
    kEnd,
    kLiteral,  // a number, a text, true, false, null
    kName,
    kSign,  // ( ) [ ] , and operators, also `and or not in if else`
  };
  Kind kind = Kind::kEnd;
  std::size_t at = 0;
  std::string text;  // of a name or sign
  Json literal{};

  [[nodiscard]] bool Is(std::string_view sign) const { return kind == Kind::kSign && text == sign; }
};

class ExpressionLexer {
 public:
  explicit ExpressionLexer(std::string_view text) : text_(text) {}

  // kEnd at the end, again and again. Throws ExpressionFault.
  [[nodiscard]] ExpressionToken Next();

 private:
  [[nodiscard]] ExpressionToken Number();
  [[nodiscard]] ExpressionToken Text(char quote);
  [[nodiscard]] ExpressionToken Word();
  [[nodiscard]] ExpressionToken QuotedName();
  [[nodiscard]] ExpressionToken Sign();

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace ddl
