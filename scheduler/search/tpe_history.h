// SPDX-License-Identifier: Apache-2.0
// What `tpe` remembers, and how it is split into good and bad.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "scheduler/search/adaptive_search.h"
#include "scheduler/search/domain.h"
#include "scheduler/search/trial_ranking.h"

namespace ddl {

class TpeHistory {
 public:
  // Beyond so many the bad ones are a sample of the bad ones, always the same.
  static constexpr std::size_t kMostBad = 512;
  static constexpr std::size_t kMostGood = 64;

  struct Split {
    std::vector<std::int64_t> good;  // the best first
    std::vector<std::int64_t> bad;   // running ones too
  };
  // Dimensions that were part of the same configurations, all or none, so far.
  using Dimensions = std::vector<std::size_t>;

  TpeHistory(std::size_t dimensions, std::size_t objectives);

  void Take(std::int64_t number, Point point);
  void Tell(std::int64_t number, const Outcome& outcome);

  // Trials that ended with a value, and all that ended but for canceled ones.
  [[nodiscard]] std::int64_t Valued() const { return valued_; }
  [[nodiscard]] std::int64_t Ended() const { return ended_; }
  [[nodiscard]] std::size_t Groups() const { return groups_.size(); }
  [[nodiscard]] const Dimensions& DimensionsOf(std::size_t group) const {
    return groups_[group].dimensions;
  }
  // Of the trials that have the group's dimensions and ended; not canceled ones.
  [[nodiscard]] std::size_t Ended(std::size_t group) const { return groups_[group].sampled.size(); }
  // The best `good` of them, at most kMostGood, are good; never one without a value.
  [[nodiscard]] Split SplitOf(std::size_t group, std::size_t good) const;
  [[nodiscard]] const Point& PointOf(std::int64_t number) const {
    return trials_[static_cast<std::size_t>(number)].point;
  }

 private:
  struct Trial {
    Point point;
    std::optional<Outcome> outcome;
  };
  struct Group {
    Dimensions dimensions;
    TrialRanking ranking;
    std::set<std::pair<std::uint64_t, std::int64_t>> sampled;  // by a hash of the number
    std::set<std::int64_t> running;
  };

  void Refine(const Point& point);
  [[nodiscard]] Group Rebuilt(Dimensions dimensions) const;
  static bool Has(const Point& point, const Group& group);
  static void Enter(Group& group, std::int64_t number, const Trial& trial);
  static void Leave(Group& group, std::int64_t number, const Trial& trial);

  std::size_t objectives_;
  std::int64_t valued_ = 0;
  std::int64_t ended_ = 0;
  std::vector<Trial> trials_;  // by number
  std::vector<Group> groups_;
};

}  // namespace ddl
