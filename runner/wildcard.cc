// SPDX-License-Identifier: Apache-2.0
#include "runner/wildcard.h"

#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ddl {

namespace {

constexpr auto kNone = std::string_view::npos;

bool IsOfClass(std::string_view name, unsigned char byte) {
  using Judge = int (*)(int);
  static constexpr std::array<std::pair<std::string_view, Judge>, 12> kClasses{{
      {"alnum", [](int c) { return std::isalnum(c); }},
      {"alpha", [](int c) { return std::isalpha(c); }},
      {"blank", [](int c) { return std::isblank(c); }},
      {"cntrl", [](int c) { return std::iscntrl(c); }},
      {"digit", [](int c) { return std::isdigit(c); }},
      {"graph", [](int c) { return std::isgraph(c); }},
      {"lower", [](int c) { return std::islower(c); }},
      {"print", [](int c) { return std::isprint(c); }},
      {"punct", [](int c) { return std::ispunct(c); }},
      {"space", [](int c) { return std::isspace(c); }},
      {"upper", [](int c) { return std::isupper(c); }},
      {"xdigit", [](int c) { return std::isxdigit(c); }},
  }};
  for (const auto& [known, judge] : kClasses) {
    if (known == name) return judge(byte) != 0;
  }
  return false;
}

// One set in brackets, read item by item.
class Brackets {
 public:
  // `at` is behind the opening bracket.
  Brackets(std::string_view pattern, std::size_t at) : pattern_(pattern), at_(at) {}

  // nullopt: the set has no end, and then nothing matches.
  [[nodiscard]] std::optional<bool> Match(char byte) {
    const bool is_negated = at_ < pattern_.size() && (pattern_[at_] == '!' || pattern_[at_] == '^');
    at_ += is_negated ? 1 : 0;
    bool is_in = false;
    for (bool is_first = true; at_ < pattern_.size(); is_first = false) {
      if (pattern_[at_] == ']' && !is_first) {
        ++at_;
        return is_in != is_negated && byte != '/';
      }
      if (!Item(static_cast<unsigned char>(byte), is_in)) return std::nullopt;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::size_t End() const { return at_; }

 private:
  bool Item(unsigned char byte, bool& is_in) {
    if (pattern_.substr(at_).starts_with("[:")) {
      const std::size_t end = pattern_.find(":]", at_ + 2);
      if (end == kNone) return false;
      is_in = is_in || IsOfClass(pattern_.substr(at_ + 2, end - at_ - 2), byte);
      at_ = end + 2;
      return true;
    }
    const auto first = Byte();
    if (!first) return false;
    auto last = first;
    const bool is_range =
        at_ + 1 < pattern_.size() && pattern_[at_] == '-' && pattern_[at_ + 1] != ']';
    if (is_range) {
      ++at_;
      last = Byte();
      if (!last) return false;
    }
    is_in = is_in || (*first <= byte && byte <= *last);
    return true;
  }
  std::optional<unsigned char> Byte() {
    if (pattern_[at_] == '\\') ++at_;
    if (at_ >= pattern_.size()) return std::nullopt;
    return static_cast<unsigned char>(pattern_[at_++]);
  }

  std::string_view pattern_;
  std::size_t at_;
};

class WildcardMatch {
 public:
  WildcardMatch(std::string_view pattern, std::string_view text) : pattern_(pattern), text_(text) {}

  [[nodiscard]] bool From(std::size_t p, std::size_t t) {
    for (; p < pattern_.size(); ++t) {
      if (pattern_[p] == '*') return Star(p, t);
      if (t == text_.size()) return false;
      if (pattern_[p] == '[') {
        Brackets brackets(pattern_, p + 1);
        if (!brackets.Match(text_[t]).value_or(false)) return false;
        p = brackets.End();
        continue;
      }
      if (pattern_[p] == '?') {
        if (text_[t] == '/') return false;
        ++p;
        continue;
      }
      if (pattern_[p] == '\\') ++p;
      if (p == pattern_.size() || pattern_[p] != text_[t]) return false;
      ++p;
    }
    return t == text_.size();
  }

 private:
  bool Star(std::size_t p, std::size_t t) {
    if (failed_.empty()) failed_.resize((pattern_.size() + 1) * (text_.size() + 1));
    if (failed_[p * (text_.size() + 1) + t]) return false;
    const bool matches = TryStar(p, t);
    if (!matches) failed_[p * (text_.size() + 1) + t] = true;
    return matches;
  }
  bool TryStar(std::size_t p, std::size_t t) {
    std::size_t end = pattern_.find_first_not_of('*', p);
    if (end == kNone) end = pattern_.size();
    const bool is_alone =
        (p == 0 || pattern_[p - 1] == '/') && (end == pattern_.size() || pattern_[end] == '/');
    const bool takes_slashes = end - p >= 2 && is_alone;
    // "**/" may stand for no folder at all.
    if (takes_slashes && end < pattern_.size() && From(end + 1, t)) return true;
    for (;; ++t) {
      if (From(end, t)) return true;
      if (t == text_.size() || (text_[t] == '/' && !takes_slashes)) return false;
    }
  }

  std::string_view pattern_;
  std::string_view text_;
  std::vector<bool> failed_;  // stars that cannot match from a place on: none is tried twice
};

}  // namespace

bool MatchesWildcard(std::string_view pattern, std::string_view text) {
  return WildcardMatch(pattern, text).From(0, 0);
}

}  // namespace ddl
