// SPDX-License-Identifier: Apache-2.0
#include "configs/early_terminate.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "configs/nearest.h"
#include "configs/spec_keys.h"

namespace ddl {

namespace {

constexpr std::array<std::string_view, 7> kPrunerNames{
    "asha", "hyperband", "median", "percentile", "patience", "threshold", "racing"};
constexpr std::string_view kBohb = "bohb";  // hyperband beside method: tpe

// The keys that a type takes besides `type`.
std::vector<std::string_view> KeysOf(PrunerType type) {
  switch (type) {
    case PrunerType::kAsha:
      return {"min_iter", "max_iter", "eta", "promote"};
    case PrunerType::kHyperband:
      return {"min_iter", "max_iter", "eta", "s", "strict", "promote"};
    case PrunerType::kMedian:
      return {"min_iter", "trials", "promote"};
    case PrunerType::kPercentile:
      return {"min_iter", "trials", "percentile", "promote"};
    case PrunerType::kPatience:
      return {"min_iter", "patience", "min_delta"};
    case PrunerType::kThreshold:
      return {"min_iter", "lower", "upper"};
    case PrunerType::kRacing:
      return {"confidence"};
  }
  return {};
}

std::optional<PrunerType> ReadType(const SpecNode& node, SpecErrors& errors) {
  const auto name = ReadText(node, "type", errors);
  if (!name) return std::nullopt;
  if (*name == kBohb) return PrunerType::kHyperband;
  const auto found = std::ranges::find(kPrunerNames, *name);
  if (found != kPrunerNames.end()) return static_cast<PrunerType>(found - kPrunerNames.begin());
  const std::string nearest = NearestName(*name, {kPrunerNames.begin(), kPrunerNames.end()});
  errors.Add(node, fmt::format("unknown type of early_terminate \"{}\"", *name),
             nearest.empty() ? fmt::format("known: {} {}", fmt::join(kPrunerNames, " "), kBohb)
                             : fmt::format("did you mean \"{}\"?", nearest));
  return std::nullopt;
}

void CheckNumbers(const SpecNode& node, const EarlyTerminate& rule, SpecErrors& errors) {
  const auto at = [&node](std::string_view key) -> const SpecNode& {
    const SpecNode* found = node.Find(key);
    return found == nullptr ? node : *found;
  };
  if (rule.eta <= 1) errors.Add(at("eta"), "eta must be above 1", "write eta: 3");
  if (rule.max_iter && rule.type == PrunerType::kAsha && *rule.max_iter <= rule.min_iter) {
    errors.Add(at("max_iter"), fmt::format("max_iter must be above min_iter {}", rule.min_iter),
               "write the reports of a whole trial");
  }
  const bool has_min = node.Find("min_iter") != nullptr;
  if (rule.type == PrunerType::kHyperband && rule.max_iter.has_value() == has_min) {
    errors.Add(node, "hyperband needs either min_iter or max_iter",
               "write min_iter: 3, or max_iter: 27 and s: 2");
  }
  if (rule.type == PrunerType::kHyperband && rule.max_iter.has_value() != rule.s.has_value()) {
    errors.Add(node, "max_iter and s belong together", "write max_iter: 27 and s: 2");
  }
  if (rule.percentile <= 0 || rule.percentile >= 100) {
    errors.Add(at("percentile"), "percentile must be between 0 and 100",
               "25 lets the best quarter go on");
  }
  if (rule.type == PrunerType::kThreshold && !rule.lower && !rule.upper) {
    errors.Add(node, "threshold needs lower or upper", "write upper: 10");
  }
  if (rule.confidence <= 0.5 || rule.confidence >= 1) {
    errors.Add(at("confidence"), "confidence must be between 0.5 and 1", "write confidence: 0.95");
  }
}

}  // namespace

std::string_view ToString(PrunerType type) {
  return kPrunerNames.at(static_cast<std::size_t>(type));
}

std::optional<EarlyTerminate> ReadEarlyTerminate(const SpecNode& node, SpecErrors& errors) {
  const SpecNode* type = node.kind == SpecNode::Kind::kMap ? node.Find("type") : nullptr;
  if (type == nullptr) {
    errors.Add(node, "early_terminate needs a type", "write {type: asha, min_iter: 1, eta: 3}");
    return std::nullopt;
  }
  const std::optional<PrunerType> read = ReadType(*type, errors);
  if (!read) return std::nullopt;
  EarlyTerminate rule{.type = *read};
  const auto whole = [&errors](auto& into, std::string_view key) {
    return [&errors, &into, key](const SpecNode& n) {
      if (const auto value = ReadWhole(n, key, 1, errors)) into = *value;
    };
  };
  const auto number = [&errors](auto& into, std::string_view key) {
    return [&errors, &into, key](const SpecNode& n) {
      if (const auto value = ReadNumber(n, key, errors)) into = *value;
    };
  };
  const std::vector<SpecKey> all{
      {"min_iter", whole(rule.min_iter, "min_iter")},
      {"max_iter", whole(rule.max_iter, "max_iter")},
      {"eta", number(rule.eta, "eta")},
      {"s", whole(rule.s, "s")},
      {"strict",
       [&](const SpecNode& n) { rule.strict = ReadBool(n, "strict", errors).value_or(false); }},
      {"percentile", number(rule.percentile, "percentile")},
      {"trials", whole(rule.trials, "trials")},
      {"patience", whole(rule.patience, "patience")},
      {"min_delta", number(rule.min_delta, "min_delta")},
      {"lower", number(rule.lower, "lower")},
      {"upper", number(rule.upper, "upper")},
      {"confidence", number(rule.confidence, "confidence")},
      {"promote",
       [&](const SpecNode& n) { rule.promote = ReadBool(n, "promote", errors).value_or(true); }},
  };
  const std::vector<std::string_view> used = KeysOf(rule.type);
  std::vector<SpecKey> keys{{"type", [](const SpecNode&) {}}};
  std::ranges::copy_if(all, std::back_inserter(keys), [&used](const SpecKey& key) {
    return std::ranges::find(used, key.name) != used.end();
  });
  ReadKeys(node, fmt::format("early_terminate of type {}", ToString(rule.type)), keys, errors);
  CheckNumbers(node, rule, errors);
  return rule;
}

void CheckEarlyTerminate(const SpecNode& node, bool has_metric, int seeds, const SpecNode* method,
                         SpecErrors& errors) {
  const SpecNode* type = node.kind == SpecNode::Kind::kMap ? node.Find("type") : nullptr;
  if (type == nullptr) return;
  if (!has_metric) {
    errors.Add(node, "early_terminate needs a metric", "write metric: {name: …, goal: …}");
  }
  if (type->text == kBohb && (method == nullptr || method->text != "tpe")) {
    errors.Add(*type, "bohb is hyperband beside the tpe search", "write method: tpe");
  }
  if (type->text == ToString(PrunerType::kRacing) && seeds < 2) {
    errors.Add(*type, "racing compares configurations over their seeds", "write seeds: 5");
  }
}

Json ToJson(const EarlyTerminate& rule) {
  Json all{{"min_iter", rule.min_iter},   {"eta", rule.eta},
           {"strict", rule.strict},       {"percentile", rule.percentile},
           {"trials", rule.trials},       {"patience", rule.patience},
           {"min_delta", rule.min_delta}, {"confidence", rule.confidence},
           {"promote", rule.promote}};
  if (rule.max_iter) all["max_iter"] = *rule.max_iter;
  if (rule.s) all["s"] = *rule.s;
  if (rule.lower) all["lower"] = *rule.lower;
  if (rule.upper) all["upper"] = *rule.upper;
  Json json{{"type", ToString(rule.type)}};
  for (const std::string_view key : KeysOf(rule.type)) {
    if (const auto found = all.find(key); found != all.end()) json[std::string(key)] = *found;
  }
  return json;
}

EarlyTerminate EarlyTerminateFromJson(const Json& json) {
  EarlyTerminate rule;
  const auto type = std::ranges::find(kPrunerNames, json.at("type").get<std::string>());
  if (type == kPrunerNames.end()) throw Json::other_error::create(501, "type", &json);
  rule.type = static_cast<PrunerType>(type - kPrunerNames.begin());
  const auto read = [&json](auto& into, const char* key) {
    if (json.contains(key)) json.at(key).get_to(into);
  };
  const auto read_optional = [&json]<class Value>(std::optional<Value>& into, const char* key) {
    if (json.contains(key)) into = json.at(key).get<Value>();
  };
  read(rule.min_iter, "min_iter");
  read_optional(rule.max_iter, "max_iter");
  read(rule.eta, "eta");
  read_optional(rule.s, "s");
  read(rule.strict, "strict");
  read(rule.percentile, "percentile");
  read(rule.trials, "trials");
  read(rule.patience, "patience");
  read(rule.min_delta, "min_delta");
  read_optional(rule.lower, "lower");
  read_optional(rule.upper, "upper");
  read(rule.confidence, "confidence");
  read(rule.promote, "promote");
  return rule;
}

}  // namespace ddl
