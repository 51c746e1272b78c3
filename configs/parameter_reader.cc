// SPDX-License-Identifier: Apache-2.0
#include "configs/parameter_reader.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "configs/distributions.h"
#include "configs/expression_reader.h"
#include "configs/nearest.h"
#include "configs/spec_keys.h"

namespace ddl {

namespace {

// One parameter as the spec has it, before it is checked as a whole.
struct Described {
  const SpecNode* node = nullptr;
  std::string name;
  const SpecNode* value = nullptr;
  const SpecNode* values = nullptr;
  const SpecNode* probabilities = nullptr;
  const SpecNode* distribution = nullptr;
  const SpecNode* expr = nullptr;
  const SpecNode* ordinal = nullptr;
  std::optional<double> min, max, mu, sigma, q, a, b;
  bool has_whole_bounds = true;
};

void Refuse(SpecErrors& errors, const SpecNode& node, const Described& described,
            std::string_view what, std::string_view hint) {
  errors.Add(node, fmt::format("parameter \"{}\": {}", described.name, what), hint);
}

Described Describe(const SpecNode& node, const std::string& name, SpecErrors& errors) {
  Described d{.node = &node, .name = name};
  const auto number = [&errors](std::optional<double>& into, const char* key) {
    return [&errors, &into, key](const SpecNode& n) { into = ReadNumber(n, key, errors); };
  };
  const auto bound = [&](std::optional<double>& into, const char* key) {
    return [&errors, &d, &into, key](const SpecNode& n) {
      into = ReadNumber(n, key, errors);
      d.has_whole_bounds = d.has_whole_bounds && ScalarToJson(n).is_number_integer();
    };
  };
  ReadKeys(node, fmt::format("parameter \"{}\"", name),
           {{"value", [&](const SpecNode& n) { d.value = &n; }},
            {"values", [&](const SpecNode& n) { d.values = &n; }},
            {"probabilities", [&](const SpecNode& n) { d.probabilities = &n; }},
            {"distribution", [&](const SpecNode& n) { d.distribution = &n; }},
            {"min", bound(d.min, "min")},
            {"max", bound(d.max, "max")},
            {"mu", number(d.mu, "mu")},
            {"sigma", number(d.sigma, "sigma")},
            {"q", number(d.q, "q")},
            {"a", number(d.a, "a")},
            {"b", number(d.b, "b")},
            {"parameters", [](const SpecNode&) {}},
            {"when", [](const SpecNode&) {}},
            {"expr", [&](const SpecNode& n) { d.expr = &n; }},
            {"ordinal", [&](const SpecNode& n) { d.ordinal = &n; }}},
           errors);
  return d;
}

// As W&B infers it: value, values, then bounds (whole ones make integers), then mu or sigma.
std::optional<Distribution> Infer(const Described& d, SpecErrors& errors) {
  if (d.distribution != nullptr) {
    const auto name = ReadText(*d.distribution, "distribution", errors);
    if (!name) return std::nullopt;
    if (const auto known = ParseDistribution(*name)) return known;
    std::vector<std::string_view> names;
    for (const DistributionEntry& entry : AllDistributions()) {
      names.push_back(entry.name);
    }
    const std::string nearest = NearestName(*name, names);
    Refuse(errors, *d.distribution, d, fmt::format("unknown distribution \"{}\"", *name),
           nearest.empty() ? fmt::format("known: {}", fmt::join(names, " "))
                           : fmt::format("did you mean \"{}\"?", nearest));
    return std::nullopt;
  }
  if (d.value != nullptr) return Distribution::kConstant;
  if (d.values != nullptr) return Distribution::kCategorical;
  if (d.min || d.max) {
    return d.has_whole_bounds ? Distribution::kIntUniform : Distribution::kUniform;
  }
  if (d.mu || d.sigma) return Distribution::kNormal;
  Refuse(errors, *d.node, d, "nothing says which values it takes",
         "give it value, values, min and max, a distribution, or expr");
  return std::nullopt;
}

void ReadValues(const Described& d, Parameter& parameter, SpecErrors& errors) {
  if (d.values == nullptr || d.values->kind != SpecNode::Kind::kList || d.values->items.empty()) {
    return Refuse(errors, d.values == nullptr ? *d.node : *d.values, d,
                  "values must be a list with something in it", "write values: [1, 2, 3]");
  }
  for (const SpecNode& item : d.values->items) {
    parameter.values.push_back(ToJson(item));
  }
  if (d.probabilities == nullptr) return;
  if (d.probabilities->items.size() != d.values->items.size()) {
    return Refuse(errors, *d.probabilities, d, "probabilities must be as many as values",
                  fmt::format("write {} of them", d.values->items.size()));
  }
  for (const SpecNode& item : d.probabilities->items) {
    const double probability = ReadNumber(item, "probabilities", errors).value_or(0);
    if (probability < 0) Refuse(errors, item, d, "a probability is below 0", "use 0 to 1");
    parameter.probabilities.push_back(probability);
  }
  const double sum =
      std::accumulate(parameter.probabilities.begin(), parameter.probabilities.end(), 0.0);
  if (std::abs(sum - 1) > 1e-6) {
    Refuse(errors, *d.probabilities, d,
           fmt::format("probabilities sum to {}, not to 1", FormatNumber(sum)),
           "make them sum to 1");
  }
}

void ReadBounds(const Described& d, Parameter& parameter, SpecErrors& errors) {
  const DistributionEntry& entry = EntryOf(parameter.distribution);
  if (!d.min || !d.max) {
    return Refuse(errors, *d.node, d, fmt::format("{} needs min and max", entry.name),
                  "give it both");
  }
  parameter.min = *d.min;
  parameter.max = *d.max;
  if (parameter.min >= parameter.max) {
    const bool whole = parameter.distribution == Distribution::kIntUniform;
    if (!whole || parameter.min != parameter.max) {
      Refuse(errors, *d.node, d,
             fmt::format("min {} is not below max {}", FormatNumber(*d.min), FormatNumber(*d.max)),
             "swap them, or write value: for a constant");
    }
  }
  if (entry.needs_positive_bounds && parameter.min <= 0) {
    Refuse(errors, *d.node, d, fmt::format("{} needs min above 0", entry.name),
           "raise min, or use uniform");
  }
  if (parameter.distribution == Distribution::kIntUniform && !d.has_whole_bounds) {
    Refuse(errors, *d.node, d, "int_uniform needs whole bounds", "write them without a point");
  }
  const bool exponents = parameter.distribution == Distribution::kLogUniform ||
                         parameter.distribution == Distribution::kQLogUniform ||
                         parameter.distribution == Distribution::kInvLogUniform;
  if (exponents && (std::abs(parameter.min) > 700 || std::abs(parameter.max) > 700)) {
    Refuse(errors, *d.node, d, fmt::format("{} takes natural-log exponents", entry.name),
           fmt::format("use {}_values for the values themselves", entry.name));
  }
}

// A key that the distribution would silently leave aside is a mistake.
void RefuseUnused(const Described& d, const DistributionEntry& entry, SpecErrors& errors) {
  using Shape = DistributionShape;
  const std::pair<const char*, bool> present[] = {
      {"value", d.value != nullptr && entry.shape != Shape::kValue},
      {"values", d.values != nullptr && entry.shape != Shape::kValues},
      {"probabilities", d.probabilities != nullptr && entry.shape != Shape::kValues},
      {"min", d.min && entry.shape != Shape::kBounds},
      {"max", d.max && entry.shape != Shape::kBounds},
      {"mu", d.mu && entry.shape != Shape::kNormal},
      {"sigma", d.sigma && entry.shape != Shape::kNormal},
      {"a", d.a && entry.shape != Shape::kBeta},
      {"b", d.b && entry.shape != Shape::kBeta},
  };
  for (const auto& [key, is_unused] : present) {
    if (!is_unused) continue;
    Refuse(errors, *d.node, d, fmt::format("{} does not use {}", entry.name, key),
           fmt::format("leave {} away, or choose another distribution", key));
  }
}

// The largest magnitude that may be drawn, before rounding to q. Normal draws lie within 9 sigma.
double LargestDraw(const Parameter& p) {
  const double bound = std::max(std::abs(p.min), std::abs(p.max));
  const double normal = std::abs(p.mu) + 9 * p.sigma;
  switch (p.distribution) {
    case Distribution::kLogUniform:
    case Distribution::kQLogUniform:
    case Distribution::kInvLogUniform:
      return std::exp(bound);
    case Distribution::kNormal:
    case Distribution::kQNormal:
      return normal;
    case Distribution::kLogNormal:
    case Distribution::kQLogNormal:
      return std::exp(normal);
    case Distribution::kBeta:
    case Distribution::kQBeta:
      return std::max({1.0, p.a, p.b});  // sums of these are drawn on the way
    default:
      return EntryOf(p.distribution).shape == DistributionShape::kBounds ? bound : 0;
  }
}

// Every draw is a finite number, and where steps are counted every count is exact.
void CheckDraws(const Described& d, const Parameter& parameter, SpecErrors& errors) {
  constexpr double kMost = 1e305;
  constexpr double kExact = 9007199254740992;  // 2^53
  const DistributionEntry& entry = EntryOf(parameter.distribution);
  const double largest = LargestDraw(parameter);
  const double step = entry.is_quantized ? parameter.q : 1;
  const bool is_counted = parameter.distribution == Distribution::kIntUniform ||
                          parameter.distribution == Distribution::kQUniform;
  if (!(largest <= kMost) || !(step <= kMost)) {
    Refuse(errors, *d.node, d, "its values can be beyond all numbers",
           fmt::format("keep them below {}", FormatNumber(kMost)));
  } else if (is_counted && largest / step > kExact / 2) {
    Refuse(errors, *d.node, d, "it has more steps than a number can count",
           parameter.distribution == Distribution::kIntUniform
               ? "keep its bounds below 2^52, or use uniform"
               : "raise q, or use uniform");
  } else if (!(largest / step <= kMost)) {
    Refuse(errors, *d.node, d, "q is too fine for its values", "raise q");
  }
}

void ReadShape(const Described& d, Parameter& parameter, SpecErrors& errors) {
  const DistributionEntry& entry = EntryOf(parameter.distribution);
  RefuseUnused(d, entry, errors);
  switch (entry.shape) {
    case DistributionShape::kValue:
      if (d.value == nullptr) {
        Refuse(errors, *d.node, d, "constant needs a value", "give it value:");
      } else {
        parameter.values = {ToJson(*d.value)};
      }
      break;
    case DistributionShape::kValues:
      ReadValues(d, parameter, errors);
      break;
    case DistributionShape::kBounds:
      ReadBounds(d, parameter, errors);
      break;
    case DistributionShape::kNormal:
      parameter.mu = d.mu.value_or(0);
      parameter.sigma = d.sigma.value_or(1);
      if (parameter.sigma <= 0) {
        Refuse(errors, *d.node, d, "sigma must be above 0", "write value: for a constant");
      }
      break;
    case DistributionShape::kBeta:
      parameter.a = d.a.value_or(1);
      parameter.b = d.b.value_or(1);
      if (parameter.a <= 0 || parameter.b <= 0) {
        Refuse(errors, *d.node, d, "a and b must be above 0", "use positive numbers");
      }
      break;
  }
  parameter.q = d.q.value_or(1);
  if (entry.is_quantized && parameter.q <= 0) {
    Refuse(errors, *d.node, d, "q must be above 0", "give it the size of a step");
  }
  if (d.q && !entry.is_quantized) {
    Refuse(errors, *d.node, d, fmt::format("{} takes no q", entry.name),
           fmt::format("use q_{}, or leave q away", entry.name));
  }
  if (errors.IsEmpty()) CheckDraws(d, parameter, errors);
}

void ReadOrdinal(const Described& d, Parameter& parameter, SpecErrors& errors) {
  if (d.ordinal == nullptr) return;
  parameter.ordinal = ReadBool(*d.ordinal, "ordinal", errors);
  if (d.values == nullptr) {
    Refuse(errors, *d.ordinal, d, "only values can be ordinal", "leave ordinal away");
  } else if (d.probabilities != nullptr && parameter.ordinal == true) {
    Refuse(errors, *d.ordinal, d, "ordinal values have no probabilities",
           "leave one of the two away");
  }
}

void ReadDerived(const Described& d, Parameter& parameter, SpecErrors& errors) {
  parameter.values = {nullptr};
  parameter.expr = ReadExpression(*d.expr, fmt::format("parameter \"{}\": expr", d.name), errors);
  for (const char* key : {"value", "values", "probabilities", "distribution", "min", "max", "mu",
                          "sigma", "q", "a", "b", "ordinal"}) {
    const SpecNode* beside = d.node->Find(key);
    if (beside == nullptr) continue;
    Refuse(errors, *beside, d, fmt::format("{} beside expr", key),
           "a derived parameter has expr, and perhaps when, alone");
  }
}

class SpaceReader {
 public:
  explicit SpaceReader(SpecErrors& errors) : errors_(errors) {}

