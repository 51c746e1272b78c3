// SPDX-License-Identifier: Apache-2.0
// How users name sweeps and trials: "17", "fashion-mlp/17", "fashion-mlp".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ddl {

struct TrialName {
  std::string sweep;  // "": the newest
  std::int64_t number = 0;
};

// NUMBER or SWEEP/NUMBER; numbers begin at 1. Throws Error otherwise.
[[nodiscard]] TrialName ParseTrialName(std::string_view text);

struct TargetName {
  std::string sweep;                   // "": the newest
  std::optional<std::int64_t> number;  // none: the whole sweep
};

// SWEEP, NUMBER, SWEEP/NUMBER or "" for the newest sweep. A sweep whose name is a number is named
// with its slash: "17/". Throws Error on a bad number behind a slash.
[[nodiscard]] TargetName ParseTargetName(std::string_view text);

// The known name most like this one; "" when none is like it.
[[nodiscard]] std::string NearestName(std::string_view unknown, std::span<const std::string> known);

}  // namespace ddl
