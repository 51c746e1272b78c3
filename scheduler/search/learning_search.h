// SPDX-License-Identifier: Apache-2.0
// A method that learns, as the search of a sweep: initial points come first; it remembers what was
// proposed, lets nothing be proposed twice, and is brought up to date from a stored sweep.
#pragma once

#include <map>
#include <memory>
#include <optional>
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
  [[nodiscard]] std::optional<std::int64_t> ParentOf(std::int64_t configuration) const override;
  void Tell(std::int64_t configuration, const Outcome& outcome) override;
  [[nodiscard]] std::string Note() const override { return method_->Note(); }

 private:
  // Nothing: the space is exhausted.
  std::optional<Configuration> Next();
  std::optional<Configuration> Fallback(std::int64_t number) const;
  void LearnFrom(const std::vector<WarmPoint>& points);
  void Take(Configuration configuration, std::optional<std::int64_t> parent = {});
  // Not forbidden and, but for pbt, whose trials go on with what another one began, not proposed
  // yet.
  [[nodiscard]] bool IsNew(const Configuration& configuration) const;
  // Nor has it a value of probability 0, but of a program, and where pbt goes on with one.
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
  bool may_repeat_ = false;
  bool may_choose_all_ = false;
  std::map<std::int64_t, std::int64_t> parents_;
  std::optional<std::int64_t> next_parent_;  // of what Next gave last
};

// What a learning search of the spec is about; nothing is known to be proposed yet.
[[nodiscard]] SearchProblem ProblemOf(const SweepSpec& spec);

// As it is stored.
[[nodiscard]] std::string ToText(const Outcome& outcome);
[[nodiscard]] Outcome OutcomeOf(const std::string& text);

}  // namespace ddl
