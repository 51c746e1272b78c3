// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/population.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace ddl {

namespace {

using Member = Population::Member;

// Members of equal violation and rank are crowded by each other alone.
void SetCrowding(std::vector<Member*>& of_rank) {
  std::vector<Objectives> points;
  for (const Member* member : of_rank) {
    points.push_back(member->values);
  }
  const std::vector<double> distances = CrowdingDistances(points);
  for (std::size_t i = 0; i < of_rank.size(); ++i) {
    of_rank[i]->crowding = distances[i];
  }
}

// Of members of equal violation.
void SetRanks(const std::vector<Member*>& members) {
  std::vector<Objectives> points;
  for (const Member* member : members) {
    points.push_back(member->values);
  }
  const std::vector<std::size_t> ranks = NondominationRanks(points);
  std::map<std::size_t, std::vector<Member*>> by_rank;
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i]->rank = ranks[i];
    by_rank[ranks[i]].push_back(members[i]);
  }
  for (auto& [rank, of_rank] : by_rank) {
    SetCrowding(of_rank);
  }
}

}  // namespace

void Population::Tell(std::int64_t number, const Point& point, const Outcome& outcome) {
  std::erase_if(members_, [number](const Member& member) { return member.number == number; });
  if (outcome.kind == Outcome::Kind::kFinished) {
    members_.push_back({.number = number, .point = point, .values = outcome.values});
  } else if (outcome.kind == Outcome::Kind::kPruned) {
    const double violation = 1 / (1 + std::max(outcome.resource, 0.0));
    members_.push_back(
        {.number = number, .point = point, .values = outcome.values, .violation = violation});
  }
  if (members_.size() > most_ && IsLast(members_.back())) {
    members_.pop_back();
    return;
  }
  Order();
  // The last is the most crowded of the last rank; without it others are less crowded.
  while (members_.size() > most_) {
    members_.pop_back();
    Order();
  }
}

// A rank, or a violation, beyond all others: that it came and went changes nothing of them.
bool Population::IsLast(const Member& newest) const {
  const auto older = members_.begin() + static_cast<std::ptrdiff_t>(members_.size()) - 1;
  const Member& last = *std::prev(older);
  if (newest.violation != last.violation) return newest.violation > last.violation;
  return std::any_of(members_.begin(), older, [&](const Member& member) {
    return member.violation == last.violation && member.rank == last.rank &&
           Dominates(member.values, newest.values);
  });
}

void Population::Order() {
  std::map<double, std::vector<Member*>> by_violation;
  for (Member& member : members_) {
    by_violation[member.violation].push_back(&member);
  }
  for (const auto& [violation, members] : by_violation) {
    SetRanks(members);
  }
  std::ranges::sort(members_, {}, [](const Member& member) {
    return std::tuple(member.violation, member.rank, -member.crowding, member.number);
  });
}

}  // namespace ddl
