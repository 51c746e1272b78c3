// SPDX-License-Identifier: Apache-2.0
// What a line in the log of a failed trial says, of its host or of itself: `failures` of hosts.yaml
// and specs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/json.h"

namespace ddl {

enum class FailureAction : std::uint8_t {
  kDrainGpu,   // the GPUs of the attempt get no further trial on that host
  kDrainHost,  // the host gets none
  kBiggerGpu,  // the trial goes to GPUs with more memory than those of the attempt had
  kGiveUp,     // the trial has failed for good: a further try would fail alike
  kTryAgain,   // the trial runs again after a while, and nothing is drained
};

struct FailureRule {
  std::string pattern;  // ECMAScript, searched for in a line
  FailureAction then = FailureAction::kDrainGpu;
  bool operator==(const FailureRule&) const = default;
};

inline constexpr std::array kFailureActions{FailureAction::kDrainGpu, FailureAction::kDrainHost,
                                            FailureAction::kBiggerGpu, FailureAction::kGiveUp,
                                            FailureAction::kTryAgain};

[[nodiscard]] std::string_view ToString(FailureAction action);
[[nodiscard]] Json ToJson(const FailureRule& rule);
// Throws Json::exception or Error where it is not what ToJson writes.
[[nodiscard]] FailureRule FailureRuleFromJson(const Json& json);

// Those that hold without being written down; they come after all others.
[[nodiscard]] const std::vector<FailureRule>& BuiltInFailureRules();

}  // namespace ddl