  // What stands in a group is active only where the group's conditions hold.
  struct Group {
    std::vector<std::string> path;
    std::vector<const SpecNode*> nodes;
    std::vector<std::string> when;
  };

  void Read(const SpecNode& node, const Group& above) {
    if (node.kind != SpecNode::Kind::kMap) {
      return errors_.Add(node, "parameters must be a mapping",
                         "write NAME: {values: [1, 2]} lines");
    }
    for (const auto& [name, value] : node.entries) {
      Group own = above;
      own.path.push_back(name.text);
      ReadOne(name, value, std::move(own));
    }
  }
  [[nodiscard]] SpaceReading Take() { return std::move(reading_); }

 private:
  void ReadOne(const SpecNode& name, const SpecNode& value, Group own) {
    Parameter parameter{.path = own.path};
    if (value.kind != SpecNode::Kind::kMap) {
      return errors_.Add(value.kind == SpecNode::Kind::kNull ? name : value,
                         fmt::format("parameter \"{}\" must be a mapping", parameter.Name()),
                         fmt::format("write {}: {{value: …}} or {{values: […]}}", name.text));
    }
    if (const SpecNode* when = value.Find("when")) {
      own.nodes.push_back(when);
      own.when.push_back(
          ReadExpression(*when, fmt::format("parameter \"{}\": when", parameter.Name()), errors_));
    }
    if (const SpecNode* nested = value.Find("parameters"); nested != nullptr) {
      if (value.entries.size() > (value.Find("when") == nullptr ? 1 : 2)) {
        return errors_.Add(
            value, fmt::format("parameter \"{}\" has parameters and more", parameter.Name()),
            "a nested parameter has the keys parameters and when alone");
      }
      return Read(*nested, own);
    }
    const Described described = Describe(value, parameter.Name(), errors_);
    parameter.when = std::move(own.when);
    if (!ReadWhatItTakes(described, parameter)) return;
    if (!names_.insert(parameter.Name()).second) {
      return errors_.Add(name, fmt::format("parameter \"{}\" stands here twice", parameter.Name()),
                         "keep one of them");
    }
    reading_.nodes.push_back({&value, std::move(own.nodes), described.expr});
    reading_.space.push_back(std::move(parameter));
  }

  bool ReadWhatItTakes(const Described& described, Parameter& parameter) {
    if (described.expr != nullptr) {
      ReadDerived(described, parameter, errors_);
      return true;
    }
    const std::optional<Distribution> distribution = Infer(described, errors_);
    if (!distribution) return false;
    parameter.distribution = *distribution;
    ReadShape(described, parameter, errors_);
    ReadOrdinal(described, parameter, errors_);
    return true;
  }

  SpecErrors& errors_;
  SpaceReading reading_;
  std::set<std::string> names_;
};

}  // namespace

SpaceReading ReadParameters(const SpecNode& node, SpecErrors& errors) {
  SpaceReader reader(errors);
  reader.Read(node, {});
  return reader.Take();
}

}  // namespace ddl
