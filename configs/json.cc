// SPDX-License-Identifier: Apache-2.0
#include "configs/json.h"

#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

// Replaces the bare words NaN, Infinity and -Infinity outside strings by a marker string that
// RestoreNonFinite turns into numbers after parsing.
constexpr std::string_view kMarker = "\x01non-finite:";

std::string QuoteNonFinite(std::string_view text) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    if (in_string) {
      const bool escape = text[i] == '\\' && i + 1 < text.size();
      if (escape) out += text[i++];
      if (!escape && text[i] == '"') in_string = false;
      out += text[i++];
      continue;
    }
    bool found = false;
    for (std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (text.substr(i, word.size()) != word) continue;
      out += fmt::format("\"\\u0001{}{}\"", kMarker.substr(1), word);
      i += word.size();
      found = true;
      break;
    }
    if (found) continue;
    in_string = text[i] == '"';
    out += text[i++];
  }
  return out;
}

void RestoreNonFinite(Json& value) {
  if (value.is_structured()) {
    for (auto& item : value)
      RestoreNonFinite(item);
    return;
  }
  if (!value.is_string()) return;
  const std::string& text = value.get_ref<const std::string&>();
  if (!text.starts_with(kMarker)) return;
  const std::string_view word = std::string_view(text).substr(kMarker.size());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double number = word == "NaN"        ? std::numeric_limits<double>::quiet_NaN()
                        : word == "Infinity" ? kInfinity
                                             : -kInfinity;
  value = number;
}

// Watches the parser's events for what the library lets pass.
class Guard {
 public:
  explicit Guard(std::string_view where) : where_(where) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kMaxJsonDepth) {
      throw Error(fmt::format("JSON is nested deeper than {} levels", kMaxJsonDepth), where_,
                  "flatten the value");
    }
    if (event == Json::parse_event_t::object_start) keys_.emplace_back();
    if (event == Json::parse_event_t::object_end) keys_.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys_.back().insert(parsed.get<std::string>()).second) {
      throw Error(fmt::format("duplicate key \"{}\" in JSON", parsed.get<std::string>()), where_,
                  "keep one of them");
    }
    return true;
  }

 private:
  std::string_view where_;
  std::vector<std::set<std::string>> keys_;
};

Json NamedNonFinite(const Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    return FormatNumber(value.get<double>());
  }
  if (!value.is_structured()) return value;
  Json copy = value;
  for (auto& item : copy)
    item = NamedNonFinite(item);
  return copy;
}

}  // namespace

Json ParseJson(std::string_view text, std::string_view where, bool allow_non_finite) {
  const std::string source = allow_non_finite ? QuoteNonFinite(text) : std::string(text);
  Guard guard(where);
  try {
    Json value = Json::parse(source, [&](int depth, Json::parse_event_t event, Json& parsed) {
      return guard(depth, event, parsed);
    });
    if (allow_non_finite) RestoreNonFinite(value);
    return value;
  } catch (const Json::exception& problem) {
    throw Error(fmt::format("not valid JSON: {}", problem.what()), where,
                "check quotes, commas and brackets");
  }
}

std::string DumpJson(const Json& value, int indent) {
  return NamedNonFinite(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

}  // namespace ddl
