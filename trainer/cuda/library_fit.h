// SPDX-License-Identifier: Apache-2.0
// Whether a library of CUDA that a machine has is one that libddl_cuda can use: by loading it and
// asking it, so in a process that does nothing else.
#pragma once

#include <cstdint>
#include <filesystem>

namespace ddl {

// Its version, where it can be loaded here and is not older than `gpu_library` needs it. `path` may
// have another ending behind the library's name. Throws Error that says what is wrong with it.
[[nodiscard]] std::int64_t FittingVersion(const std::filesystem::path& path,
                                          const std::filesystem::path& gpu_library);

}  // namespace ddl
