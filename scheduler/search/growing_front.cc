// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/growing_front.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace ddl {

void GrowingFront::Put(std::int64_t configuration, Objectives values) {
  const auto [known, is_new] = all_.try_emplace(configuration, values);
  if (is_new) return AddToFront(configuration, values);
  known->second = std::move(values);
  // It may have hidden others.
  front_.clear();
  for (const auto& [number, other] : all_) {
    AddToFront(number, other);
  }
}

void GrowingFront::AddToFront(std::int64_t configuration, const Objectives& values) {
  const auto hides_it = [&values](const auto& member) { return Dominates(member.second, values); };
  if (std::ranges::any_of(front_, hides_it)) return;
  std::erase_if(front_, [&values](const auto& member) { return Dominates(values, member.second); });
  front_.emplace(configuration, values);
}

double GrowingFront::Least(std::size_t objective) const {
  assert(!front_.empty());
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [configuration, values] : front_) {
    least = std::min(least, values.at(objective));
  }
  return least;
}

}  // namespace ddl
