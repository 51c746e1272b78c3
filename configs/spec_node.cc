// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_node.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace ddl {

namespace {

template <std::size_t kCount>
bool IsOneOf(std::string_view text, const std::array<std::string_view, kCount>& words) {
  return std::ranges::find(words, text) != words.end();
}

constexpr std::array<std::string_view, 5> kNulls{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 9> kTrue{"true", "True", "TRUE", "yes", "Yes",
                                                "YES",  "on",   "On",   "ON"};
constexpr std::array<std::string_view, 9> kFalse{"false", "False", "FALSE", "no", "No",
                                                 "NO",    "off",   "Off",   "OFF"};

template <class Number>
bool Reads(std::string_view text, Number& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size();
}

Json NumberOrText(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t whole = 0;
  if (Reads(digits, whole)) return whole;
  if (digits.starts_with("0x")) {
    const auto [end, problem] =
        std::from_chars(digits.data() + 2, digits.data() + digits.size(), whole, 16);
    if (problem == std::errc() && end == digits.data() + digits.size()) return whole;
  }
  const bool may_be_number =
      !digits.empty() &&
      (std::isdigit(static_cast<unsigned char>(digits.back())) != 0 || digits.back() == '.');
  double real = 0;
  if (may_be_number && Reads(digits, real)) return real;
  const bool negative = digits.starts_with('-');
  const std::string_view word = digits.substr(negative ? 1 : 0);
  constexpr std::array<std::string_view, 3> kInfinities{".inf", ".Inf", ".INF"};
  constexpr std::array<std::string_view, 3> kNans{".nan", ".NaN", ".NAN"};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (IsOneOf(word, kInfinities)) return negative ? -kInfinity : kInfinity;
  if (IsOneOf(digits, kNans)) return std::nan("");
  return text;
}

}  // namespace

const SpecNode* SpecNode::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.text == key) return &value;
  }
  return nullptr;
}

SpecNode* SpecNode::Find(std::string_view key) {
  return const_cast<SpecNode*>(std::as_const(*this).Find(key));
}

Json ScalarToJson(const SpecNode& scalar) {
  if (scalar.kind == SpecNode::Kind::kNull) return nullptr;
  if (scalar.is_quoted) return scalar.text;
  if (IsOneOf(scalar.text, kNulls)) return nullptr;
  if (IsOneOf(scalar.text, kTrue)) return true;
  if (IsOneOf(scalar.text, kFalse)) return false;
  return NumberOrText(scalar.text);
}

Json ToJson(const SpecNode& node) {
  switch (node.kind) {
    case SpecNode::Kind::kNull:
    case SpecNode::Kind::kScalar:
      return ScalarToJson(node);
    case SpecNode::Kind::kList: {
      Json list = Json::array();
      for (const SpecNode& item : node.items) {
        list.push_back(ToJson(item));
      }
      return list;
    }
    case SpecNode::Kind::kMap: {
      Json map = Json::object();
      for (const auto& [name, value] : node.entries) {
        map[name.text] = ToJson(value);
      }
      return map;
    }
  }
  return nullptr;
}

}  // namespace ddl
