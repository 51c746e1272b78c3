// SPDX-License-Identifier: Apache-2.0
#include "trainer/json_section.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "configs/nearest.h"

namespace ddl {

namespace {

const Json kAbsent;

std::string RangeText(const NumberRange& range) {
  const bool is_open_above = range.high == std::numeric_limits<double>::max();
  std::string low =
      fmt::format("{} {}", range.excludes_low ? "above" : "at least", FormatNumber(range.low));
  if (is_open_above) return low;
  return fmt::format("{} and {} {}", low, range.excludes_high ? "below" : "at most",
                     FormatNumber(range.high));
}

double CheckedNumber(const Json& value, const std::string& name, const NumberRange& range) {
  const std::string hint = "give a number " + RangeText(range);
  if (!value.is_number()) {
    throw Error(fmt::format("{} is not a number", DumpJson(value)), name, hint);
  }
  const auto number = value.get<double>();
  const bool is_low = range.excludes_low ? number <= range.low : number < range.low;
  const bool is_high = range.excludes_high ? number >= range.high : number > range.high;
  if (!std::isfinite(number) || is_low || is_high) {
    throw Error(fmt::format("{} is out of range", FormatNumber(number)), name, hint);
  }
  return number;
}

// Whole numbers may come as 128.0, as quantised searches write them.
std::uint64_t CheckedCount(const Json& value, const std::string& name, std::uint64_t least) {
  constexpr double kExactBelow = 9007199254740992.0;  // 2^53
  const std::string hint = fmt::format("give a whole number of at least {}", least);
  if (!value.is_number()) {
    throw Error(fmt::format("{} is not a number", DumpJson(value)), name, hint);
  }
  const auto number = value.get<double>();
  const bool is_whole = number >= 0.0 && number < kExactBelow && std::floor(number) == number;
  if (!is_whole || number < static_cast<double>(least)) {
    throw Error(fmt::format("{} is not such a number", DumpJson(value)), name, hint);
  }
  return static_cast<std::uint64_t>(number);
}

}  // namespace

JsonSection::JsonSection(const Json& value, std::string path)
    : value_(&value), path_(std::move(path)) {
  if (value.is_string()) own_ = Json{{"type", value}};
  if (value.is_string() || value.is_object() || value.is_null()) return;
  throw Error(fmt::format("{} is not a mapping", DumpJson(value)), path_,
              "write keys and values: {key: value}");
}

std::string JsonSection::Name(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Json* JsonSection::Find(std::string_view key) {
  known_.emplace_back(key);
  const Json& mapping = value_->is_string() ? own_ : *value_;
  if (mapping.is_null()) return nullptr;
  const auto found = mapping.find(std::string(key));
  return found == mapping.end() || found->is_null() ? nullptr : &*found;
}

bool JsonSection::Has(std::string_view key) const {
  return value_->is_object() && value_->contains(std::string(key));
}

JsonSection JsonSection::Below(std::string_view key) {
  return {Raw(key), Name(key)};
}

const Json& JsonSection::Raw(std::string_view key) {
  const Json* found = Find(key);
  return found == nullptr ? kAbsent : *found;
}

double JsonSection::Number(std::string_view key, double absent, NumberRange range) {
  const Json* found = Find(key);
  return found == nullptr ? absent : CheckedNumber(*found, Name(key), range);
}

std::uint64_t JsonSection::Count(std::string_view key, std::uint64_t absent, std::uint64_t least) {
  const Json* found = Find(key);
  return found == nullptr ? absent : CheckedCount(*found, Name(key), least);
}

std::string JsonSection::Text(std::string_view key, std::string_view absent) {
  const Json* found = Find(key);
  if (found == nullptr) return std::string(absent);
  if (found->is_string()) return found->get<std::string>();
  throw Error(fmt::format("{} is not a text", DumpJson(*found)), Name(key), "put it in quotes");
}

bool JsonSection::Flag(std::string_view key, bool absent) {
  const Json* found = Find(key);
  if (found == nullptr) return absent;
  if (found->is_boolean()) return found->get<bool>();
  throw Error(fmt::format("{} is neither true nor false", DumpJson(*found)), Name(key),
              "write true or false");
}

std::size_t JsonSection::Choice(std::string_view key, std::size_t absent,
                                std::span<const std::string_view> choices) {
  const Json* found = Find(key);
  if (found == nullptr) return absent;
  const std::string text = found->is_string() ? found->get<std::string>() : DumpJson(*found);
  const auto at = std::find(choices.begin(), choices.end(), text);
  if (at != choices.end()) return static_cast<std::size_t>(at - choices.begin());
  throw Error(fmt::format("unknown value '{}'", text), Name(key),
              fmt::format("choose one of: {}", fmt::join(choices, ", ")));
}

std::vector<std::size_t> JsonSection::Counts(std::string_view key) {
  const Json* found = Find(key);
  if (found == nullptr) return {};
  if (!found->is_array()) {
    throw Error(fmt::format("{} is not a list", DumpJson(*found)), Name(key),
                "write whole numbers in brackets: [256, 128]");
  }
  std::vector<std::size_t> counts;
  counts.reserve(found->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    counts.push_back(CheckedCount((*found)[i], fmt::format("{}[{}]", Name(key), i), 1));
  }
  return counts;
}

std::pair<double, double> JsonSection::NumberPair(std::string_view key,
                                                  std::pair<double, double> absent,
                                                  NumberRange range) {
  const Json* found = Find(key);
  if (found == nullptr) return absent;
  if (!found->is_array() || found->size() != 2) {
    throw Error(fmt::format("{} is not a pair", DumpJson(*found)), Name(key),
                "write two numbers in brackets: [0.9, 0.999]");
  }
  return {CheckedNumber((*found)[0], Name(key) + "[0]", range),
          CheckedNumber((*found)[1], Name(key) + "[1]", range)};
}

void JsonSection::Finish() const {
  if (!value_->is_object()) return;
  for (const auto& [key, value] : value_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::vector<std::string_view> candidates(known_.begin(), known_.end());
    const std::string nearest = NearestName(key, candidates);
    throw Error("unknown key", Name(key),
                nearest.empty() ? fmt::format("known here: {}", fmt::join(known_, ", "))
                                : fmt::format("did you mean '{}'?", nearest));
  }
}

}  // namespace ddl
