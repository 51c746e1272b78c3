// SPDX-License-Identifier: Apache-2.0
#include "cli/verify.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "configs/gpu_metrics.h"
#include "configs/metric_report.h"

namespace ddl {

namespace {

constexpr std::size_t kShown = 5;

bool IsSameValue(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  if (std::isnan(*a) && std::isnan(*b)) return true;
  return std::bit_cast<std::uint64_t>(*a) == std::bit_cast<std::uint64_t>(*b);
}

std::optional<double> ValueAt(const MetricValues& values, const std::string& metric,
                              std::int64_t step) {
  const auto curve = values.find(metric);
  if (curve == values.end()) return std::nullopt;
  const auto value = curve->second.find(step);
  return value == curve->second.end() ? std::nullopt : std::optional(value->second);
}

std::string ValueText(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "nothing";
}

Json ValueJson(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(ValueText(value));
}

void CompareValues(const RunRecord& then, const RunRecord& now, Verification& verification) {
  std::set<std::pair<std::int64_t, std::string>> places;  // the earliest step first
  for (const auto* run : {&then, &now}) {
    for (const auto& [metric, curve] : run->values) {
      if (IsOfTheClock(metric)) continue;
      for (const auto& [step, value] : curve)
        places.emplace(step, metric);
    }
  }
  for (const auto& [step, metric] : places) {
    ValueDifference difference{metric, step, ValueAt(then.values, metric, step),
                               ValueAt(now.values, metric, step)};
    ++verification.values;
    if (difference.then) verification.steps = std::max(verification.steps, step);
    if (!IsSameValue(difference.then, difference.now)) {
      verification.differences.push_back(std::move(difference));
    }
  }
}

}  // namespace

bool IsOfTheClock(const std::string& metric) {
  constexpr std::array kNames{kSamplesPerSecond, kGflops,      kPercentOfLimit,
                              kGpuJoules,        kGpuClockMhz, kGpuPercentBusy};
  return std::ranges::find(kNames, metric) != kNames.end();
}

Verification Compare(const RunRecord& then, const RunRecord& now) {
  Verification verification;
  CompareValues(then, now, verification);
  if (now.fingerprint.is_object()) verification.weights = now.fingerprint.at("weights");
  if (then.fingerprint.is_object() && now.fingerprint.is_object()) {
    verification.same_weights = then.fingerprint.at("weights") == now.fingerprint.at("weights") &&
                                then.fingerprint.at("iteration") == now.fingerprint.at("iteration");
  }
  for (const auto& [name, value] : now.surroundings) {
    const auto before = then.surroundings.find(name);
    if (before == then.surroundings.end() || before->second == value) continue;
    verification.surroundings.push_back({name, before->second, value});
  }
  return verification;
}

std::vector<std::string> VerificationLines(const ChosenTrial& trial,
                                           const Verification& verification) {
  const std::string name = fmt::format("{}/{}", trial.sweep.name, trial.trial.number);
  std::vector<std::string> lines;
  if (verification.IsSame()) {
    lines.push_back(fmt::format("{}: the same bits again: {} values over {} steps", name,
                                verification.values, verification.steps));
    lines.push_back(verification.same_weights
                        ? fmt::format("weights and optimizer state: {}", verification.weights)
                        : std::string("its checkpoints are not here: the weights were not "
                                      "compared"));
  } else {
    lines.push_back(fmt::format(
        "{}: not the same: {} of {} values differ{}", name, verification.differences.size(),
        verification.values, verification.same_weights == false ? ", and so do the weights" : ""));
  }
  for (std::size_t i = 0; i < std::min(kShown, verification.differences.size()); ++i) {
    const ValueDifference& difference = verification.differences[i];
    lines.push_back(fmt::format("  step {}: {} was {} and is {}", difference.step,
                                difference.metric, ValueText(difference.then),
                                ValueText(difference.now)));
  }
  if (verification.IsSame()) return lines;
  for (const SurroundingDifference& difference : verification.surroundings) {
    lines.push_back(
        fmt::format("  {}: was {} and is {}", difference.name, difference.then, difference.now));
  }
  if (verification.surroundings.empty()) {
    lines.emplace_back("  nothing is known to differ in what it ran on");
  }
  return lines;
}

Json VerificationJson(const ChosenTrial& trial, const Verification& verification) {
  Json json{{"sweep", trial.sweep.name},
            {"trial", trial.trial.number},
            {"same", verification.IsSame()},
            {"values", verification.values},
            {"same_weights", verification.same_weights ? Json(*verification.same_weights) : Json()},
            {"weights", verification.weights},
            {"differences", Json::array()},
            {"surroundings", Json::array()}};
  for (const ValueDifference& difference : verification.differences) {
    json["differences"].push_back({{"metric", difference.metric},
                                   {"step", difference.step},
                                   {"then", ValueJson(difference.then)},
                                   {"now", ValueJson(difference.now)}});
  }
  for (const SurroundingDifference& difference : verification.surroundings) {
    json["surroundings"].push_back(
        {{"name", difference.name}, {"then", difference.then}, {"now", difference.now}});
  }
  return json;
}

}  // namespace ddl
