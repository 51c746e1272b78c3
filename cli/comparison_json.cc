// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "cli/comparison.h"
#include "scheduler/json_fields.h"

namespace ddl {

namespace {

Json IntervalJson(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return Json::array({interval->low, interval->high});
}

Json PairJson(const ComparedPair& pair) {
  return {{"first", pair.test.first},
          {"second", pair.test.second},
          {"seeds", pair.test.pairs},
          {"difference", pair.test.pairs > 0 ? Json(pair.test.mean) : Json(nullptr)},
          {"interval", IntervalJson(pair.interval)},
          {"p", OrNull(pair.test.p)},
          {"shown", IsShown(pair)}};
}

Json SideJson(const ComparedSide& side) {
  Json values = Json::array();
  for (std::size_t seed = 0; seed < side.values.size(); ++seed) {
    if (side.values[seed]) {
      values.push_back({{"seed_index", seed}, {"value", *side.values[seed]}});
    }
  }
  return {{"name", side.name},
          {"sweep", side.sweep},
          {"trials", side.trials},
          {"parameters", side.parameters},
          {"values", std::move(values)},
          {"mean", OrNull(MeanOfSide(side))},
          {"interval", IntervalJson(IntervalOfSide(side))},
          {"last", side.last}};
}

}  // namespace

Json CompareJson(const Comparison& comparison) {
  Json sides = Json::array();
  for (const ComparedSide& side : comparison.sides) {
    sides.push_back(SideJson(side));
  }
  Json pairs = Json::array();
  for (const ComparedPair& pair : comparison.pairs) {
    pairs.push_back(PairJson(pair));
  }
  Json goal = nullptr;
  if (comparison.maximize) goal = *comparison.maximize ? "maximize" : "minimize";
  return {{"metric", comparison.metric},
          {"goal", std::move(goal)},
          {"sides", std::move(sides)},
          {"differences", std::move(pairs)},
          {"differing_parameters", DifferingParameters(comparison.sides)},
          {"seeds_needed", kLeastPairs}};
}

Json AgainstBestJson(const Comparison& comparison) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < comparison.sides.size(); ++i) {
    const ComparedSide& side = comparison.sides[i];
    Json row{{"first_trial", side.trials.front()},
             {"mean", OrNull(MeanOfSide(side))},
             {"interval", IntervalJson(IntervalOfSide(side))},
             {"against_best", nullptr}};
    if (i > 0) {
      row["against_best"] = PairJson(comparison.pairs[i - 1]);
      row["against_best"].erase("first");
      row["against_best"].erase("second");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace ddl
