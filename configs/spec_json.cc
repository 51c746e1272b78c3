// SPDX-License-Identifier: Apache-2.0
// A spec as canonical JSON and back.
#include "configs/distributions.h"
#include "configs/error.h"
#include "configs/spec.h"

namespace ddl {

namespace {

Json ToJson(const Parameter& p) {
  Json json{{"path", p.path}, {"distribution", ToString(p.distribution)}};
  switch (EntryOf(p.distribution).shape) {
    case DistributionShape::kValue:
    case DistributionShape::kValues:
      json["values"] = p.values;
      if (!p.probabilities.empty()) json["probabilities"] = p.probabilities;
      break;
    case DistributionShape::kBounds:
      json["min"] = p.min;
      json["max"] = p.max;
      break;
    case DistributionShape::kNormal:
      json["mu"] = p.mu;
      json["sigma"] = p.sigma;
      break;
    case DistributionShape::kBeta:
      json["a"] = p.a;
      json["b"] = p.b;
      break;
  }
  if (EntryOf(p.distribution).is_quantized) json["q"] = p.q;
  return json;
}

Parameter ParameterFromJson(const Json& json) {
  Parameter p;
  p.path = json.at("path").get<std::vector<std::string>>();
  p.distribution = ParseDistribution(json.at("distribution").get<std::string>()).value();
  if (json.contains("values")) p.values = json.at("values").get<std::vector<Json>>();
  if (json.contains("probabilities")) {
    p.probabilities = json.at("probabilities").get<std::vector<double>>();
  }
  p.min = json.value("min", p.min);
  p.max = json.value("max", p.max);
  p.mu = json.value("mu", p.mu);
  p.sigma = json.value("sigma", p.sigma);
  p.a = json.value("a", p.a);
  p.b = json.value("b", p.b);
  p.q = json.value("q", p.q);
  return p;
}

template <class Value>
void Put(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json[key] = *value;
}

template <class Value>
void Take(const Json& json, const char* key, std::optional<Value>& value) {
  if (json.contains(key)) value = json.at(key).get<Value>();
}

Json ToJson(const Metric& metric) {
  Json json{{"name", metric.name},
            {"goal", metric.goal == Goal::kMaximize ? "maximize" : "minimize"}};
  Put(json, "target", metric.target);
  return json;
}

Metric MetricFromJson(const Json& json) {
  Metric metric{.name = json.at("name").get<std::string>()};
  if (json.at("goal") == "maximize") metric.goal = Goal::kMaximize;
  Take(json, "target", metric.target);
  return metric;
}

SweepSpec Read(const Json& json) {
  SweepSpec spec;
  spec.name = json.at("name").get<std::string>();
  spec.description = json.at("description").get<std::string>();
  if (json.contains("trainer")) spec.trainer = json.at("trainer");
  spec.program = json.at("program").get<std::string>();
  spec.command = json.at("command").get<std::vector<std::string>>();
  spec.method = json.at("method") == "random" ? Method::kRandom : Method::kGrid;
  if (json.contains("metric")) spec.metric = MetricFromJson(json.at("metric"));
  for (const Json& item : json.at("parameters"))
    spec.space.push_back(ParameterFromJson(item));
  spec.seeds = json.at("seeds");
  spec.search_seed = json.at("search_seed");
  Take(json, "run_cap", spec.run_cap);
  Take(json, "parallel", spec.parallel);
  const Json& limits = json.at("limits");
  Take(limits, "wall_h", spec.limits.wall_h);
  Take(limits, "gpu_h", spec.limits.gpu_h);
  Take(limits, "epochs", spec.limits.epochs);
  const Json& resources = json.at("resources");
  spec.resources = {resources.at("cpus"), resources.at("gpus"), resources.at("memory_mib")};
  spec.hosts = json.at("hosts").get<std::vector<std::string>>();
  spec.retries = json.at("retries");
  if (json.contains("timeout_ms")) {
    spec.timeout = std::chrono::milliseconds(json.at("timeout_ms").get<std::int64_t>());
  }
  spec.grace = std::chrono::milliseconds(json.at("grace_ms").get<std::int64_t>());
  spec.fail_fast = json.at("fail_fast");
  spec.share_busy_gpus = json.at("share_busy_gpus");
  for (const Json& pair : json.at("capture"))
    spec.captures.push_back({pair.at(0), pair.at(1)});
  for (const Json& pair : json.at("env")) {
    spec.env.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  }
  spec.workdir = json.at("workdir").get<std::string>();
  return spec;
}

}  // namespace

Json ResolvedSpec(const SweepSpec& spec) {
  Json json{{"name", spec.name},
            {"description", spec.description},
            {"program", spec.program},
            {"command", spec.command},
            {"method", spec.method == Method::kRandom ? "random" : "grid"},
            {"parameters", Json::array()},
            {"seeds", spec.seeds},
            {"search_seed", spec.search_seed},
            {"limits", Json::object()},
            {"resources",
             {{"cpus", spec.resources.cpus},
              {"gpus", spec.resources.gpus},
              {"memory_mib", spec.resources.memory_mib}}},
            {"hosts", spec.hosts},
            {"retries", spec.retries},
            {"grace_ms", spec.grace.count()},
            {"fail_fast", spec.fail_fast},
            {"share_busy_gpus", spec.share_busy_gpus},
            {"capture", Json::array()},
            {"env", Json::array()},
            {"workdir", spec.workdir}};
  if (spec.trainer) json["trainer"] = *spec.trainer;
  if (spec.metric) json["metric"] = ToJson(*spec.metric);
  for (const Parameter& parameter : spec.space)
    json["parameters"].push_back(ToJson(parameter));
  Put(json, "run_cap", spec.run_cap);
  Put(json, "parallel", spec.parallel);
  Put(json["limits"], "wall_h", spec.limits.wall_h);
  Put(json["limits"], "gpu_h", spec.limits.gpu_h);
  Put(json["limits"], "epochs", spec.limits.epochs);
  if (spec.timeout) json["timeout_ms"] = spec.timeout->count();
  for (const Capture& capture : spec.captures) {
    json["capture"].push_back(Json::array({capture.metric, capture.pattern}));
  }
  for (const auto& [name, value] : spec.env)
    json["env"].push_back(Json::array({name, value}));
  return json;
}

SweepSpec SpecFromJson(const Json& resolved) {
  try {
    return Read(resolved);
  } catch (const Json::exception& problem) {
    throw Error(problem.what(), "spec in the store", "use the ddl that wrote it",
                ErrorKind::kInfrastructure);
  }
}

}  // namespace ddl
