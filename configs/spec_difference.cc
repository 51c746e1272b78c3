// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_difference.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::array<std::string_view, 14> kMayChange{
    "failures",    "limits",    "hosts",    "inventory",     "resources", "parallel", "retries",
    "description", "fail_fast", "grace_ms", "lost_after_ms", "results",   "fusion",   "keep"};

bool MayChange(const std::string& key, const Json& before, const Json& after) {
  if (std::ranges::find(kMayChange, key) != kMayChange.end()) return true;
  // More trials are an addition, and so is no end at all; fewer would take some back.
  if (key != "run_cap" || !before.is_number()) return false;
  return after.is_null() || (after.is_number() && after > before);
}

}  // namespace

SpecDifference DifferenceOf(const SweepSpec& before, const SweepSpec& after) {
  Json old_spec = ResolvedSpec(before);
  Json new_spec = ResolvedSpec(after);
  // Nobody asks for these: they say how the sweep came by its run_cap and its hosts, and where its
  // code is.
  for (Json* spec : {&old_spec, &new_spec}) {
    for (const char* key : {"run_cap_before_extension", "hosts_before_change", "drained",
                            "snapshot", "code", "warm_points"}) {
      spec->erase(key);
    }
  }
  std::set<std::string> keys;
  for (const Json* spec : {&old_spec, &new_spec}) {
    for (const auto& item : spec->items()) {
      keys.insert(item.key());
    }
  }
  SpecDifference difference;
  for (const std::string& key : keys) {
    const Json old_value = old_spec.value(key, Json());
    const Json new_value = new_spec.value(key, Json());
    if (old_value == new_value) continue;
    difference.text += fmt::format("{}  {}: {} -> {}", difference.text.empty() ? "" : "\n", key,
                                   DumpJson(old_value), DumpJson(new_value));
    difference.in_place = difference.in_place && MayChange(key, old_value, new_value);
  }
  return difference;
}

}  // namespace ddl
