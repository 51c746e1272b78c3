// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/rungs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::size_t kMostRungs = 100;
constexpr double kFarthest = 1e15;

double OrWorst(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
}

void Insert(std::vector<double>& sorted, double value) {
  sorted.insert(std::ranges::upper_bound(sorted, value), value);
}

// min_iter, min_iter × eta, …, each rounded down.
std::vector<std::int64_t> RungsFrom(std::int64_t min_iter, double eta) {
  std::vector<std::int64_t> rungs;
  for (auto at = static_cast<double>(min_iter); rungs.size() < kMostRungs && at < kFarthest;
       at *= eta) {
    rungs.push_back(static_cast<std::int64_t>(at));
  }
  const auto [last, end] = std::ranges::unique(rungs);
  rungs.erase(last, end);
  return rungs;
}

// max_iter / eta, max_iter / eta², … while that is at least 1; s of them at most.
std::vector<std::int64_t> RungsBefore(std::int64_t max_iter, double eta, std::int64_t s) {
  std::vector<std::int64_t> rungs;
  auto at = static_cast<double>(max_iter) / eta;
  for (std::int64_t i = 0; i < s && at >= 1; ++i, at /= eta)
    rungs.insert(rungs.begin(), static_cast<std::int64_t>(at));
  const auto [last, end] = std::ranges::unique(rungs);
  rungs.erase(last, end);
  return rungs;
}

}  // namespace

Asha::Asha(const EarlyTerminate& rule, std::optional<std::int64_t> iterations)
    : eta_(rule.eta), rungs_(RungsFrom(rule.min_iter, rule.eta)) {
  const std::optional<std::int64_t> whole = rule.max_iter ? rule.max_iter : iterations;
  if (whole) std::erase_if(rungs_, [&whole](std::int64_t rung) { return rung >= *whole; });
}

std::optional<std::string> Asha::Report(const PrunerReport& report) {
  const auto rung = std::ranges::find(rungs_, report.iteration);
  if (rung == rungs_.end()) return std::nullopt;
  const double value = OrWorst(report.value);
  auto& values = values_[{static_cast<std::size_t>(rung - rungs_.begin()), report.seed_index}];
  Insert(values, value);
  const auto better = std::ranges::lower_bound(values, value) - values.begin();
  const auto places = static_cast<std::ptrdiff_t>(static_cast<double>(values.size()) / eta_);
  if (better < std::max<std::ptrdiff_t>(places, 1)) return std::nullopt;
  return fmt::format(
      "at report {} in place {} of {}; {}", report.iteration, better + 1, values.size(),
      places < 2 ? "only the best goes on" : fmt::format("the best {} go on", places));
}

Hyperband::Hyperband(const EarlyTerminate& rule)
    : eta_(rule.eta),
      is_strict_(rule.strict),
      rungs_(rule.max_iter ? RungsBefore(*rule.max_iter, rule.eta, rule.s.value_or(1))
                           : RungsFrom(rule.min_iter, rule.eta)) {}

std::ptrdiff_t Hyperband::LastRung(std::int64_t iteration) const {
  return std::ranges::upper_bound(rungs_, iteration) - rungs_.begin() - 1;
}

std::optional<std::string> Hyperband::Report(const PrunerReport& report) {
  const double value = OrWorst(report.value);
  const auto [own, is_first] = trials_.try_emplace(report.trial, Own{value, value});
  own->second.best = std::min(own->second.best, value);
  const std::ptrdiff_t last = LastRung(report.iteration);
  if (last < 0) return std::nullopt;
  auto& values = values_[{static_cast<std::size_t>(last), report.seed_index}];
  const std::int64_t rung = rungs_[static_cast<std::size_t>(last)];
  if (rung == report.iteration) {
    Insert(values, value);
    own->second.at_rung = value;
  }
  const auto place = static_cast<std::size_t>(static_cast<double>(values.size()) / eta_);
  if (place >= values.size()) return std::nullopt;
  const double threshold = values[place];
  const double counts = is_strict_ ? own->second.at_rung : own->second.best;
  if (!(counts > threshold)) return std::nullopt;
  return fmt::format("at report {} worse than place {} of {} at report {}", report.iteration,
                     place + 1, values.size(), rung);
}

}  // namespace ddl
