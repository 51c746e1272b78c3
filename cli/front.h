// SPDX-License-Identifier: Apache-2.0
// What a sweep with several objectives has reached: the configurations that no other dominates, and
// how the volume that they dominate grew. A configuration counts once all of its seeds have ended,
// by the means over those that have values, and where one of them finished: one that failed, or was
// stopped early in all seeds, is on no front.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "configs/json.h"
#include "store/reader.h"

namespace ddl {

struct FrontMember {
  std::int64_t configuration = 0;
  std::int64_t first_trial = 0;
  int seeds = 1;               // that have values
  std::int64_t ended_ms = 0;   // the last of them
  std::vector<double> values;  // in the order and the terms of the objectives
  std::string params_json{};   // where it was read: of those that are shown
};

struct Front {
  std::vector<SweepObjective> objectives;
  int seeds = 1;                     // of a configuration
  std::int64_t finished = 0;         // configurations that count
  std::vector<FrontMember> members;  // the best in the first objective first
};
using Fronts = std::map<SweepId, Front>;

// All configurations that count, in the order in which they ended.
[[nodiscard]] std::vector<FrontMember> ReadFinished(const StoreReader& reader,
                                                    const SweepLine& sweep, int seeds);
[[nodiscard]] Front FrontOf(const SweepLine& sweep, int seeds,
                            const std::vector<FrontMember>& finished);
// Of a sweep with several objectives; a front without objectives of another.
[[nodiscard]] Front ReadFront(const StoreReader& reader, const SweepLine& sweep);
// Of those among the sweeps that have several objectives.
[[nodiscard]] Fronts ReadFronts(const StoreReader& reader, std::span<const SweepLine> sweeps);

// At most `count` members, both ends and those between them evenly; with their parameters.
[[nodiscard]] std::vector<FrontMember> ReadShown(const StoreReader& reader, const SweepLine& sweep,
                                                 const Front& front, std::int64_t count);
// Numbers of the trials that the front is made of.
[[nodiscard]] std::vector<std::int64_t> TrialsOf(const Front& front);

struct FrontGrowth {
  std::vector<double> reference;  // beyond which nothing counts, in the terms of the objectives
  bool is_given = false;          // by the user; else it follows from the front
  bool is_known = true;           // false: it would take long
  struct Step {
    std::int64_t finished = 0;  // configurations by then
    double volume = 0;
  };
  std::vector<Step> steps;  // where it grew
};
// Nothing where nothing has finished. `reference`: one value an objective, or none. Throws Error
// for another number of them.
[[nodiscard]] std::optional<FrontGrowth> GrowthOf(const SweepLine& sweep,
                                                  const std::vector<FrontMember>& finished,
                                                  const std::vector<double>& reference);

// "front of 7: best loss 0.0123, size 17"; "" for an empty one.
[[nodiscard]] std::string FrontText(const Front& front);
// What the table of a front says in a sentence: what stands in it.
[[nodiscard]] std::vector<std::string> FrontLines(const Front& front, std::size_t shown,
                                                  const Terminal& terminal);
[[nodiscard]] std::vector<std::string> GrowthLines(const Front& front, const FrontGrowth& growth,
                                                   const Terminal& terminal);
[[nodiscard]] Json FrontJson(const Front& front, const std::vector<FrontMember>& shown);
[[nodiscard]] Json GrowthJson(const FrontGrowth& growth);

}  // namespace ddl
