// SPDX-License-Identifier: Apache-2.0
// Numbers, times and sizes as people read them. JSON output never goes through these.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/terminal.h"
#include "configs/json.h"
#include "configs/states.h"
#include "store/changes.h"

namespace ddl {

// "350ms", "4.2s", "12s", "3m 12s", "2h 05m", "4d 03h".
[[nodiscard]] std::string FormatDuration(std::chrono::milliseconds duration);
// "12,345"
[[nodiscard]] std::string FormatCount(std::int64_t count);
// "1 trial", "96 trials", "trials until it is stopped" (kOpenEnded)
[[nodiscard]] std::string FormatPlanned(std::int64_t trials);
// "812 B", "1.5 GiB"
[[nodiscard]] std::string FormatBytes(std::int64_t bytes);
// "3.2/s", "18/min", "40/h"
[[nodiscard]] std::string FormatRate(double per_s);
// Four significant digits; whole numbers below ten million in full: "0.8934", "12345", "1.2e-05".
[[nodiscard]] std::string FormatValue(double value);
[[nodiscard]] std::string FormatValue(const std::optional<double>& value);  // none: "-"
// "2026-11-23 08:14", local time; "-" for 0.
[[nodiscard]] std::string FormatWhen(std::int64_t unix_ms);
// A parameter's value: strings without quotes, numbers as FormatValue, the rest as JSON.
[[nodiscard]] std::string FormatParameter(const Json& value);
// "lr=0.01 hidden=[256,128]", by name; `configuration` is an object.
[[nodiscard]] std::string FormatConfiguration(const Json& configuration);

[[nodiscard]] Style StyleOf(TrialState state);
// For people: "all done", "some trials failed", …; "" for kNone.
[[nodiscard]] std::string_view OutcomeText(SweepOutcome outcome);
// For JSON: "all_done", "some_failed", …; "" for kNone.

}  // namespace ddl
