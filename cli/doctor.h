// SPDX-License-Identifier: Apache-2.0
// Whether this machine can run sweeps: each check is a pure function of what was found.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "configs/json.h"

namespace ddl {

enum class CheckLevel : std::uint8_t { kOk, kWarning, kFailure };

struct Check {
  std::string name;
  CheckLevel level = CheckLevel::kOk;
  std::string text;    // what was found
  std::string remedy;  // what to do; "" when nothing has to be done
};

[[nodiscard]] std::vector<std::string> DoctorLines(std::span<const Check> checks,
                                                   const Terminal& terminal);
[[nodiscard]] Json DoctorJson(std::span<const Check> checks);
[[nodiscard]] bool AnyFailure(std::span<const Check> checks);

// A program that ddl needs beside itself.
[[nodiscard]] Check ProgramCheck(const std::string& name, const std::string& path,
                                 bool is_executable);

// `cpuinfo` and `meminfo` are the texts of the files in /proc.
[[nodiscard]] Check CpuCheck(std::string_view cpuinfo, int usable_cores);
[[nodiscard]] Check MemoryCheck(std::string_view meminfo);

struct GpuProbe {
  std::string program;  // nvidia-smi's path; "" when it is not in PATH
  int exit_code = 0;
  std::string output;  // of `nvidia-smi -L`
};
[[nodiscard]] Check GpuCheck(const GpuProbe& probe);

struct FolderFacts {
  std::string path;
  bool exists = false;
  bool is_writable = false;       // of the nearest folder above that exists, when it does not
  std::uint64_t file_system = 0;  // statfs f_type
  std::int64_t free_bytes = 0;
};
// `on_network` tells what a network file system means for this folder.
[[nodiscard]] Check FolderCheck(const std::string& name, const FolderFacts& folder,
                                CheckLevel on_network);
[[nodiscard]] Check SpaceCheck(const FolderFacts& folder);

// How a trial's whole tree of processes is stopped here.
[[nodiscard]] Check TreeCheck(bool has_writable_cgroup);
// `path` of python or python3 in PATH, or "".
[[nodiscard]] Check PythonCheck(const std::string& path);
[[nodiscard]] Check FashionMnistCheck(std::span<const std::string> missing_files,
                                      const std::string& folder);

// What one core reaches, as `ddl-trainer --probe` said it with that exit code: a check each for
// float32, bfloat16 (AVX512-BF16) and memory, or one that failed.
[[nodiscard]] std::vector<Check> LimitChecks(int exit_code, const std::string& said);

}  // namespace ddl
