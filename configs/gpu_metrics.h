// SPDX-License-Identifier: Apache-2.0
// What the built-in trainer tells of GPUs that a trial has for itself, and a program may tell too.
#pragma once

#include <string_view>

namespace ddl {

inline constexpr std::string_view kGpuJoules = "gpu_joules";  // since the attempt began
inline constexpr std::string_view kGpuClockMhz = "gpu_clock_mhz";
inline constexpr std::string_view kGpuPercentBusy = "gpu_percent_busy";

}  // namespace ddl
