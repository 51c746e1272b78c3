// SPDX-License-Identifier: Apache-2.0
// Parts of explain.cc.
#pragma once

#include <string>

#include "scheduler/explain.h"

namespace ddl {

[[nodiscard]] std::string NameOf(const TrialFacts& facts);  // "Trial grid/7"
[[nodiscard]] std::string PathOf(const TrialFacts& facts);  // "grid/7", as commands take it

[[nodiscard]] std::string ExplainWaiting(const TrialFacts& facts);
[[nodiscard]] std::string ExplainEnded(const TrialFacts& facts);

}  // namespace ddl
