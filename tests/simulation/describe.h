// SPDX-License-Identifier: Apache-2.0
// Events, actions and changes in words: what the trace shows and hashes. Every field that decides
// something is in them.
#pragma once

#include <string>

#include "scheduler/events.h"

namespace ddl::simulation {

[[nodiscard]] std::string Describe(const Event& event);
[[nodiscard]] std::string Describe(const Change& change);
[[nodiscard]] std::string Describe(const ToHost& message);
[[nodiscard]] std::string Describe(const FromHost& message);

}  // namespace ddl::simulation
