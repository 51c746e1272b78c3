// SPDX-License-Identifier: Apache-2.0
#include "configs/parameter_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "configs/distributions.h"

namespace ddl {

namespace {

std::optional<Json> MultipleOf(const Parameter& p, double value) {
  constexpr double kTolerance = 1e-9;
  const double times = std::round(value / p.q);
  const double multiple = times * p.q;
  const auto [low, high] = BoundsOf(p);
  const bool is_multiple =
      std::abs(multiple - value) <= kTolerance * std::max(1.0, std::abs(value));
  if (!is_multiple || times < std::round(low / p.q) || times > std::round(high / p.q)) {
    return std::nullopt;
  }
  const bool is_whole = p.q == std::floor(p.q) && std::abs(multiple) < 9e15;
  return is_whole ? Json(static_cast<std::int64_t>(multiple)) : Json(multiple);
}

}  // namespace

std::pair<double, double> BoundsOf(const Parameter& p) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (p.distribution) {
    case Distribution::kLogUniform:
    case Distribution::kQLogUniform:
      return {std::exp(p.min), std::exp(p.max)};
    case Distribution::kInvLogUniform:
      return {std::exp(-p.max), std::exp(-p.min)};
    case Distribution::kNormal:
    case Distribution::kQNormal:
      return {-kInfinity, kInfinity};
    case Distribution::kLogNormal:
      return {std::numeric_limits<double>::min(), kInfinity};
    case Distribution::kQLogNormal:
      return {0, kInfinity};
    case Distribution::kBeta:
    case Distribution::kQBeta:
      return {0, 1};
    default:
      return {p.min, p.max};
  }
}

std::optional<Json> AsValueOf(const Parameter& p, const Json& value) {
  if (p.distribution == Distribution::kConstant || p.distribution == Distribution::kCategorical) {
    const auto found = std::ranges::find(p.values, value);
    return found == p.values.end() ? std::nullopt : std::optional(*found);
  }
  if (!value.is_number() || !std::isfinite(value.get<double>())) return std::nullopt;
  const auto number = value.get<double>();
  if (EntryOf(p.distribution).is_quantized) return MultipleOf(p, number);
  const auto [low, high] = BoundsOf(p);
  // exp and log do not bring back the last digit of a bound.
  const bool is_exact =
      p.distribution == Distribution::kUniform || p.distribution == Distribution::kIntUniform;
  const double slack = is_exact ? 0 : 1e-12;
  if (number < low - slack * std::abs(low) || number > high + slack * std::abs(high)) {
    return std::nullopt;
  }
  if (p.distribution != Distribution::kIntUniform) return number;
  if (number != std::floor(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::string ShownValues(const Parameter& p) {
  if (p.distribution == Distribution::kConstant) return DumpJson(p.values.front());
  if (p.distribution == Distribution::kCategorical) {
    constexpr std::size_t kFew = 10;
    std::string shown;
    for (std::size_t i = 0; i < std::min(kFew, p.values.size()); ++i) {
      shown += (i == 0 ? "" : ", ") + DumpJson(p.values[i]);
    }
    return fmt::format("[{}{}]", shown, p.values.size() > kFew ? ", …" : "");
  }
  const auto [low, high] = BoundsOf(p);
  const std::string step =
      EntryOf(p.distribution).is_quantized
          ? fmt::format("a multiple of {}", FormatNumber(p.q))
          : std::string(p.distribution == Distribution::kIntUniform ? "a whole number"
                                                                    : "a number");
  if (std::isinf(high)) return std::isinf(low) ? step : step + " above 0";
  return fmt::format("{} from {:.6g} to {:.6g}", step, low, high);
}

}  // namespace ddl
