// SPDX-License-Identifier: Apache-2.0
#include "configs/failure_rules.h"

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

std::string_view ToString(FailureAction action) {
  switch (action) {
    case FailureAction::kDrainGpu:
      return "drain-gpu";
    case FailureAction::kDrainHost:
      return "drain-host";
    case FailureAction::kBiggerGpu:
      return "bigger-gpu";
    case FailureAction::kGiveUp:
      return "give-up";
  }
  return "";
}

Json ToJson(const FailureRule& rule) {
  return Json::array({rule.pattern, ToString(rule.then)});
}

FailureRule FailureRuleFromJson(const Json& json) {
  FailureRule rule{.pattern = json.at(0).get<std::string>()};
  const auto word = json.at(1).get<std::string>();
  for (const FailureAction action : {FailureAction::kDrainGpu, FailureAction::kDrainHost,
                                     FailureAction::kBiggerGpu, FailureAction::kGiveUp}) {
    if (word != ToString(action)) continue;
    rule.then = action;
    return rule;
  }
  throw Error(fmt::format("unknown word {}", DumpJson(json.at(1))), "", "");
}

// As the driver and CUDA put it when a GPU cannot be used before somebody has seen to it, and as
// frameworks do when its memory is too small; and as the trainer does when its loss is no number
// any more, which the same bits would do again.
const std::vector<FailureRule>& BuiltInFailureRules() {
  static const std::vector<FailureRule> kRules{
      {"GPU has fallen off the bus", FailureAction::kDrainGpu},
      {"GPU is lost", FailureAction::kDrainGpu},
      {"uncorrectable ECC error encountered", FailureAction::kDrainGpu},
      {"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation",
       FailureAction::kBiggerGpu},
      {"^diverged at step [0-9]+: the loss is not finite", FailureAction::kGiveUp},
  };
  return kRules;
}

}  // namespace ddl
