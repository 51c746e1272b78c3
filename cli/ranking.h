// SPDX-License-Identifier: Apache-2.0
// The table of a report: trials or configurations with their spread over seeds, ranked, or the
// front of a sweep with several objectives.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/report.h"
#include "cli/table.h"

namespace ddl {

[[nodiscard]] std::vector<std::string> RankingLines(const Report& report, const Terminal& terminal);

// The shortest endings of dotted names that still tell them apart: "optimizer.lr" → "lr".
[[nodiscard]] std::vector<std::string> ShortNames(std::span<const std::string> names);

}  // namespace ddl
