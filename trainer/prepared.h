// SPDX-License-Identifier: Apache-2.0
// Data prepared once per host: decompressed, checked, packed, and mapped by every trial. A file is
// written aside, synced and renamed, under a lock, so that it is whole or not there. Format: a line
// of JSON (kind, shape, sizes, offsets), padded to 4096 bytes, then the parts at their offsets. It
// holds nothing of where the sources lie: the same data are the same file on every machine.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "trainer/dataset_memory.h"

namespace ddl {

// What prepared data was made from: text that changes when the sources do.
[[nodiscard]] std::string SourceKey(const std::string& configuration,
                                    const std::vector<std::string>& files);

// Of the file for a key.
[[nodiscard]] std::string PreparedName(const std::string& key);

// Nothing when there is no such file, or none that is whole.
[[nodiscard]] std::optional<Dataset> MapPrepared(const std::filesystem::path& path);

// The data set of `key` from `cache`, prepared by `read` when it is not there or damaged. Where the
// cache cannot be written this is said on stderr and the data stays in memory. An empty cache keeps
// nothing.
[[nodiscard]] Dataset LoadPrepared(const std::filesystem::path& cache, const std::string& key,
                                   const std::function<ReadData()>& read);

}  // namespace ddl
