// SPDX-License-Identifier: Apache-2.0
// Trials as comma-separated values (RFC 4180): one row a trial, one column a parameter.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/reader.h"

namespace ddl {

// Quoted when it has to be.
[[nodiscard]] std::string CsvField(std::string_view text);
// Ends in a line end, as each row does. Of several objectives the further ones have a column each.
[[nodiscard]] std::string CsvHeader(const SweepLine& sweep,
                                    std::span<const std::string> parameters);
// Numbers in full precision; a value that is a list or a mapping is JSON.
// `further`: last values of the objectives after the first; NaN: none.
[[nodiscard]] std::string CsvRow(const TrialLine& trial, std::span<const std::string> parameters,
                                 std::span<const double> further = {});

}  // namespace ddl
