// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/rungs.h"

#include <algorithm>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::size_t kMostRungs = 100;
constexpr double kFarthest = 1e15;

void Insert(std::vector<double>& sorted, double value) {
  sorted.insert(std::ranges::upper_bound(sorted, value), value);
}

void Erase(RungOfSeed& rung, double value, std::int64_t trial) {
  const auto equal = rung.held.find(value);
  if (equal == rung.held.end()) return;
  equal->second.erase(trial);
  if (equal->second.empty()) rung.held.erase(equal);
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
    : eta_(rule.eta), promotes_(rule.promote), rungs_(RungsFrom(rule.min_iter, rule.eta)) {
  const std::optional<std::int64_t> whole = rule.max_iter ? rule.max_iter : iterations;
  if (whole) std::erase_if(rungs_, [&whole](std::int64_t rung) { return rung >= *whole; });
}

std::ptrdiff_t Asha::Places(const RungOfSeed& rung) const {
  const auto share = static_cast<std::ptrdiff_t>(static_cast<double>(rung.values.size()) / eta_);
  return std::max<std::ptrdiff_t>(share, 1);
}

std::optional<std::string> Asha::Report(const PrunerReport& report) {
  const auto rung = std::ranges::find(rungs_, report.iteration);
  if (rung == rungs_.end()) return std::nullopt;
  const Own own{{static_cast<std::size_t>(rung - rungs_.begin()), report.seed_index},
                OrWorst(report.value)};
  trials_.insert_or_assign(report.trial, own);
  RungOfSeed& at = at_rungs_[own.at];
  const auto before = std::ranges::upper_bound(at.values, own.value) - at.values.begin();
  Insert(at.values, own.value);
  if (own.value == kWorst) {
    return fmt::format("at report {} its metric is no finite number", report.iteration);
  }
  const std::ptrdiff_t places = Places(at);
  if (before < places) return std::nullopt;
  return fmt::format(
      "at report {} in place {} of {}; {}", report.iteration, before + 1, at.values.size(),
      places == 1 ? "only the best goes on" : fmt::format("the best {} go on", places));
}

void Asha::Hold(std::int64_t trial) {
  const auto own = trials_.find(trial);
  if (own != trials_.end()) at_rungs_[own->second.at].held[own->second.value].insert(trial);
}

void Asha::Release(std::int64_t trial) {
  const auto own = trials_.find(trial);
  if (own != trials_.end()) Erase(at_rungs_[own->second.at], own->second.value, trial);
}

std::vector<Promotion> Asha::Promoted() {
  std::vector<Promotion> promoted;
  for (auto& [at, rung] : at_rungs_) {
    while (!rung.held.empty()) {
      const auto& [value, trials] = *rung.held.begin();
      const auto no_worse = std::ranges::upper_bound(rung.values, value) - rung.values.begin();
      const std::ptrdiff_t before = no_worse - std::ssize(trials);
      if (value == kWorst || before >= Places(rung)) break;
      const std::int64_t trial = *trials.begin();
      promoted.push_back({trial, fmt::format("at report {} now in place {} of {}", rungs_[at.first],
                                             before + 1, rung.values.size())});
      Erase(rung, value, trial);
    }
  }
  return promoted;
}

Hyperband::Hyperband(const EarlyTerminate& rule)
    : eta_(rule.eta),
      is_strict_(rule.strict),
      promotes_(rule.promote),
      rungs_(rule.max_iter ? RungsBefore(*rule.max_iter, rule.eta, rule.s.value_or(1))
                           : RungsFrom(rule.min_iter, rule.eta)) {}

std::ptrdiff_t Hyperband::LastRung(std::int64_t iteration) const {
  return std::ranges::upper_bound(rungs_, iteration) - rungs_.begin() - 1;
}

std::size_t Hyperband::PlaceOf(const RungOfSeed& rung) const {
  return static_cast<std::size_t>(static_cast<double>(rung.values.size()) / eta_);
}

RungOfSeed* Hyperband::RungOf(const Own& own) {
  const std::ptrdiff_t last = LastRung(own.iteration);
  if (last < 0) return nullptr;
  return &at_rungs_[{static_cast<std::size_t>(last), own.seed_index}];
}

std::optional<std::string> Hyperband::Report(const PrunerReport& report) {
  const double value = OrWorst(report.value);
  Own& own = trials_.try_emplace(report.trial, Own{value, value}).first->second;
  own.best = std::min(own.best, value);
  own.iteration = report.iteration;
  own.seed_index = report.seed_index;
  RungOfSeed* rung = RungOf(own);
  if (rung == nullptr) return std::nullopt;
  const std::int64_t came = rungs_[static_cast<std::size_t>(LastRung(report.iteration))];
  if (came == report.iteration) {
    Insert(rung->values, value);
    own.at_rung = value;
  }
  const double counts = CountsFor(own);
  if (counts == kWorst) {
    return fmt::format("at report {} its metric is no finite number", report.iteration);
  }
  const std::size_t place = PlaceOf(*rung);
  if (place >= rung->values.size() || counts <= rung->values[place]) return std::nullopt;
  return fmt::format("at report {} worse than place {} of {} at report {}", report.iteration,
                     place + 1, rung->values.size(), came);
}

void Hyperband::Hold(std::int64_t trial) {
  const auto own = trials_.find(trial);
  if (own == trials_.end()) return;
  if (RungOfSeed* rung = RungOf(own->second)) rung->held[CountsFor(own->second)].insert(trial);
}

void Hyperband::Release(std::int64_t trial) {
  const auto own = trials_.find(trial);
  if (own == trials_.end()) return;
  if (RungOfSeed* rung = RungOf(own->second)) Erase(*rung, CountsFor(own->second), trial);
}

std::vector<Promotion> Hyperband::Promoted() {
  std::vector<Promotion> promoted;
  for (auto& [at, rung] : at_rungs_) {
    const std::size_t place = PlaceOf(rung);
    while (!rung.held.empty()) {
      const auto& [counts, trials] = *rung.held.begin();
      if (counts == kWorst || (place < rung.values.size() && counts > rung.values[place])) break;
      const std::int64_t trial = *trials.begin();
      promoted.push_back({trial, fmt::format("now as good as place {} of {} at report {}",
                                             place + 1, rung.values.size(), rungs_[at.first])});
      Erase(rung, counts, trial);
    }
  }
  return promoted;
}

}  // namespace ddl
