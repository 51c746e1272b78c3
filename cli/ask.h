// SPDX-License-Identifier: Apache-2.0
// A question to the coordinator of a store, if one is alive.
#pragma once

#include <optional>
#include <string>

#include "configs/json.h"

namespace ddl {

// The coordinator's answer, or nothing when none listens on the store's socket. The request is an
// object with a "verb"; for `explain` also "sweep" (its name) and "trial" (its number).
[[nodiscard]] std::optional<std::string> AskCoordinator(const std::string& store_folder,
                                                        const Json& request);

// The same: a JSON list of the hosts that open sweeps use, and whether they take trials.
[[nodiscard]] std::optional<std::string> AskAboutHosts(const std::string& store_folder);

}  // namespace ddl
