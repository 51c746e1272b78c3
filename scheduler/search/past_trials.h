// SPDX-License-Identifier: Apache-2.0
// Trials of before as results that a search learns from, wherever they were read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "configs/conditions.h"
#include "configs/spec.h"
#include "scheduler/search/domain.h"

namespace ddl {

struct PastResults {
  // Complete and allowed, in the order of their first trials.
  std::vector<WarmPoint> results;
  // Configurations that the spec's space does not have, or its constraints forbid.
  std::int64_t left_out = 0;

  [[nodiscard]] std::int64_t Known() const { return std::ssize(results) + left_out; }
};

struct PastTrial {
  Json parameters;  // by dotted name; those that the space does not have count for nothing
  TrialState state = TrialState::kFinished;
  std::vector<double> values;  // one an objective
};

// Trials of one configuration are its seeds. It has finished where one of them has, else it was
// pruned where one was, else it failed; its values are the means over those that ended so. What did
// not end, was canceled, or has a value that is missing or no finite number is no result.
class PastTrials {
 public:
  explicit PastTrials(const SweepSpec& spec);

  // `configuration` tells which trials belong together.
  void Add(const std::string& configuration, const PastTrial& trial);
  [[nodiscard]] PastResults Results() const;

 private:
  struct Group {
    std::optional<Configuration> configuration;  // nothing: the space does not have it
    std::vector<std::vector<double>> finished;
    std::vector<std::vector<double>> pruned;
  };

  [[nodiscard]] std::optional<Configuration> InSpace(const Json& parameters) const;
  [[nodiscard]] bool IsWhole(const Configuration& given, const Configuration& complete) const;
  [[nodiscard]] bool IsInOnePlace(const Configuration& complete) const;

  Domain domain_;
  Conditions conditions_;
  std::map<std::string, Group> groups_;
  std::vector<const Group*> order_;
};

// The best `limit` in the order in which they were: by the first objective, finished ones before
// pruned ones, and those before what failed.
[[nodiscard]] std::vector<WarmPoint> BestResults(std::vector<WarmPoint> results,
                                                 std::optional<std::int64_t> limit, Goal goal);

}  // namespace ddl
