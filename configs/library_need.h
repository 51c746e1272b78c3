// SPDX-License-Identifier: Apache-2.0
// Libraries of CUDA that libddl_cuda needs and that a machine may have itself: which, and from
// which version on. It says so in its own bytes, so that it can be asked where it cannot be loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ddl {

// Beside ddl-trainer, where it was built with the CUDA toolkit.
inline constexpr const char* kGpuLibrary = "libddl_cuda.so";

struct LibraryNeed {
  std::string name;          // "libcublasLt.so.13": of another major version it fits never
  std::int64_t version = 0;  // 130100 is 13.1.0, as cublasLtGetVersion tells it
  bool operator==(const LibraryNeed&) const = default;
};

// What the file says. Empty: it is not there, or says nothing.
[[nodiscard]] std::vector<LibraryNeed> LibraryNeedsOf(const std::string& gpu_library);

// "13.1.0".
[[nodiscard]] std::string LibraryVersionText(std::int64_t version);

// Of the file that a name leads to: "…/libcublasLt.so.13.1.0.3" is 130100. Nothing: its name does
// not tell.
[[nodiscard]] std::optional<std::int64_t> VersionInFileName(std::string_view path,
                                                            std::string_view name);

// The call of a library that tells its version, "cublasLtGetVersion": a number without arguments.
[[nodiscard]] std::string VersionCallOf(std::string_view name);

}  // namespace ddl
