// SPDX-License-Identifier: Apache-2.0
// What `ddl status` shows: one line a sweep.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/front.h"
#include "cli/terminal.h"
#include "configs/json.h"
#include "store/reader.h"

namespace ddl {

[[nodiscard]] std::vector<std::string> StatusLines(std::span<const SweepLine> sweeps,
                                                   const Terminal& terminal,
                                                   const Fronts& fronts = {});
// What a single sweep has to say beside its line: description, outcome, reason.
[[nodiscard]] std::vector<std::string> SweepDetailLines(const SweepLine& sweep,
                                                        const Terminal& terminal,
                                                        const Fronts& fronts = {});
[[nodiscard]] Json StatusJson(std::span<const SweepLine> sweeps, const std::string& store_folder,
                              const Fronts& fronts = {});

}  // namespace ddl
