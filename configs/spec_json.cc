// SPDX-License-Identifier: Apache-2.0
// A spec as canonical JSON and back.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "configs/conditions.h"
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
  if (!p.when.empty()) json["when"] = p.when;
  if (!p.expr.empty()) json["expr"] = p.expr;
  if (p.ordinal) json["ordinal"] = *p.ordinal;
  if (p.zipped_to) json["zipped_to"] = *p.zipped_to;
  return json;
}

Parameter ParameterFromJson(const Json& json) {
  Parameter p;
  p.path = json.at("path").get<std::vector<std::string>>();
  const auto name = json.at("distribution").get<std::string>();
  const std::optional<Distribution> known = ParseDistribution(name);
  if (!known) throw Error(fmt::format("unknown distribution {}", name), "", "");
  p.distribution = *known;
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
  if (json.contains("when")) p.when = json.at("when").get<std::vector<std::string>>();
  p.expr = json.value("expr", p.expr);
  if (json.contains("ordinal")) p.ordinal = json.at("ordinal").get<bool>();
  if (json.contains("zipped_to")) p.zipped_to = WholeNumber<std::size_t>(json.at("zipped_to"));
  return p;
}

// As Parameter promises it: what draws points relies on it.
void CheckZipped(const Space& space) {
  for (std::size_t i = 0; i < space.size(); ++i) {
    const Parameter& p = space[i];
    if (!p.zipped_to) continue;
    const Parameter* first = *p.zipped_to < i ? &space[*p.zipped_to] : nullptr;
    if (first == nullptr || first->zipped_to || p.distribution != Distribution::kCategorical ||
        first->distribution != Distribution::kCategorical ||
        first->values.size() != p.values.size()) {
      throw Error(fmt::format("parameter {} is zipped to none", p.Name()), "", "");
    }
  }
}

template <class Value>
void Put(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json[key] = *value;
}

template <class Value>
void Take(const Json& json, const char* key, std::optional<Value>& value) {
  if (!json.contains(key)) return;
  if constexpr (std::is_integral_v<Value>) {
    value = WholeNumber<Value>(json.at(key));
  } else {
    value = json.at(key).get<Value>();
  }
}

// The position of a word; a word that a newer ddl knows is no other word.
template <class Words>
std::size_t WordOf(const Json& word, const Words& words) {
  const auto found = std::ranges::find(words, word.get<std::string>());
  if (found != std::end(words)) return static_cast<std::size_t>(found - std::begin(words));
  throw Error(fmt::format("unknown word {}", DumpJson(word)), "", "");
}

std::chrono::milliseconds Milliseconds(const Json& value) {
  return std::chrono::milliseconds(WholeNumber<std::int64_t>(value));
}

Json ToJson(const Metric& metric) {
  Json json{{"name", metric.name},
            {"goal", metric.goal == Goal::kMaximize ? "maximize" : "minimize"}};
  Put(json, "target", metric.target);
  return json;
}

Metric MetricFromJson(const Json& json) {
  Metric metric{.name = json.at("name").get<std::string>()};
  const char* const goals[] = {"minimize", "maximize"};
  metric.goal = static_cast<Goal>(WordOf(json.at("goal"), goals));
  Take(json, "target", metric.target);
  return metric;
}

Json ToJson(const WarmPoint& point) {
  Json json = Json::array({point.configuration, point.values});
  if (point.state != TrialState::kFinished) json.push_back(ToString(point.state));
  return json;
}

// Nothing where a value is no finite number: a former ddl wrote infinities, as texts.
std::optional<WarmPoint> WarmPointFromJson(const Json& json) {
  WarmPoint point{json.at(0), {}};
  if (json.size() > 2) {
    const auto state = ParseTrialState(json.at(2).get<std::string>());
    if (!state) throw Error(fmt::format("unknown state {}", DumpJson(json.at(2))), "", "");
    point.state = *state;
  }
  const auto is_finite = [](const Json& value) {
    return value.is_number() && std::isfinite(value.get<double>());
  };
  const Json& values = json.at(1);
  const bool has_values = !values.empty();
  if (has_values == (point.state == TrialState::kFailed)) return std::nullopt;
  if (!std::ranges::all_of(values, is_finite)) return std::nullopt;
  point.values = values.get<std::vector<double>>();
  return point;
}

