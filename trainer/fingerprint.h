// SPDX-License-Identifier: Apache-2.0
// What tells one training's end from another: for `ddl verify`.
#pragma once

#include <filesystem>
#include <optional>

#include "configs/json.h"

namespace ddl {

// Of the newest whole checkpoint of a folder: {"training", "arithmetic", "iteration", "weights"},
// the last a CRC-32 in hex of weights and optimizer state. nullopt when there is none.
[[nodiscard]] std::optional<Json> FingerprintOf(const std::filesystem::path& folder);

}  // namespace ddl
