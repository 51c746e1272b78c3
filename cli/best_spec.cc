// SPDX-License-Identifier: Apache-2.0
#include "cli/best_spec.h"

#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/yaml_text.h"

namespace ddl {

namespace {

// Parameters that are nested in a group lie below its `parameters`, as in the sweep's own spec.
void Put(Json& group, const Parameter& parameter, std::size_t depth, const Json& value) {
  const std::string& key = parameter.path[depth];
  if (depth + 1 == parameter.path.size()) {
    group[key] = {{"value", value}};
    return;
  }
  Put(group[key]["parameters"], parameter, depth + 1, value);
}

std::string ParametersText(const Space& space, const Json& values) {
  Json fixed = Json::object();
  std::vector<std::string> order;
  for (const Parameter& parameter : space) {
    const auto value = values.find(parameter.Name());
    if (value == values.end()) continue;
    if (!fixed.contains(parameter.path.front())) order.push_back(parameter.path.front());
    Put(fixed, parameter, 0, *value);
  }
  if (order.empty()) return {};
  std::string text = "parameters:\n";
  for (const std::string& key : order) {
    text += YamlEntry(key, fixed.at(key), 2);
  }
  return text;
}

std::string FlowText(const Metric& metric) {
  std::string text = fmt::format("{{name: {}, goal: {}", YamlFlow(metric.name),
                                 metric.goal == Goal::kMaximize ? "maximize" : "minimize");
  if (metric.target) text += ", target: " + YamlFlow(*metric.target);
  return text + "}";
}

std::string MetricText(const SweepSpec& spec) {
  if (spec.objectives.size() <= 1) {
    return spec.metric ? "metric: " + FlowText(*spec.metric) + "\n" : "";
  }
  std::string text = "metrics:\n";
  for (const Metric& metric : spec.objectives) {
    text += "  - " + FlowText(metric) + "\n";
  }
  return text;
}

std::string ValueText(const SweepSpec& spec, const BestConfiguration& best) {
  if (!best.value) return "";
  return fmt::format(", {} {}", spec.metric ? OneLine(spec.metric->name) : "value",
                     FormatNumber(*best.value));
}

std::string WorkText(const SweepSpec& spec) {
  std::string text;
  if (spec.trainer) text += YamlEntry("trainer", *spec.trainer);
  if (!spec.program.empty()) text += YamlEntry("program", spec.program);
  if (!spec.command.empty()) text += YamlEntry("command", spec.command);
  if (!spec.workdir.empty()) text += YamlEntry("workdir", spec.workdir);
  if (!spec.env.empty() || !spec.secrets.empty()) {
    Json variables = Json::object();
    for (const auto& [name, value] : spec.env) {
      variables[name] = value;
    }
    for (const SecretVariable& secret : spec.secrets) {
      variables[secret.variable] = {{"secret", secret.secret}};
    }
    text += YamlEntry("env", variables);
  }
  if (!spec.captures.empty()) {
    Json patterns = Json::object();
    for (const Capture& capture : spec.captures) {
      patterns[capture.metric] = capture.pattern;
    }
    text += YamlEntry("capture", patterns);
  }
  return text;
}

// Whole numbers are written without a point.
Json Plain(double value) {
  constexpr double kMost = 1e15;
  const bool whole =
      std::abs(value) < kMost && value == static_cast<double>(static_cast<std::int64_t>(value));
  return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

std::string ResourcesText(const Resources& resources) {
  Json value{{"cpus", Plain(resources.cpus)}};
  if (resources.gpus > 0) value["gpus"] = Plain(resources.gpus);
  if (resources.memory_mib > 0) value["memory"] = fmt::format("{}MiB", resources.memory_mib);
  return YamlEntry("resources", value);
}

std::string RunText(const SweepSpec& spec) {
  constexpr double kMsPerS = 1'000;
  const SweepSpec defaults;
  std::string text = ResourcesText(spec.resources);
  if (spec.hosts != defaults.hosts) text += YamlEntry("hosts", spec.hosts);
  if (spec.retries > 0) text += YamlEntry("retries", spec.retries);
  if (spec.timeout) {
    text += YamlEntry("timeout_s", Plain(static_cast<double>(spec.timeout->count()) / kMsPerS));
  }
  if (spec.grace != defaults.grace) {
    text += YamlEntry("grace_s", Plain(static_cast<double>(spec.grace.count()) / kMsPerS));
  }
  return text;
}

}  // namespace

std::string BestSpecText(const SweepSpec& spec, const BestConfiguration& best) {
  std::string text = fmt::format("# {} configuration of the sweep {}: trial {}{}.\n",
                                 best.is_best ? "The best" : "A", OneLine(spec.name), best.trial,
                                 ValueText(spec, best));
  text += YamlEntry("name", best.is_best ? spec.name + "-best"
                                         : fmt::format("{}-trial-{}", spec.name, best.trial));
  if (!spec.description.empty()) text += YamlEntry("description", spec.description);
  text += WorkText(spec);
  text += YamlEntry("method", "grid");
  text += MetricText(spec);
  text += ParametersText(spec.space, best.parameters);
  if (spec.seeds > 1) text += YamlEntry("seeds", spec.seeds);
  return text + RunText(spec);
}

}  // namespace ddl
