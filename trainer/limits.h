// SPDX-License-Identifier: Apache-2.0
// Measured limits of this machine, kept in the cache folder for later trainings. The file's name
// and its `machine` tell processor, instruction set and version of the library: another machine
// that shares the folder, or another version, does not take them for its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "configs/json.h"
#include "trainer/probe.h"

namespace ddl {

// "AMD EPYC, oneDNN 2.6.3, avx512, bf16".
[[nodiscard]] std::string DescribeMachine();

[[nodiscard]] std::filesystem::path LimitsFile(const std::filesystem::path& cache,
                                               const std::string& machine);

// {"machine", "float32_gflops", "bf16_gflops" (or null), "memory_gb_per_s"}
[[nodiscard]] Json LimitsJson(const std::string& machine, const MachineLimits& limits);

// Throws Error when the folder cannot be written.
void KeepLimits(const std::filesystem::path& cache, const std::string& machine,
                const MachineLimits& limits);

// Nothing where none are kept, or where the file is not whole.
[[nodiscard]] std::optional<MachineLimits> KeptLimits(const std::filesystem::path& cache,
                                                      const std::string& machine);

// Floating-point operations a second of so many cores in a precision; 0 where it is not known.
[[nodiscard]] double LimitOf(const std::optional<MachineLimits>& limits, Precision precision,
                             int threads);

}  // namespace ddl
