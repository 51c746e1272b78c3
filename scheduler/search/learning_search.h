// SPDX-License-Identifier: Apache-2.0
// A method that learns, as the search of a sweep: initial points come first; it remembers what was
// proposed, lets nothing be proposed twice, and is brought up to date from a stored sweep.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "configs/conditions.h"
#include "scheduler/search/adaptive_search.h"
#include "scheduler/search/search.h"

namespace ddl {

class LearningSearch : public Search {
 public:
  LearningSearch(const SweepSpec& spec, const std::vector<SearchStep>& steps,
                 std::stop_token stop = {});

  std::vector<Configuration> Propose(std::int64_t first, std::int64_t count) override;
  void Tell(std::int64_t configuration, const Outcome& outcome) override;
  [[nodiscard]] std::string Note() const override { return method_->Note(); }

 private:
  // Nothing: the space is exhausted.
  std::optional<Configuration> Next();
  std::optional<Configuration> Fallback(std::int64_t number) const;
  void LearnFrom(const std::vector<WarmPoint>& points);
  void Take(Configuration configuration);
  // Not proposed yet, and not forbidden.
  [[nodiscard]] bool MayPropose(const Configuration& configuration) const;

  Space space_;
  std::vector<std::string> constraints_;
  Conditions conditions_;
  std::uint64_t seed_;
  std::vector<Configuration> initial_;
  std::int64_t before_ = 0;    // configurations of a warm start: its method counts on from them
  std::vector<double> signs_;  // of objectives: lower is better to a method
  std::unique_ptr<AdaptiveSearch> method_;
  std::vector<Configuration> proposed_;
  std::set<std::string> known_;  // their texts
};

// What a learning search of the spec is about; nothing is known to be proposed yet.
[[nodiscard]] SearchProblem ProblemOf(const SweepSpec& spec);

// As it is stored.
[[nodiscard]] std::string ToText(const Outcome& outcome);
[[nodiscard]] Outcome OutcomeOf(const std::string& text);

}  // namespace ddl
