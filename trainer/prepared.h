// SPDX-License-Identifier: Apache-2.0
// Data prepared once per host: decompressed, checked, packed, and mapped by every trial. A file
// (trainer/packed_file.h) is made under a lock, so that it is whole or not there.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/data_sources.h"
#include "trainer/dataset.h"

namespace ddl {

// What prepared data was made from: text that changes when the sources do.
[[nodiscard]] std::string SourceKey(const std::string& configuration,
                                    const std::vector<std::string>& files);

// Of the file for a key.
[[nodiscard]] std::string PreparedName(const std::string& key);

// Nothing when there is no such file, or none that is whole.
[[nodiscard]] std::optional<Dataset> MapPrepared(const std::filesystem::path& path);

// The data set of `key` from `cache`, prepared from `open` when it is not there or damaged. Where
// the cache cannot be written this is said on stderr and the data stays in memory. An empty cache
// keeps nothing.
[[nodiscard]] Dataset LoadPrepared(const std::filesystem::path& cache, const std::string& key,
                                   const OpenRecords& open);

}  // namespace ddl
