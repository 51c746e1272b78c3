// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_overrides.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "configs/nearest.h"

namespace ddl {

namespace {

constexpr std::array<std::string_view, 31> kSpecKeys{
    "name",         "description", "program", "method",          "metric",
    "seeds",        "search_seed", "run_cap", "parallel",        "limits",
    "resources",    "hosts",       "retries", "timeout_s",       "grace_s",
    "lost_after_s", "fail_fast",   "env",     "share_busy_gpus", "workdir",
    "trainer",      "capture",     "results", "fusion",          "early_terminate",
    "metrics",      "constraints", "zip",     "initial_points",  "warm_start",
    "keep"};

std::vector<std::string> SplitValues(const std::string& text) {
  std::vector<std::string> values(1);
  int depth = 0;
  char quote = '\0';
  for (const char c : text) {
    if (quote != '\0') {
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    }
    if (c == ',' && depth == 0 && quote == '\0') {
      values.emplace_back();
    } else {
      values.back() += c;
    }
  }
  return values;
}

void MarkOrigin(SpecNode& node, const std::string& origin) {
  node.origin = origin;
  for (SpecNode& item : node.items) {
    MarkOrigin(item, origin);
  }
  for (auto& [name, value] : node.entries) {
    name.origin = origin;
    MarkOrigin(value, origin);
  }
}

SpecNode Word(const std::string& text, const std::string& origin) {
  SpecNode node;
  node.kind = SpecNode::Kind::kScalar;
  node.text = text;
  node.origin = origin;
  return node;
}

SpecNode MapOf(const std::string& key, SpecNode value, const std::string& origin) {
  SpecNode map;
  map.kind = SpecNode::Kind::kMap;
  map.origin = origin;
  map.entries.push_back({Word(key, origin), std::move(value)});
  return map;
}

// The entry of a map, made when it is missing.
SpecNode& Entry(SpecNode& map, const std::string& key, const std::string& origin) {
  if (map.kind != SpecNode::Kind::kMap) {
    map = SpecNode();
    map.kind = SpecNode::Kind::kMap;
  }
  if (SpecNode* found = map.Find(key)) return *found;
  map.entries.push_back({Word(key, origin), SpecNode()});
  return map.entries.back().value;
}

std::vector<std::string> SplitPath(const std::string& key) {
  std::vector<std::string> path(1);
  for (const char c : key) {
    if (c == '.') {
      path.emplace_back();
    } else {
      path.back() += c;
    }
  }
  return path;
}

// The parameter of that name as it stands in the spec, nested or not.
SpecNode* FindParameter(SpecNode& parameters, const std::string& key) {
  if (SpecNode* found = parameters.Find(key)) return found;
  SpecNode* at = &parameters;
  for (const std::string& name : SplitPath(key)) {
    SpecNode* nested = at == &parameters ? at : at->Find("parameters");
    at = nested == nullptr ? nullptr : nested->Find(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

// What a key that is new to the spec was probably meant to be.
std::string MeantKey(const SpecNode& parameters, const std::string& key) {
  std::vector<std::string_view> candidates(kSpecKeys.begin(), kSpecKeys.end());
  for (const auto& [name, value] : parameters.entries) {
    candidates.push_back(name.text);
  }
  return NearestName(key, candidates);
}

}  // namespace

void ApplyOverride(const std::string& text, SpecNode& root, SpecErrors& errors) {
  const std::size_t equals = text.find('=');
  SpecNode place = Word(text, text);
  if (equals == std::string::npos || equals == 0) {
    return errors.Add(place, "not an override", "write KEY=VALUE");
  }
  const std::string key = text.substr(0, equals);
  const std::vector<std::string> path = SplitPath(key);
  std::vector<SpecNode> values;
  try {
    const bool is_spec_key = std::ranges::find(kSpecKeys, path.front()) != kSpecKeys.end();
    const std::string value_text = text.substr(equals + 1);
    for (const std::string& value :
         is_spec_key ? std::vector{value_text} : SplitValues(value_text)) {
      values.push_back(ParseSpecText(value));
      MarkOrigin(values.back(), text);
    }
    if (is_spec_key) {
      SpecNode* at = &root;
      for (const std::string& name : path) {
        at = &Entry(*at, name, text);
      }
      *at = std::move(values.front());
      return;
    }
  } catch (const SpecFault& fault) {
    return errors.Add(place, fault.what, fault.hint);
  }
  SpecNode& parameters = Entry(root, "parameters", text);
  SpecNode* known = FindParameter(parameters, key);
  if (const std::string meant = known == nullptr ? MeantKey(parameters, key) : ""; !meant.empty()) {
    return errors.Add(place, fmt::format("no key or parameter \"{}\"", key),
                      fmt::format("did you mean {}?", meant));
  }
  SpecNode& parameter = known != nullptr ? *known : Entry(parameters, key, text);
  SpecNode said;
  if (values.size() == 1) {
    said = MapOf("value", std::move(values.front()), text);
  } else {
    SpecNode list;
    list.kind = SpecNode::Kind::kList;
    list.origin = text;
    list.items = std::move(values);
    said = MapOf("values", std::move(list), text);
  }
  // Another value, active where the one before it was.
  if (const SpecNode* when = parameter.Find("when")) {
    said.entries.push_back({Word("when", text), *when});
  }
  parameter = std::move(said);
}

}  // namespace ddl
