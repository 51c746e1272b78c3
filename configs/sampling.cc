// SPDX-License-Identifier: Apache-2.0
#include "configs/sampling.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

#include "configs/mix.h"

namespace ddl {

namespace {

// Draws for one parameter of one point.
class Draws {
 public:
  Draws(std::uint64_t seed, std::int64_t index, std::size_t parameter)
      : key_(Mix(Mix(Mix(seed + kGolden) + static_cast<std::uint64_t>(index)) + parameter)) {}

  // In (0, 1), 53 bits.
  double Uniform() {
    const std::uint64_t bits = Mix(key_ += kGolden);
    return (static_cast<double>(bits >> 11U) + 0.5) * 0x1p-53;
  }
  // Box and Muller (1958).
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(Uniform()));
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }
  // Marsaglia and Tsang: A simple method for generating gamma variables (2000).
  double Gamma(double shape) {
    if (shape < 1) return Gamma(shape + 1) * std::pow(Uniform(), 1 / shape);
    const double d = shape - 1.0 / 3;
    const double c = 1 / std::sqrt(9 * d);
    while (true) {
      const double x = Normal();
      const double v = std::pow(1 + c * x, 3);
      if (v > 0 && std::log(Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
  }
  double Beta(double a, double b) {
    const double x = Gamma(a);
    const double sum = x + Gamma(b);
    if (sum > 0) return x / sum;
    // Both are too small for a double: so is one of them beside the other, and chances are b : a.
    return Uniform() < a / (a + b) ? 1 : 0;
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  std::uint64_t key_;
};

double Quantized(double value, double q) {
  return std::round(value / q) * q;
}

double Between(double low, double high, double u) {
  return low + (high - low) * u;
}

// Before rounding to q. As W&B defines them: inv_log_uniform draws 1/x log-uniformly.
double RealAt(const Parameter& p, double base) {
  switch (p.distribution) {
    case Distribution::kLogUniform:
    case Distribution::kQLogUniform:
      return std::exp(Between(p.min, p.max, base));
    case Distribution::kLogUniformValues:
    case Distribution::kQLogUniformValues:
      return std::clamp(std::exp(Between(std::log(p.min), std::log(p.max), base)), p.min, p.max);
    case Distribution::kInvLogUniform:
      return std::exp(-Between(p.min, p.max, base));
    case Distribution::kInvLogUniformValues:
      return std::clamp(1 / std::exp(Between(-std::log(p.max), -std::log(p.min), base)), p.min,
                        p.max);
    case Distribution::kNormal:
    case Distribution::kQNormal:
      return p.mu + p.sigma * base;
    case Distribution::kLogNormal:
    case Distribution::kQLogNormal:
      return std::exp(p.mu + p.sigma * base);
    case Distribution::kBeta:
    case Distribution::kQBeta:
      return base;
    default:
      return Between(p.min, p.max, base);
  }
}

Json Sample(const Parameter& p, Draws draws) {
  switch (BaseOf(p.distribution)) {
    case BaseDistribution::kNone:
      return ValueAt(p, 0);
    case BaseDistribution::kUniform:
      return ValueAt(p, draws.Uniform());
    case BaseDistribution::kNormal:
      return ValueAt(p, draws.Normal());
    case BaseDistribution::kBeta:
      return ValueAt(p, draws.Beta(p.a, p.b));
  }
  return {};
}

}  // namespace

std::int64_t GridSteps(const Parameter& p) {
  if (p.distribution == Distribution::kIntUniform) {
    return static_cast<std::int64_t>(p.max - p.min) + 1;
  }
  if (p.distribution == Distribution::kQUniform) {
    return static_cast<std::int64_t>(std::round(p.max / p.q) - std::round(p.min / p.q)) + 1;
  }
  return std::ssize(p.values);
}

Json GridValue(const Parameter& p, std::int64_t step) {
  if (p.distribution == Distribution::kIntUniform) {
    return static_cast<std::int64_t>(p.min) + step;
  }
  if (p.distribution == Distribution::kQUniform) {
    const double value = (std::round(p.min / p.q) + static_cast<double>(step)) * p.q;
    return p.q == std::floor(p.q) ? Json(static_cast<std::int64_t>(value)) : Json(value);
  }
  return p.values[static_cast<std::size_t>(step)];
}

std::optional<std::int64_t> GridStepOf(const Parameter& p, const Json& value) {
  const bool is_listed =
      p.distribution != Distribution::kIntUniform && p.distribution != Distribution::kQUniform;
  if (is_listed) {
    const auto found = std::ranges::find(p.values, value);
    if (found == p.values.end()) return std::nullopt;
    return found - p.values.begin();
  }
  if (!value.is_number()) return std::nullopt;
  const bool is_whole = p.distribution == Distribution::kIntUniform;
  const double step = is_whole ? value.get<double>() - p.min
                               : std::round(value.get<double>() / p.q) - std::round(p.min / p.q);
  if (!(step >= 0 && step < static_cast<double>(GridSteps(p)))) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(step);
  return GridValue(p, whole) == value ? std::optional(whole) : std::nullopt;
}

BaseDistribution BaseOf(Distribution distribution) {
  switch (distribution) {
    case Distribution::kConstant:
      return BaseDistribution::kNone;
    case Distribution::kNormal:
    case Distribution::kQNormal:
    case Distribution::kLogNormal:
    case Distribution::kQLogNormal:
      return BaseDistribution::kNormal;
    case Distribution::kBeta:
    case Distribution::kQBeta:
      return BaseDistribution::kBeta;
    default:
      return BaseDistribution::kUniform;
  }
}

std::size_t PlaceAt(const Parameter& p, double base) {
  if (p.probabilities.empty()) {
    const auto count = static_cast<double>(p.values.size());
    return static_cast<std::size_t>(base * count);
  }
  for (std::size_t i = 0; i + 1 < p.values.size(); ++i) {
    if (base < p.probabilities[i]) return i;
    base -= p.probabilities[i];
  }
  return p.values.size() - 1;
}

Json ValueAt(const Parameter& p, double base) {
  switch (p.distribution) {
    case Distribution::kConstant:
      return p.values.front();
    case Distribution::kCategorical:
      return p.values[PlaceAt(p, base)];
    case Distribution::kIntUniform: {
      const double steps = p.max - p.min + 1;
      return static_cast<std::int64_t>(p.min + std::floor(base * steps));
    }
    case Distribution::kQUniform:
    case Distribution::kQLogUniform:
    case Distribution::kQLogUniformValues:
    case Distribution::kQNormal:
    case Distribution::kQLogNormal:
    case Distribution::kQBeta: {
      const double value = Quantized(RealAt(p, base), p.q);
      const bool whole = p.q == std::floor(p.q) && std::abs(value) < 9e15;
      return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
    }
    default:
      return RealAt(p, base);
  }
}

double BaseOfValue(const Parameter& p, double value) {
  const auto share = [&p](double low, double high, double of) { return (of - low) / (high - low); };
  switch (p.distribution) {
    case Distribution::kIntUniform:
      return share(p.min, p.max + 1, value + 0.5);
    case Distribution::kLogUniform:
    case Distribution::kQLogUniform:
      return share(p.min, p.max, std::log(value));
    case Distribution::kLogUniformValues:
    case Distribution::kQLogUniformValues:
      return share(std::log(p.min), std::log(p.max), std::log(value));
    case Distribution::kInvLogUniform:
      return share(p.min, p.max, -std::log(value));
    case Distribution::kInvLogUniformValues:
      return share(-std::log(p.max), -std::log(p.min), -std::log(value));
    case Distribution::kNormal:
    case Distribution::kQNormal:
      return (value - p.mu) / p.sigma;
    case Distribution::kLogNormal:
    case Distribution::kQLogNormal:
      return (std::log(value) - p.mu) / p.sigma;
    case Distribution::kBeta:
    case Distribution::kQBeta:
      return value;
    default:
      return share(p.min, p.max, value);
  }
}

Configuration SamplePoint(const Space& space, std::uint64_t seed, std::int64_t index) {
  Configuration configuration = Json::object();
  for (std::size_t i = 0; i < space.size(); ++i) {
    const std::size_t from = space[i].zipped_to.value_or(i);
    configuration[space[i].Name()] =
        from == i ? Sample(space[i], Draws(seed, index, i))
                  : space[i].values[PlaceAt(space[from], Draws(seed, index, from).Uniform())];
  }
  return configuration;
}

}  // namespace ddl
