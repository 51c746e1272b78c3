// SPDX-License-Identifier: Apache-2.0
// The best trials by rank of non-domination, and within a rank by distance to their neighbours.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/search/adaptive_search.h"
#include "scheduler/search/domain.h"
#include "scheduler/search/pareto.h"

namespace ddl {

class Population {
 public:
  struct Member {
    std::int64_t number = 0;
    Point point;
    Objectives values;
    // Constrained domination: a lower violation comes first, whatever the values. 0: finished;
    // pruned ones after all finished, those that got further first.
    double violation = 0;
    std::size_t rank = 0;
    double crowding = 0;
  };

  explicit Population(std::size_t most) : most_(most) {}

  // Replaces a member of that number. Failed and canceled ones are no members.
  void Tell(std::int64_t number, const Point& point, const Outcome& outcome);
  // The best first.
  [[nodiscard]] const std::vector<Member>& Members() const { return members_; }

 private:
  [[nodiscard]] bool IsLast(const Member& newest) const;
  void Order();

  std::size_t most_;
  std::vector<Member> members_;
};

}  // namespace ddl
