// SPDX-License-Identifier: Apache-2.0
#include "configs/pbt_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "configs/sampling.h"
#include "configs/spec_keys.h"

namespace ddl {

namespace {

constexpr std::int64_t kMostTrials = 1'000'000;

// Of the built-in trainer: what may be another one from a checkpoint on. All others decide the
// shape of its state, the order of the rows, or what is an epoch.
constexpr std::array<std::string_view, 9> kMovable{
    "optimizer.lr",    "optimizer.adam_lr",    "optimizer.momentum",
    "optimizer.betas", "optimizer.eps",        "optimizer.weight_decay",
    "model.dropout",   "loss.label_smoothing", "loss.delta"};
constexpr std::array<std::string_view, 2> kMovableGroups{"augment.", "schedule."};

bool IsMovable(std::string_view name) {
  return std::ranges::find(kMovable, name) != kMovable.end() ||
         std::ranges::any_of(kMovableGroups,
                             [name](std::string_view group) { return name.starts_with(group); });
}

// The entry of `parameters` that a parameter comes from.
const SpecNode& NodeOf(const SpecNode& root, const Parameter& parameter) {
  const SpecNode* parameters = root.Find("parameters");
  if (parameters == nullptr || parameters->kind != SpecNode::Kind::kMap) return root;
  for (const SpecEntry& entry : parameters->entries) {
    if (entry.key.text == parameter.path.front()) return entry.key;
  }
  return *parameters;
}

void ReadFactors(const SpecNode& node, PbtSettings& settings, SpecErrors& errors) {
  std::vector<double> factors;
  if (node.kind == SpecNode::Kind::kList) {
    for (const SpecNode& item : node.items) {
      const auto factor = ReadPositive(item, "perturbation_factors", errors);
      if (!factor) return;
      factors.push_back(*factor);
    }
  }
  if (factors.empty()) {
    return errors.Add(node, "perturbation_factors must be a list of numbers",
                      "write perturbation_factors: [0.8, 1.2]");
  }
  settings.factors = std::move(factors);
}

void ReadShare(const SpecNode& node, const char* key, double most, double& into,
               SpecErrors& errors) {
  const auto share = ReadNumber(node, key, errors);
  if (!share) return;
  if (*share < 0 || *share > most) {
    return errors.Add(node, fmt::format("{} is not between 0 and {}", key, most),
                      fmt::format("write {}: 0.25", key));
  }
  into = *share;
}

// What `max_iter` says, if it is there.
void ReadSettings(const SpecNode& node, PbtSettings& settings, SpecErrors& errors) {
  const auto whole = [&errors](std::int64_t& into, const char* key, std::int64_t least) {
    return [&errors, &into, key, least](const SpecNode& n) {
      if (const auto value = ReadWhole(n, key, least, errors)) into = *value;
    };
  };
  ReadKeys(node, "search of method pbt",
           {{"population", whole(settings.population, "population", 2)},
            {"perturbation_interval", whole(settings.interval, "perturbation_interval", 1)},
            {"max_iter", whole(settings.max_iter, "max_iter", 1)},
            {"quantile_fraction",
             [&](const SpecNode& n) {
               ReadShare(n, "quantile_fraction", 0.5, settings.quantile, errors);
             }},
            {"resample_probability",
             [&](const SpecNode& n) {
               ReadShare(n, "resample_probability", 1, settings.resample_probability, errors);
             }},
            {"perturbation_factors", [&](const SpecNode& n) { ReadFactors(n, settings, errors); }}},
           errors);
}

// The built-in trainer says how long a training is; of a command the spec has to.
void CompleteLength(const SpecNode& root, const SweepSpec& spec, PbtSettings& settings,
                    SpecErrors& errors) {
  const SpecNode* search = root.Find("search");
  const bool is_map = search != nullptr && search->kind == SpecNode::Kind::kMap;
  const SpecNode* max_iter = is_map ? search->Find("max_iter") : nullptr;
  if (!spec.trainer) {
    if (max_iter == nullptr) {
      errors.Add(search == nullptr ? *root.Find("method") : *search,
                 "pbt needs to know how many reports a whole training makes",
                 "write search: {max_iter: 30}");
    }
    return;
  }
  if (max_iter != nullptr) {
    errors.Add(*max_iter, "the built-in trainer's epochs say how long a training is",
               "leave max_iter away");
    return;
  }
  const Json epochs = spec.trainer->value("epochs", Json(1));
  if (epochs.is_number_integer() && epochs.get<std::int64_t>() > 0) {
    settings.max_iter = epochs.get<std::int64_t>();
  } else {
    errors.Add(*root.Find("trainer"), "pbt needs the number of epochs", "write epochs: 30");
  }
}

bool MayBeZero(const Parameter& p) {
  const auto is_zero = [](const Json& value) { return value.is_number() && value == 0; };
  if (!p.values.empty()) return std::ranges::any_of(p.values, is_zero);
  return BaseOf(p.distribution) != BaseDistribution::kUniform || ValueAt(p, 0).get<double>() <= 0;
}

// What of the trainer cannot go on from another configuration's checkpoint.
void CheckTrainer(const SpecNode& root, const SweepSpec& spec, SpecErrors& errors) {
  for (const Parameter& p : spec.space) {
    const bool is_fixed = p.distribution == Distribution::kConstant && p.expr.empty();
    if (!is_fixed && !IsMovable(p.Name())) {
      errors.Add(NodeOf(root, p),
                 fmt::format("pbt cannot change {} amid a training: a checkpoint of one value does "
                             "not fit another",
                             p.Name()),
                 "give it one value; docs/search.md says what pbt can change");
    }
    if (p.Name() == "optimizer.momentum" && !is_fixed && MayBeZero(p)) {
      errors.Add(NodeOf(root, p), "without momentum there is no momentum to go on with",
                 "begin it above 0");
    }
  }
  const Json stopping = spec.trainer->value("early_stopping", Json());
  if (stopping.is_object() && stopping.value("patience", Json(0)) != 0) {
    errors.Add(*root.Find("trainer"), "early_stopping ends a training that pbt goes on with",
               "leave early_stopping away");
  }
}

void CheckRest(const SpecNode& root, const SweepSpec& spec, const PbtSettings& settings,
               SpecErrors& errors) {
  const auto refuse = [&](const char* key, const char* what, const char* hint) {
    if (const SpecNode* node = root.Find(key)) errors.Add(*node, what, hint);
  };
  refuse("run_cap", "pbt runs as many trials as its population needs", "leave run_cap away");
  refuse("early_terminate", "pbt itself ends what is worse", "leave early_terminate away");
  refuse("warm_start", "results of before have no checkpoints that pbt could go on from",
         "name their best under initial_points");
  if (spec.seeds > 1) {
    refuse("seeds", "pbt goes on from one checkpoint, not from several seeds", "write seeds: 1");
  }
  if (spec.objectives.size() > 1) refuse("metrics", "this search takes one metric", "keep one");
  if (std::ssize(spec.initial_points) > settings.population) {
    refuse("initial_points", "more initial points than the population has members",
           "make search.population larger");
  }
  const bool is_long = settings.max_iter > kMostTrials * settings.interval / settings.population;
  if (is_long) {
    errors.Add(*root.Find("method"), fmt::format("pbt takes {} trials at most", kMostTrials),
               "make perturbation_interval larger");
  } else if (settings.max_iter > 0 && settings.interval >= settings.max_iter) {
    errors.Add(*root.Find("method"),
               fmt::format("a training of {} reports ends before pbt chooses after {}",
                           settings.max_iter, settings.interval),
               "make perturbation_interval smaller");
  }
}

}  // namespace

void CompletePbt(const SpecNode& root, SweepSpec& spec, SpecErrors& errors) {
  PbtSettings settings;
  if (const SpecNode* search = root.Find("search")) ReadSettings(*search, settings, errors);
  CompleteLength(root, spec, settings, errors);
  CheckRest(root, spec, settings, errors);
  if (spec.trainer) CheckTrainer(root, spec, errors);
  if (settings.max_iter > 0) spec.run_cap = settings.Trials();
  spec.pbt = std::move(settings);
}

}  // namespace ddl
