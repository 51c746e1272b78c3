// SPDX-License-Identifier: Apache-2.0
// The importances of a sweep's parameters, out of the store, as text and JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/knowledge/importances.h"
#include "cli/terminal.h"
#include "configs/spec.h"
#include "store/reader.h"

namespace ddl {

// Of the finished trials, or of an even sample of them: never more than a few thousand rows are
// looked at. Nothing where the sweep has no metric, or fewer than two parameters vary.
[[nodiscard]] std::optional<Importances> ReadImportances(const StoreReader& reader,
                                                         const SweepLine& sweep,
                                                         const SweepSpec& spec);

[[nodiscard]] std::vector<std::string> ImportanceLines(const Importances& importances,
                                                       const Terminal& terminal);
[[nodiscard]] Json ImportancesJson(const Importances& importances);

}  // namespace ddl
