// SPDX-License-Identifier: Apache-2.0
#include "configs/json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

// A bare word NaN, Infinity or -Infinity: the string-th string of the text, from 0, stands for it.
struct NonFinite {
  std::size_t string = 0;
  double value = 0;
};

// Puts "" for each such word outside strings. By position, since a text may hold any marker.
std::string QuoteNonFinite(std::string_view text, std::vector<NonFinite>& found) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr std::pair<std::string_view, double> kWords[] = {
      {"-Infinity", -kInfinity},
      {"Infinity", kInfinity},
      {"NaN", std::numeric_limits<double>::quiet_NaN()}};
  std::string out;
  std::size_t strings = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (in_string) {
      const bool escape = rest[0] == '\\' && rest.size() > 1;
      if (!escape && rest[0] == '"') in_string = false;
      out += rest.substr(0, escape ? 2 : 1);
      i += escape ? 2 : 1;
      continue;
    }
    const auto* word = std::ranges::find_if(
        kWords, [rest](const auto& candidate) { return rest.starts_with(candidate.first); });
    if (word != std::end(kWords)) {
      found.push_back({strings++, word->second});
      out += "\"\"";
      i += word->first.size();
      continue;
    }
    in_string = rest[0] == '"';
    if (in_string) ++strings;
    out += text[i++];
  }
  return out;
}

// Watches the parser's events for what the library lets pass, and puts in the numbers that it does
// not know.
class Guard {
 public:
  Guard(std::string_view where, std::span<const NonFinite> non_finite)
      : where_(where), non_finite_(non_finite) {}

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
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
    const bool is_key = event == Json::parse_event_t::key;
    if (is_key || (event == Json::parse_event_t::value && parsed.is_string())) {
      CountString(is_key, parsed);
    }
    return true;
  }

 private:
  void CountString(bool is_key, Json& parsed) {
    if (!non_finite_.empty() && non_finite_.front().string == strings_) {
      if (is_key) throw Error("not valid JSON: a key without quotes", where_, "quote it");
      parsed = non_finite_.front().value;
      non_finite_ = non_finite_.subspan(1);
    }
    ++strings_;
  }

  std::string_view where_;
  std::span<const NonFinite> non_finite_;
  std::size_t strings_ = 0;
  std::vector<std::set<std::string>> keys_;
};

Json NamedNonFinite(const Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    return FormatNumber(value.get<double>());
  }
  if (!value.is_structured()) return value;
  Json copy = value;
  for (auto& item : copy) {
    item = NamedNonFinite(item);
  }
  return copy;
}

}  // namespace

Json ParseJson(std::string_view text, std::string_view where, bool allow_non_finite) {
  std::vector<NonFinite> non_finite;
  const std::string source =
      allow_non_finite ? QuoteNonFinite(text, non_finite) : std::string(text);
  Guard guard(where, non_finite);
  try {
    return Json::parse(source, [&](int depth, Json::parse_event_t event, Json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const Json::exception& problem) {
    throw Error(fmt::format("not valid JSON: {}", problem.what()), where,
                "check quotes, commas and brackets");
  }
}

std::string DumpJson(const Json& value, int indent) {
  return NamedNonFinite(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

void ThrowNotWhole(const Json& value) {
  throw Error(fmt::format("{} is no whole number of its range", DumpJson(value)), "", "");
}

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

}  // namespace ddl
