// SPDX-License-Identifier: Apache-2.0
#include "cli/yaml_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::size_t kWidest = 90;

// Words that some YAML reader takes for a boolean or null.
constexpr std::array<std::string_view, 12> kTaken{"y",  "n",  "true", "false", "null", "yes",
                                                  "no", "on", "off",  "nan",   "inf",  "infinity"};

// Only texts that are a word in every version of YAML are written without quotes.
bool IsPlainWord(std::string_view text) {
  const auto is_letter = [](unsigned char c) {
    return c < 0x80 && (std::isalpha(c) != 0 || c == '_' || c == '/');
  };
  const auto in_word = [&](unsigned char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  if (text.empty()) return false;
  if (!is_letter(static_cast<unsigned char>(text.front()))) return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::all_of(text, in_word) && std::ranges::find(kTaken, lower) == kTaken.end();
}

std::string Text(const std::string& text) {
  return IsPlainWord(text) ? text : DumpJson(text);
}

// YAML 1.1 takes 1e-05 for a text: a mantissa needs its point.
std::string Float(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  std::string text = FormatNumber(value);
  if (text.find('.') != std::string::npos) return text;
  const std::size_t exponent = text.find('e');
  return exponent == std::string::npos ? text + ".0" : text.insert(exponent, ".0");
}

}  // namespace

std::string YamlFlow(const Json& value) {
  if (value.is_string()) return Text(value.get_ref<const std::string&>());
  if (value.is_number_float()) return Float(value.get<double>());
  if (!value.is_structured()) return DumpJson(value);
  std::string inside;
  for (const auto& [key, item] : value.items()) {
    if (!inside.empty()) inside += ", ";
    if (value.is_object()) inside += Text(key) + ": ";
    inside += YamlFlow(item);
  }
  return value.is_object() ? "{" + inside + "}" : "[" + inside + "]";
}

std::string YamlEntry(std::string_view key, const Json& value, int indent) {
  const std::string begin =
      std::string(static_cast<std::size_t>(indent), ' ') + Text(std::string(key)) + ":";
  const std::string flow = YamlFlow(value);
  const bool fits = begin.size() + 1 + flow.size() <= kWidest;
  if (fits || !value.is_object() || value.empty()) return begin + " " + flow + "\n";
  std::string text = begin + "\n";
  for (const auto& [inner, item] : value.items()) {
    text += YamlEntry(inner, item, indent + 2);
  }
  return text;
}

}  // namespace ddl
