// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_sections.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <regex>
#include <utility>

#include <fmt/format.h>

#include "configs/spec_keys.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

void ReadGoal(const SpecNode& node, Metric& metric, SpecErrors& errors) {
  const std::string goal = ReadText(node, "goal", errors).value_or("minimize");
  if (goal == "maximize") {
    metric.goal = Goal::kMaximize;
  } else if (goal != "minimize") {
    errors.Add(node, fmt::format("unknown goal \"{}\"", goal), "write minimize or maximize");
  }
}

// Thousandths of one device, or whole devices.
void CheckShare(const SpecNode& node, double share, std::string_view key, SpecErrors& errors) {
  const double thousandths = share * 1000;
  if (share < 0 || std::abs(thousandths - std::round(thousandths)) > 1e-6) {
    errors.Add(node, fmt::format("{} must be a multiple of 0.001", key), "round it");
  } else if (share > 1 && share != std::floor(share)) {
    errors.Add(node, fmt::format("{} above 1 must be whole", key),
               "write 1, 2, 3, …, or a share below 1");
  }
}

// How W&B's bayes treats trials without a value; grid and random need none.
void ReadImpute(const SpecNode& node, const std::string& key, SpecErrors& errors,
                std::vector<std::string>& ignored) {
  const std::string impute = ReadText(node, key, errors).value_or("worst");
  const bool off = key == "impute_while_running" && impute == "false";
  if (impute != "latest" && impute != "best" && impute != "worst" && !off) {
    errors.Add(node, fmt::format("unknown {} \"{}\"", key, impute), "write latest, best or worst");
  }
  ignored.push_back("metric." + key);
}

}  // namespace

Metric ReadMetric(const SpecNode& node, SpecErrors& errors, std::vector<std::string>& ignored) {
  Metric metric;
  const auto impute = [&](const char* key) {
    return [&, key](const SpecNode& n) { ReadImpute(n, key, errors, ignored); };
  };
  ReadKeys(
      node, "metric",
      {{"name", [&](const SpecNode& n) { metric.name = ReadText(n, "name", errors).value_or(""); }},
       {"goal", [&](const SpecNode& n) { ReadGoal(n, metric, errors); }},
       {"target", [&](const SpecNode& n) { metric.target = ReadNumber(n, "target", errors); }},
       {"impute", impute("impute")},
       {"impute_while_running", impute("impute_while_running")}},
      errors);
  if (node.kind == SpecNode::Kind::kMap && node.Find("name") == nullptr) {
    errors.Add(node, "metric has no name", "write name: val_loss, as the trial reports it");
  }
  return metric;
}