// What says more of a space than its parameters, of several objectives, and of trials that end
// early.
void ReadSearchKeys(const Json& json, SweepSpec& spec) {
  if (json.contains("metrics")) {
    for (const Json& metric : json.at("metrics")) {
      spec.objectives.push_back(MetricFromJson(metric));
    }
  }
  if (json.contains("constraints")) {
    spec.constraints = json.at("constraints").get<std::vector<std::string>>();
  }
  if (json.contains("initial_points")) {
    spec.initial_points = json.at("initial_points").get<std::vector<Json>>();
  }
  if (json.contains("warm_points")) {
    for (const Json& item : json.at("warm_points")) {
      if (auto point = WarmPointFromJson(item)) spec.warm_points.push_back(*std::move(point));
    }
  }
  if (json.contains("early_terminate")) {
    spec.early_terminate = EarlyTerminateFromJson(json.at("early_terminate"));
  }
  const bool has_search = spec.method == Method::kCustom || spec.method == Method::kPbt;
  if (json.contains("search") != has_search) {
    throw Error("a method and search do not fit together", "", "");
  }
  if (spec.method == Method::kCustom) spec.own_search = OwnSearchFromJson(json.at("search"));
  if (spec.method == Method::kPbt) spec.pbt = PbtSettingsFromJson(json.at("search"));
  if (json.contains("warm_start")) {
    const Json& warm = json.at("warm_start");
    spec.warm_start = WarmStart{warm.value("sweep", ""), warm.value("file", ""), std::nullopt};
    Take(warm, "limit", spec.warm_start->limit);
  }
}

void PutSearchKeys(const SweepSpec& spec, Json& json) {
  for (const Metric& metric : spec.objectives) {
    json["metrics"].push_back(ToJson(metric));
  }
  if (!spec.constraints.empty()) json["constraints"] = spec.constraints;
  if (spec.own_search) json["search"] = ToJson(*spec.own_search);
  if (spec.pbt) json["search"] = ToJson(*spec.pbt);
  for (const WarmPoint& point : spec.warm_points) {
    json["warm_points"].push_back(ToJson(point));
  }
  if (spec.early_terminate) json["early_terminate"] = ToJson(*spec.early_terminate);
  if (!spec.initial_points.empty()) json["initial_points"] = spec.initial_points;
  if (!spec.warm_start) return;
  Json& warm = json["warm_start"] = Json::object();
  if (!spec.warm_start->sweep.empty()) warm["sweep"] = spec.warm_start->sweep;
  if (!spec.warm_start->file.empty()) warm["file"] = spec.warm_start->file;
  Put(warm, "limit", spec.warm_start->limit);
}

// What hosts.yaml and `ddl hosts` add; none of it in specs of an older ddl.
void ReadHostKeys(const Json& json, SweepSpec& spec) {
  Take(json, "hosts_before_change", spec.hosts_before_change);
  if (json.contains("inventory")) {
    for (const Json& entry : json.at("inventory")) {
      spec.inventory.push_back(HostEntryFromJson(entry));
    }
  }
  if (json.contains("drained")) {
    for (const Json& pair : json.at("drained")) {
      spec.drained.push_back({pair.at(0).get<std::string>(), pair.at(1).get<std::string>(),
                              pair.at(2).get<std::string>()});
    }
  }
}

void ReadFailureRules(const Json& json, SweepSpec& spec) {
  if (!json.contains("failures")) return;
  for (const Json& rule : json.at("failures")) {
    spec.failures.push_back(FailureRuleFromJson(rule));
  }
}

void PutHostKeys(const SweepSpec& spec, Json& json) {
  Put(json, "hosts_before_change", spec.hosts_before_change);
  for (const HostEntry& entry : spec.inventory) {
    json["inventory"].push_back(ToJson(entry));
  }
  for (const FailureRule& rule : spec.failures) {
    json["failures"].push_back(ToJson(rule));
  }
  for (const DrainedHost& drained : spec.drained) {
    json["drained"].push_back(Json::array({drained.host, drained.reason, drained.gpu}));
  }
}

constexpr const char* kResultsRules[] = {"best", "all",
                                         "none"};  // NOLINT(modernize-avoid-c-arrays)

