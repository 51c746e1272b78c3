// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/racing.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <boost/math/distributions/students_t.hpp>
#include <fmt/format.h>

namespace ddl {

namespace {

double MeanOf(const std::map<int, double>& values) {
  double sum = 0;
  for (const auto& [seed, value] : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

void Racing::End(const PrunerEnd& end) {
  // A trial without a value is beaten by every one that has.
  if (!std::isfinite(end.value) || end.seed_index + 1 > seeds_) return;
  NoteStep(end.value);
  Values& values = values_[end.configuration];
  if (!values.empty()) ranking_.erase(RankOf(end.configuration, values));
  values[end.seed_index] = end.value;
  if (lost_.contains(end.configuration)) return;
  ranking_.insert(RankOf(end.configuration, values));
  if (std::ssize(values) < seeds_) {
    open_.insert(end.configuration);
  } else {
    open_.erase(end.configuration);
  }
}

std::vector<Loser> Racing::Losers() {
  std::vector<Loser> losers;
  if (ranking_.empty()) return losers;
  const std::int64_t leader = std::get<2>(*ranking_.begin());
  for (const std::int64_t configuration : open_) {
    const Values& values = values_.at(configuration);
    if (configuration == leader || !IsClearlyWorse(values, values_.at(leader))) continue;
    losers.push_back(
        {configuration, fmt::format("clearly worse than the best after {} seeds", values.size())});
  }
  for (const Loser& loser : losers)
    Lose(loser.configuration);
  return losers;
}

void Racing::Lose(std::int64_t configuration) {
  lost_.insert(configuration);
  open_.erase(configuration);
  const auto values = values_.find(configuration);
  if (values != values_.end()) ranking_.erase(RankOf(configuration, values->second));
}

Racing::Rank Racing::RankOf(std::int64_t configuration, const Values& values) {
  return {-std::ssize(values), MeanOf(values), configuration};
}

void Racing::NoteStep(double value) {
  constexpr double kRounding = 1e-12;  // values that differ by so little are one
  const auto [at, is_new] = seen_.insert(value);
  if (!is_new) return;
  const auto note = [&](double other) {
    const double step = std::abs(value - other);
    if (step <= kRounding * std::abs(value)) return;
    step_ = step_ > 0 ? std::min(step_, step) : step;
  };
  if (at != seen_.begin()) note(*std::prev(at));
  if (std::next(at) != seen_.end()) note(*std::next(at));
}

bool Racing::IsClearlyWorse(const Values& own, const Values& best) const {
  std::vector<double> differences;
  for (const auto& [seed, value] : own) {
    const auto other = best.find(seed);
    if (other != best.end()) differences.push_back(value - other->second);
  }
  const auto n = static_cast<double>(differences.size());
  if (differences.size() < 2) return false;
  double mean = 0;
  for (const double difference : differences)
    mean += difference / n;
  if (!(mean > 0)) return false;
  double squares = 0;
  for (const double difference : differences)
    squares += (difference - mean) * (difference - mean);
  // Two values that were rounded to steps are off by a sixth of a squared step together.
  const double of_rounding = step_ * step_ / 6;
  const double error = std::sqrt(std::max(squares / (n - 1), of_rounding) / n);
  if (!(error > 0)) return false;
  const boost::math::students_t distribution(n - 1);
  const double looks = std::max(1, seeds_ - 1);
  const auto rivals = static_cast<double>(ranking_.size()) - 1;
  return mean / error >
         boost::math::quantile(boost::math::complement(distribution, error_ / looks / rivals));
}

}  // namespace ddl
