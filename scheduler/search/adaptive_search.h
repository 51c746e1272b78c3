// SPDX-License-Identifier: Apache-2.0
// Searches that learn: what they propose follows from what they were told, and from nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "configs/space.h"

namespace ddl {

// What came of a configuration: the mean over its seeds.
struct Outcome {
  enum class Kind : std::uint8_t {
    kFinished,
    kPruned,    // stopped early: `values` are the last ones, seen at `resource`
    kFailed,    // by its own making; no values
    kCanceled,  // by the user: it runs no more, and nothing is known of it
  };
  Kind kind = Kind::kFinished;
  std::vector<double> values;  // one an objective, finite; lower is better
  double resource = 0;         // kPruned: reports that had come
};

// What a search is about. Plain values, but for `is_allowed`.
struct SearchProblem {
  Space space;
  std::uint64_t seed = 0;
  std::size_t objectives = 1;
  // Configurations that the sweep will try in all; 0: nobody knows.
  std::int64_t budget = 0;
  // False for what its constraints forbid and, where that can be counted, what was proposed before.
  std::function<bool(const Configuration&)> is_allowed = [](const Configuration&) { return true; };
};

// Configurations are numbered 0, 1, 2, … in the order in which they are proposed. What number n
// draws is a function of (seed, n) and of what was taken and told before it: a search that is fed
// the same again goes on as if it had never stopped.
class AdaptiveSearch {
 public:
  virtual ~AdaptiveSearch() = default;
  // The next configuration, a complete one that is allowed. Nothing where the method found none:
  // the caller then looks for one by itself. The search does not count it as running: Take does.
  [[nodiscard]] virtual std::optional<Configuration> Propose(std::int64_t number) = 0;
  // Of what was just proposed: the configuration from whose last checkpoint its trial goes on.
  [[nodiscard]] virtual std::optional<std::int64_t> ParentOfProposal() const { return {}; }
  // Nobody needs to look for another one where it proposed nothing: there is none.
  [[nodiscard]] virtual bool IsExhausted() const { return false; }
  // Configuration `number` runs from now on: what was just proposed, what somebody else chose, or
  // what a stored sweep had. Every number is taken once, in order.
  virtual void Take(std::int64_t number, const Configuration& configuration) = 0;
  // What came of it; every number at most once, in any order. After a retry, again: the last
  // counts.
  virtual void Tell(std::int64_t number, const Outcome& outcome) = 0;
  // What its user should know of how it works by now, a sentence; mostly nothing.
  [[nodiscard]] virtual std::string Note() const { return {}; }
};

}  // namespace ddl
