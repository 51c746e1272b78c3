// SPDX-License-Identifier: Apache-2.0
#include "configs/expression_lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "configs/expression.h"

namespace ddl {

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Letters of any script: what is beyond ASCII is one.
bool BeginsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsNameCharacter(char c) {
  return BeginsName(c) || IsDigit(c);
}

// What may be shown of the character at the front.
std::string Shown(std::string_view text) {
  const auto c = static_cast<unsigned char>(text.front());
  return c < ' ' || c >= 0x7f ? fmt::format("byte {:#04x}", c) : std::string(1, text.front());
}

}  // namespace

ExpressionToken ExpressionLexer::Next() {
  constexpr std::string_view kBlank = " \t\r\n";
  at_ = std::min(text_.find_first_not_of(kBlank, at_), text_.size());
  if (at_ == text_.size()) return {.at = at_};
  const char c = text_[at_];
  const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (IsDigit(c) || (c == '.' && IsDigit(next))) return Number();
  if (c == '\'' || c == '"') return Text(c);
  if (c == '`') return QuotedName();
  if (BeginsName(c)) return Word();
  return Sign();
}

ExpressionToken ExpressionLexer::Number() {
  const std::size_t begin = at_;
  const char* const first = text_.data() + begin;
  const char* const last = text_.data() + text_.size();
  double real = 0;
  auto [end, problem] = std::from_chars(first, last, real);
  ExpressionToken token{.kind = ExpressionToken::Kind::kLiteral, .at = begin, .literal = real};
  std::int64_t whole = 0;
  const auto [whole_end, whole_problem] = std::from_chars(first, last, whole);
  if (whole_problem == std::errc() && whole_end == end) token.literal = whole;
  if (problem != std::errc() || !std::isfinite(real)) {
    throw ExpressionFault{begin, "this number is beyond all that can be written",
                          "write one between 1e-300 and 1e300"};
  }
  if (end != last && (IsNameCharacter(*end) || *end == '.')) {
    throw ExpressionFault{begin, "a number runs into what follows",
                          "put an operator between them; a name that begins with a digit stands "
                          "in backquotes"};
  }
  at_ += static_cast<std::size_t>(end - first);
  return token;
}

ExpressionToken ExpressionLexer::Text(char quote) {
  const std::size_t begin = at_++;
  std::string text;
  for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
    if (text_[at_] != '\\' || at_ + 1 == text_.size()) {
      text += text_[at_];
      continue;
    }
    const char escaped = text_[++at_];
    constexpr std::string_view kKnown = "nt\\'\"";
    if (kKnown.find(escaped) == std::string_view::npos) {
      throw ExpressionFault{at_ - 1, "unknown escape in a text",
                            "write \\n, \\t, \\\\, \\' or \\\""};
    }
    text += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
  }
  if (at_ == text_.size()) {
    throw ExpressionFault{begin, "a text does not end", fmt::format("close it with {}", quote)};
  }
  ++at_;
  return {.kind = ExpressionToken::Kind::kLiteral, .at = begin, .literal = std::move(text)};
}

ExpressionToken ExpressionLexer::QuotedName() {
  const std::size_t begin = at_;
  const std::size_t end = text_.find('`', begin + 1);
  if (end == std::string_view::npos || end == begin + 1) {
    throw ExpressionFault{begin, "a name in backquotes does not end", "write `its name`"};
  }
  at_ = end + 1;
  return {.kind = ExpressionToken::Kind::kName,
          .at = begin,
          .text = std::string(text_.substr(begin + 1, end - begin - 1))};
}

ExpressionToken ExpressionLexer::Word() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && IsNameCharacter(text_[at_])) {
    ++at_;
    const bool dotted =
        at_ + 1 < text_.size() && text_[at_] == '.' && IsNameCharacter(text_[at_ + 1]);
    at_ += dotted ? 1 : 0;
  }
  ExpressionToken token{.kind = ExpressionToken::Kind::kName,
                        .at = begin,
                        .text = std::string(text_.substr(begin, at_ - begin))};
  constexpr std::array<std::string_view, 6> kSigns{"and", "or", "not", "in", "if", "else"};
  if (std::ranges::find(kSigns, token.text) != kSigns.end()) {
    token.kind = ExpressionToken::Kind::kSign;
    return token;
  }
  const bool yes = token.text == "true" || token.text == "True";
  const bool no = token.text == "false" || token.text == "False";
  const bool none = token.text == "null" || token.text == "None";
  if (yes || no || none) token.kind = ExpressionToken::Kind::kLiteral;
  if (yes || no) token.literal = yes;
  return token;
}

ExpressionToken ExpressionLexer::Sign() {
  constexpr std::array<std::string_view, 20> kSigns{"**", "//", "==", "!=", "<=", ">=", "<",
                                                    ">",  "+",  "-",  "*",  "/",  "%",  "(",
                                                    ")",  "[",  "]",  ",",  "&&", "||"};
  const std::string_view rest = text_.substr(at_);
  const auto* const sign = std::ranges::find_if(
      kSigns, [rest](std::string_view candidate) { return rest.starts_with(candidate); });
  if (sign == kSigns.end()) {
    const bool assigns = rest.front() == '=';
    throw ExpressionFault{at_, fmt::format("{} means nothing here", Shown(rest)),
                          assigns ? "compare with =="
                          : rest.front() == '!'
                              ? "write not"
                              : "operators are + - * / // % ** == != < <= > >= and or not in"};
  }
  if (*sign == "&&" || *sign == "||") {
    throw ExpressionFault{at_, fmt::format("{} means nothing here", *sign),
                          *sign == "&&" ? "write and" : "write or"};
  }
  ExpressionToken token{
      .kind = ExpressionToken::Kind::kSign, .at = at_, .text = std::string(*sign)};
  at_ += sign->size();
  return token;
}

}  // namespace ddl
