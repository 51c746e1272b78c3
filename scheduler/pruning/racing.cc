// SPDX-License-Identifier: Apache-2.0
#include "scheduler/pruning/racing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/distributions/students_t.hpp>
#include <fmt/format.h>

#include "configs/json.h"

namespace ddl {

namespace {

double MeanOf(const std::map<int, double>& values) {
  double sum = 0;
  for (const auto& [seed, value] : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

// The best mean among those with the most seeds.
const std::map<int, double>* Racing::Leader() const {
  const std::map<int, double>* leader = nullptr;
  for (const auto& [configuration, values] : values_) {
    if (lost_.contains(configuration)) continue;
    const bool leads = leader == nullptr || values.size() > leader->size() ||
                       (values.size() == leader->size() && MeanOf(values) < MeanOf(*leader));
    if (leads) leader = &values;
  }
  return leader;
}

bool Racing::IsClearlyWorse(const std::map<int, double>& own,
                            const std::map<int, double>& best) const {
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
  const double error = std::sqrt(squares / (n - 1) / n);
  if (!(error > 0)) return std::isfinite(mean);
  const boost::math::students_t distribution(n - 1);
  const double looks = std::max(1, seeds_ - 1);
  return mean / error >
         boost::math::quantile(boost::math::complement(distribution, error_ / looks));
}

std::vector<Loser> Racing::End(const PrunerEnd& end) {
  // A trial without a value is beaten by every one that has.
  if (!std::isfinite(end.value) || end.seed_index + 1 > seeds_) return {};
  values_[end.configuration][end.seed_index] = end.value;
  const std::map<int, double>* leader = Leader();
  std::vector<Loser> losers;
  for (const auto& [configuration, values] : values_) {
    const bool is_open = !lost_.contains(configuration) && std::ssize(values) < seeds_;
    if (leader == nullptr || &values == leader || !is_open) continue;
    if (!IsClearlyWorse(values, *leader)) continue;
    losers.push_back(
        {configuration, fmt::format("clearly worse than the best after {} seeds", values.size())});
  }
  for (const Loser& loser : losers)
    lost_.insert(loser.configuration);
  return losers;
}

}  // namespace ddl
