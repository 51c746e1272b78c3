// SPDX-License-Identifier: Apache-2.0
// One search on one problem: what it proposes is evaluated and told, several at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/searches/problem.h"

#include "scheduler/search/adaptive_search.h"

namespace ddl::bench {

// A search by its name, enumerated or adaptive, behind one border; nothing: not built.
class Proposer {
 public:
  virtual ~Proposer() = default;
  virtual std::optional<Configuration> Propose(std::int64_t number) = 0;
  virtual void Take(std::int64_t number, const Configuration& configuration) = 0;
  virtual void Tell(std::int64_t number, const Outcome& outcome) = 0;
};
[[nodiscard]] std::unique_ptr<Proposer> MakeProposer(const std::string& method,
                                                     SearchProblem problem);

struct Campaign {
  std::string method;
  std::uint64_t seed = 0;
  std::int64_t evaluations = 100;
  std::int64_t at_once = 1;  // they end in an order that the seed decides
  bool in_rounds = false;    // or all of them before others are proposed
};

// What was told, in that order. Fewer where the problem has no more points.
[[nodiscard]] std::vector<std::vector<double>> Evaluate(const Problem& problem,
                                                        const Campaign& campaign);

}  // namespace ddl::bench