std::vector<Metric> ReadMetrics(const SpecNode& node, SpecErrors& errors) {
  std::vector<Metric> metrics;
  if (node.kind != SpecNode::Kind::kList || node.items.empty()) {
    errors.Add(node, "metrics must be a list",
               "write metrics: [{name: loss, goal: minimize}, {name: speed, goal: maximize}]");
    return metrics;
  }
  std::vector<std::string> ignored;
  for (const SpecNode& item : node.items) {
    Metric metric = ReadMetric(item, errors, ignored);
    if (!ignored.empty()) {
      errors.Add(item, fmt::format("{} among metrics", ignored.front()), "leave it away");
      ignored.clear();
    }
    if (metric.target && !metrics.empty()) {
      errors.Add(item, fmt::format("metric {} has a target", metric.name),
                 "leave it away: the target of the first metric alone ends a sweep");
    }
    const auto is_same = [&metric](const Metric& other) { return other.name == metric.name; };
    if (std::ranges::any_of(metrics, is_same)) {
      errors.Add(item, fmt::format("metric {} stands here twice", metric.name), "keep one of them");
    }
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

WarmStart ReadWarmStart(const SpecNode& node, const std::string& base_folder, SpecErrors& errors) {
  WarmStart warm;
  ReadKeys(node, "warm_start",
           {{"sweep",
             [&](const SpecNode& n) { warm.sweep = ReadText(n, "sweep", errors).value_or(""); }},
            {"file",
             [&](const SpecNode& n) {
               const std::string file = ReadText(n, "file", errors).value_or("");
               const fs::path path = (fs::path(base_folder) / file).lexically_normal();
               if (!file.empty()) warm.file = path.string();
               if (!file.empty() && !fs::is_regular_file(path)) {
                 errors.Add(n, fmt::format("there is no file {}", file),
                            "name one, relative to the spec: what `ddl report --csv` writes");
               }
             }},
            {"limit", [&](const SpecNode& n) { warm.limit = ReadWhole(n, "limit", 1, errors); }}},
           errors);
  const bool is_one = (node.Find("sweep") == nullptr) != (node.Find("file") == nullptr);
  if (node.kind == SpecNode::Kind::kMap && !is_one) {
    errors.Add(node, "warm_start needs a sweep or a file", "write one of the two");
  }
  return warm;
}

Limits ReadLimits(const SpecNode& node, SpecErrors& errors) {
  Limits limits;
  ReadKeys(
      node, "limits",
      {{"wall_h", [&](const SpecNode& n) { limits.wall_h = ReadPositive(n, "wall_h", errors); }},
       {"gpu_h", [&](const SpecNode& n) { limits.gpu_h = ReadPositive(n, "gpu_h", errors); }},
       {"epochs", [&](const SpecNode& n) { limits.epochs = ReadWhole(n, "epochs", 1, errors); }}},
      errors);
  return limits;
}

Resources ReadResources(const SpecNode& node, SpecErrors& errors) {
  Resources resources;
  ReadKeys(node, "resources",
           {{"cpus",
             [&](const SpecNode& n) {
               resources.cpus = ReadPositive(n, "cpus", errors).value_or(1);
               CheckShare(n, resources.cpus, "cpus", errors);
             }},
            {"gpus",
             [&](const SpecNode& n) {
               resources.gpus = ReadNumber(n, "gpus", errors).value_or(0);
               CheckShare(n, resources.gpus, "gpus", errors);
             }},
            {"memory",
             [&](const SpecNode& n) {
               resources.memory_mib = ReadMemory(n, "memory", errors).value_or(0);
             }}},
           errors);
  return resources;
}

namespace {

void ReadThen(const SpecNode& node, FailureRule& rule, SpecErrors& errors) {
  const std::string word = ReadText(node, "then", errors).value_or("drain-gpu");
  const auto action = std::ranges::find_if(
      kFailureActions, [&word](FailureAction known) { return word == ToString(known); });
  if (action != kFailureActions.end()) {
    rule.then = *action;
    return;
  }
  errors.Add(node, fmt::format("unknown action \"{}\"", word),
             "write drain-gpu, drain-host, bigger-gpu, give-up or try-again");
}

void ReadPattern(const SpecNode& node, FailureRule& rule, SpecErrors& errors) {
  rule.pattern = ReadText(node, "pattern", errors).value_or("");
  try {
    (void)std::regex(rule.pattern);
  } catch (const std::regex_error& problem) {
    errors.Add(node, fmt::format("the pattern cannot be read: {}", problem.what()),
               "write an ECMAScript regular expression");
  }
}

}  // namespace

std::vector<FailureRule> ReadFailures(const SpecNode& node, SpecErrors& errors) {
  std::vector<FailureRule> rules;
  if (node.kind != SpecNode::Kind::kList) {
    errors.Add(node, "failures must be a list",
               "write failures: [{pattern: '...', then: drain-gpu}]");
    return rules;
  }
  for (const SpecNode& item : node.items) {
    FailureRule& rule = rules.emplace_back();
    ReadKeys(item, "a rule of failures",
             {{"pattern", [&](const SpecNode& n) { ReadPattern(n, rule, errors); }},
              {"then", [&](const SpecNode& n) { ReadThen(n, rule, errors); }}},
             errors);
    for (const char* key : {"pattern", "then"}) {
      if (item.kind != SpecNode::Kind::kMap || item.Find(key) != nullptr) continue;
      errors.Add(item, fmt::format("a rule of failures has no {}", key),
                 "write {pattern: '...', then: drain-gpu}");
    }
  }
  return rules;
}

std::vector<Capture> ReadCaptures(const SpecNode& node, SpecErrors& errors) {
  std::vector<Capture> read;
  if (node.kind != SpecNode::Kind::kMap) {
    errors.Add(node, "capture must be a mapping", "write METRIC: 'pattern with one (group)'");
    return read;
  }
  for (const auto& [name, value] : node.entries) {
    const std::string pattern = ReadText(value, "a pattern", errors).value_or("");
    try {
      const std::regex regex(pattern);
      if (regex.mark_count() == 0) {
        errors.Add(value, fmt::format("pattern for {} has no group", name.text),
                   "put the number in parentheses: acc=([0-9.]+)");
      }
    } catch (const std::regex_error& problem) {
      errors.Add(value, fmt::format("pattern for {} cannot be read: {}", name.text, problem.what()),
                 "write an ECMAScript regular expression");
    }
    read.push_back({name.text, pattern});
  }
  return read;
}

namespace {

bool IsVariableName(std::string_view name) {
  const auto is_part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::ranges::all_of(name, is_part) &&
         std::isdigit(static_cast<unsigned char>(name.front())) == 0;
}

// {secret: NAME}
SecretVariable ReadSecret(const std::string& variable, const SpecNode& node, SpecErrors& errors) {
  const SpecNode* name = node.Find("secret");
  const bool is_one = name != nullptr && node.entries.size() == 1 &&
                      name->kind == SpecNode::Kind::kScalar && IsVariableName(name->text);
  if (is_one) return {variable, name->text};
  errors.Add(node, fmt::format("env {} must be a text, or {{secret: NAME}}", variable),
             "NAME is a variable of your environment, or a file in ~/.config/ddl/secrets");
  return {};
}

}  // namespace

ResultsRule ReadResults(const SpecNode& node, SpecErrors& errors) {
  const std::string rule = ReadText(node, "results", errors).value_or("best");
  if (rule == "all") return ResultsRule::kAll;
  if (rule == "none") return ResultsRule::kNone;
  if (rule == "best") return ResultsRule::kBest;
  errors.Add(node, fmt::format("results: {} is no rule", rule),
             "write best, all or none: whose outputs come back from other hosts");
  return ResultsRule::kBest;
}

int ReadFusion(const SpecNode& node, SpecErrors& errors) {
  constexpr std::int64_t kMost = 4096;
  const Json value = node.kind == SpecNode::Kind::kScalar ? ScalarToJson(node) : Json();
  if (node.text == "auto") return kWholeFusion;
  if (node.text == "off" || value == false) return kNoFusion;
  if (value.is_number_integer() && value > 0 && value <= kMost) return value.get<int>();
  errors.Add(node, "fusion must be auto, off or a number of trials",
             "write auto: as many trials share a process as run on a host at once");
  return kWholeFusion;
}

std::vector<std::pair<std::string, std::string>> ReadEnv(const SpecNode& node, SpecErrors& errors,
                                                         std::vector<SecretVariable>* secrets) {
  std::vector<std::pair<std::string, std::string>> read;
  if (node.kind != SpecNode::Kind::kMap) {
    errors.Add(node, "env must be a mapping", "write NAME: value lines below it");
    return read;
  }
  for (const auto& [name, value] : node.entries) {
    if (value.kind == SpecNode::Kind::kMap && secrets != nullptr && IsVariableName(name.text)) {
      secrets->push_back(ReadSecret(name.text, value, errors));
      continue;
    }
    if (name.text.find('=') != std::string::npos ||
        (value.kind != SpecNode::Kind::kScalar && value.kind != SpecNode::Kind::kNull)) {
      errors.Add(value, fmt::format("env {} must be a text", name.text), "put it in quotes");
    }
    read.emplace_back(name.text, value.text);
  }
  return read;
}

}  // namespace ddl
