// SPDX-License-Identifier: Apache-2.0
// How a sweep is told from others of its name: NAME is the newest, NAME@ID any of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "configs/ids.h"

namespace ddl {

struct SweepAddress {
  std::string name;
  SweepId id;
  bool operator==(const SweepAddress&) const = default;
};

[[nodiscard]] std::string ToString(const SweepAddress& address);
// Nothing for what has no number behind its last @. It may be a name all the same: that goes first.
[[nodiscard]] std::optional<SweepAddress> ParseSweepAddress(std::string_view text);

}  // namespace ddl