SweepSpec Read(const Json& json) {
  SweepSpec spec;
  spec.name = json.at("name").get<std::string>();
  spec.description = json.at("description").get<std::string>();
  if (json.contains("trainer")) spec.trainer = json.at("trainer");
  spec.program = json.at("program").get<std::string>();
  spec.command = json.at("command").get<std::vector<std::string>>();
  spec.method = static_cast<Method>(WordOf(json.at("method"), kMethodNames));
  if (json.contains("metric")) spec.metric = MetricFromJson(json.at("metric"));
  for (const Json& item : json.at("parameters")) {
    spec.space.push_back(ParameterFromJson(item));
  }
  CheckZipped(spec.space);
  ReadSearchKeys(json, spec);
  (void)Conditions(spec.space, spec.constraints);  // throws where an expression is none
  spec.seeds = WholeNumber<int>(json.at("seeds"));
  spec.search_seed = WholeNumber<std::uint64_t>(json.at("search_seed"));
  Take(json, "run_cap", spec.run_cap);
  Take(json, "run_cap_before_extension", spec.run_cap_before_extension);
  Take(json, "parallel", spec.parallel);
  const Json& limits = json.at("limits");
  Take(limits, "wall_h", spec.limits.wall_h);
  Take(limits, "gpu_h", spec.limits.gpu_h);
  Take(limits, "epochs", spec.limits.epochs);
  const Json& resources = json.at("resources");
  spec.resources = {resources.at("cpus"), resources.at("gpus"),
                    WholeNumber<std::int64_t>(resources.at("memory_mib"))};
  spec.hosts = json.at("hosts").get<std::vector<std::string>>();
  ReadHostKeys(json, spec);
  ReadFailureRules(json, spec);
  spec.retries = WholeNumber<int>(json.at("retries"));
  if (json.contains("timeout_ms")) spec.timeout = Milliseconds(json.at("timeout_ms"));
  spec.grace = Milliseconds(json.at("grace_ms"));
  if (json.contains("lost_after_ms")) spec.lost_after = Milliseconds(json.at("lost_after_ms"));
  if (json.contains("results")) {
    spec.results = static_cast<ResultsRule>(WordOf(json.at("results"), kResultsRules));
  }
  if (json.contains("keep")) spec.keep = WholeNumber<std::int64_t>(json.at("keep"));
  spec.fusion = json.contains("fusion") ? WholeNumber<int>(json.at("fusion")) : kWholeFusion;
  spec.fail_fast = json.at("fail_fast");
  spec.share_busy_gpus = json.at("share_busy_gpus");
  for (const Json& pair : json.at("capture")) {
    spec.captures.push_back({pair.at(0), pair.at(1)});
  }
  for (const Json& pair : json.at("env")) {
    spec.env.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  }
  if (json.contains("secrets")) {
    for (const Json& pair : json.at("secrets")) {
      spec.secrets.push_back({pair.at(0), pair.at(1)});
    }
  }
  spec.workdir = json.at("workdir").get<std::string>();
  spec.snapshot = json.value("snapshot", false);
  spec.code = json.value("code", std::string());
  spec.is_outside = json.value("outside", false);
  return spec;
}

}  // namespace

Json ResolvedSpec(const SweepSpec& spec) {
  Json json{{"name", spec.name},
            {"description", spec.description},
            {"program", spec.program},
            {"command", spec.command},
            {"method", kMethodNames[static_cast<std::size_t>(spec.method)]},
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
            {"lost_after_ms", spec.lost_after.count()},
            {"fail_fast", spec.fail_fast},
            {"share_busy_gpus", spec.share_busy_gpus},
            {"capture", Json::array()},
            {"env", Json::array()},
            {"workdir", spec.workdir}};
  if (spec.snapshot) json["snapshot"] = true;
  if (spec.results != ResultsRule::kBest) {
    json["results"] = kResultsRules[static_cast<std::size_t>(spec.results)];
  }
  if (spec.keep) json["keep"] = *spec.keep;
  if (spec.fusion != kWholeFusion) json["fusion"] = spec.fusion;
  if (!spec.code.empty()) json["code"] = spec.code;
  if (spec.is_outside) json["outside"] = true;
  if (spec.trainer) json["trainer"] = *spec.trainer;
  if (spec.metric) json["metric"] = ToJson(*spec.metric);
  for (const Parameter& parameter : spec.space) {
    json["parameters"].push_back(ToJson(parameter));
  }
  Put(json, "run_cap", spec.run_cap);
  Put(json, "run_cap_before_extension", spec.run_cap_before_extension);
  Put(json, "parallel", spec.parallel);
  Put(json["limits"], "wall_h", spec.limits.wall_h);
  Put(json["limits"], "gpu_h", spec.limits.gpu_h);
  Put(json["limits"], "epochs", spec.limits.epochs);
  if (spec.timeout) json["timeout_ms"] = spec.timeout->count();
  for (const Capture& capture : spec.captures) {
    json["capture"].push_back(Json::array({capture.metric, capture.pattern}));
  }
  for (const auto& [name, value] : spec.env) {
    json["env"].push_back(Json::array({name, value}));
  }
  for (const SecretVariable& secret : spec.secrets) {
    json["secrets"].push_back(Json::array({secret.variable, secret.secret}));
  }
  PutSearchKeys(spec, json);
  PutHostKeys(spec, json);
  return json;
}

SweepSpec SpecFromJson(const Json& resolved) {
  try {
    return Read(resolved);
  } catch (const std::exception& problem) {  // Json::exception and Error
    throw Error(problem.what(), "spec in the store", "use the ddl that wrote it",
                ErrorKind::kInfrastructure);
  }
}

}  // namespace ddl
