// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_keys.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "configs/nearest.h"

namespace ddl {

void ReadKeys(const SpecNode& node, std::string_view of, const std::vector<SpecKey>& keys,
              SpecErrors& errors) {
  if (node.kind != SpecNode::Kind::kMap) {
    errors.Add(node, fmt::format("{} must be a mapping", of), "write KEY: VALUE lines below it");
    return;
  }
  for (const auto& [name, value] : node.entries) {
    const auto key = std::ranges::find(keys, name.text, &SpecKey::name);
    if (key != keys.end()) {
      key->read(value);
      continue;
    }
    std::vector<std::string_view> known;
    known.reserve(keys.size());
    for (const SpecKey& candidate : keys) {
      known.push_back(candidate.name);
    }
    const std::string nearest = NearestName(name.text, known);
    std::string hint =
        nearest.empty() ? "known here: " : fmt::format("did you mean \"{}\"?", nearest);
    if (nearest.empty()) hint += fmt::format("{}", fmt::join(known, " "));
    SpecNode place = name;
    if (place.origin.empty()) place.origin = value.origin;
    errors.Add(place, fmt::format("unknown key \"{}\" in {}", name.text, of), hint);
  }
}

std::optional<std::string> ReadText(const SpecNode& node, std::string_view key,
                                    SpecErrors& errors) {
  if (node.kind == SpecNode::Kind::kScalar && !node.text.empty()) return node.text;
  errors.Add(node, fmt::format("{} must be a text", key), "write it as one word, or in quotes");
  return std::nullopt;
}

std::optional<double> ReadNumber(const SpecNode& node, std::string_view key, SpecErrors& errors) {
  const Json value = node.kind == SpecNode::Kind::kScalar ? ScalarToJson(node) : Json();
  if (value.is_number() && std::isfinite(value.get<double>())) return value.get<double>();
  errors.Add(node, fmt::format("{} must be a number", key), "write a finite number such as 0.5");
  return std::nullopt;
}

std::optional<double> ReadPositive(const SpecNode& node, std::string_view key, SpecErrors& errors) {
  const std::optional<double> value = ReadNumber(node, key, errors);
  if (!value || *value > 0) return value;
  errors.Add(node, fmt::format("{} must be above 0", key), "write a positive number");
  return std::nullopt;
}

std::optional<std::int64_t> ReadWhole(const SpecNode& node, std::string_view key,
                                      std::int64_t least, SpecErrors& errors) {
  const Json value = node.kind == SpecNode::Kind::kScalar ? ScalarToJson(node) : Json();
  if (value.is_number_integer() && value.get<std::int64_t>() >= least) {
    return value.get<std::int64_t>();
  }
  errors.Add(node, fmt::format("{} must be a whole number, at least {}", key, least),
             fmt::format("write {} or more", least));
  return std::nullopt;
}

std::optional<bool> ReadBool(const SpecNode& node, std::string_view key, SpecErrors& errors) {
  const Json value = node.kind == SpecNode::Kind::kScalar ? ScalarToJson(node) : Json();
  if (value.is_boolean()) return value.get<bool>();
  errors.Add(node, fmt::format("{} must be true or false", key), "write true or false");
  return std::nullopt;
}

std::optional<std::int64_t> ReadMemory(const SpecNode& node, std::string_view key,
                                       SpecErrors& errors) {
  double amount = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [unit, problem] = std::from_chars(node.text.data(), end, amount);
  std::string_view name(unit, static_cast<std::size_t>(end - unit));
  while (name.starts_with(' ')) {
    name.remove_prefix(1);
  }
  const double mib = name == "GiB" ? 1024 : name == "MiB" || name.empty() ? 1 : 0;
  if (problem == std::errc() && amount * mib >= 1) {
    return static_cast<std::int64_t>(std::ceil(amount * mib));
  }
  errors.Add(node, fmt::format("{} must be an amount of memory", key),
             "write 4GiB, 512MiB, or a number of MiB");
  return std::nullopt;
}

}  // namespace ddl
