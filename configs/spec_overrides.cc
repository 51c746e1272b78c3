// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_overrides.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "configs/nearest.h"
#include "configs/spec_keys.h"
#include "configs/spec_reader.h"

namespace ddl {

namespace {

bool IsIgnored(std::string_view key) {
  return std::ranges::count(kIgnoredKeys, key) > 0;
}

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
  std::vector<std::string_view> candidates = SpecKeyNames();
  std::erase_if(candidates, IsIgnored);
  for (const auto& [name, value] : parameters.entries) {
    candidates.push_back(name.text);
  }
  return NearestName(key, candidates);
}

// Keys of W&B that mean nothing here give way to a parameter of their name.
bool IsSpecKey(const std::string& key, std::string_view top, SpecNode& root) {
  if (IsIgnored(top)) {
    SpecNode* parameters = root.Find("parameters");
    return parameters == nullptr || FindParameter(*parameters, key) == nullptr;
  }
  return std::ranges::count(SpecKeyNames(), top) > 0;
}

// "parameters.optimizer.parameters.lr=3" was meant as "optimizer.lr=3".
void RefuseBelowParameters(const std::vector<std::string>& path, const SpecNode& place,
                           SpecNode& root, SpecErrors& errors) {
  std::string name;
  for (const std::string& part : path) {
    if (part != "parameters") name += (name.empty() ? "" : ".") + part;
  }
  SpecNode* parameters = root.Find("parameters");
  const bool is_known = parameters != nullptr && FindParameter(*parameters, name) != nullptr;
  const std::string meant = name + place.text.substr(place.text.find('='));
  errors.Add(place, "a parameter is called by its own name",
             is_known || path.size() == 2
                 ? fmt::format("write {}", meant)
                 : "write NAME=VALUE, or NAME=VALUE,VALUE; ranges are for the file");
}

void SetKey(const std::vector<std::string>& path, SpecNode value, const std::string& text,
            SpecNode& root) {
  SpecNode* at = &root;
  for (const std::string& name : path) {
    at = &Entry(*at, name, text);
  }
  *at = std::move(value);
}

void SetParameter(SpecNode& parameter, std::vector<SpecNode> values, const std::string& text) {
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

std::vector<SpecNode> ParseAll(const std::vector<std::string>& texts, const std::string& origin) {
  std::vector<SpecNode> values;
  for (const std::string& text : texts) {
    values.push_back(ParseSpecText(text));
    MarkOrigin(values.back(), origin);
  }
  return values;
}

}  // namespace

void ApplyOverride(const std::string& text, SpecNode& root, SpecErrors& errors) {
  const std::size_t equals = text.find('=');
  const SpecNode place = Word(text, text);
  if (equals == std::string::npos || equals == 0) {
    return errors.Add(place, "not an override", "write KEY=VALUE");
  }
  const std::string key = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);
  const std::vector<std::string> path = SplitPath(key);
  if (path.front() == "parameters" && path.size() > 1) {
    return RefuseBelowParameters(path, place, root, errors);
  }
  const bool is_spec_key = IsSpecKey(key, path.front(), root);
  std::vector<SpecNode> values;
  try {
    values = ParseAll(is_spec_key ? std::vector{value} : SplitValues(value), text);
  } catch (const SpecFault& fault) {
    return errors.Add(place, fault.what, fault.hint);
  }
  if (is_spec_key) return SetKey(path, std::move(values.front()), text, root);
  SpecNode& parameters = Entry(root, "parameters", text);
  SpecNode* known = FindParameter(parameters, key);
  if (const std::string meant = known == nullptr ? MeantKey(parameters, key) : ""; !meant.empty()) {
    return errors.Add(place, fmt::format("no key or parameter \"{}\"", key),
                      fmt::format("did you mean {}?", meant));
  }
  SetParameter(known != nullptr ? *known : Entry(parameters, key, text), std::move(values), text);
}

}  // namespace ddl
