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
    case FailureAction::kTryAgain:
      return "try-again";
  }
  return "";
}

Json ToJson(const FailureRule& rule) {
  return Json::array({rule.pattern, ToString(rule.then)});
}

FailureRule FailureRuleFromJson(const Json& json) {
  FailureRule rule{.pattern = json.at(0).get<std::string>()};
  const auto word = json.at(1).get<std::string>();
  for (const FailureAction action : kFailureActions) {
    if (word != ToString(action)) continue;
    rule.then = action;
    return rule;
  }
  throw Error(fmt::format("unknown word {}", DumpJson(json.at(1))), "", "");
}

// As the driver and CUDA put it when a GPU cannot be used before somebody has seen to it, and as
// frameworks and the trainer do when its memory is too small. The trainer's other words for what a
// GPU did say nothing of the training: another one may do it, or the same one a moment later. They
// come after those that ask for somebody, which may be part of the same line. When its loss is no
// number any more the same bits would do that again.
const std::vector<FailureRule>& BuiltInFailureRules() {
  static const std::vector<FailureRule> kRules{
      {"GPU has fallen off the bus", FailureAction::kDrainGpu},
      {"GPU is lost", FailureAction::kDrainGpu},
      {"uncorrectable ECC error encountered", FailureAction::kDrainGpu},
      {"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation",
       FailureAction::kBiggerGpu},
      {"^ddl-trainer: one training needs .* of the GPU's memory, which has .* in all",
       FailureAction::kBiggerGpu},
      {"^ddl-trainer: one training needs .* of the GPU's memory, and .* are free",
       FailureAction::kTryAgain},
      {"^ddl-trainer: the GPU failed: ", FailureAction::kTryAgain},
      {"^diverged at step [0-9]+: the loss is not finite", FailureAction::kGiveUp},
  };
  return kRules;
}

}  // namespace ddl
