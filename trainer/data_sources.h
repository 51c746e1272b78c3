// SPDX-License-Identifier: Apache-2.0
// From a value of the key `data` to the rows that it names.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "configs/json.h"
#include "trainer/dataset.h"
#include "trainer/record_source.h"

namespace ddl {

// Throws Error where the sources cannot be read.
using OpenRecords = std::function<std::unique_ptr<RecordSource>()>;

struct DataSources {
  std::vector<std::string> files;  // that the rows are made of; none: they are made up
  std::string names;               // of what the files do not tell, such as empty folders
  OpenRecords open;
};

// Reads and checks the keys, and finds the files; where files are not looked for, no more is told
// than that the keys are fine. Not of packed data. Throws Error with the key or
// the file, and with the nearest name for an unknown key or type.
[[nodiscard]] DataSources FindDataSources(const Json& config, const DataPaths& paths);

// Whether the rows are a function of the configuration alone.
[[nodiscard]] bool IsMadeUp(std::string_view type);

// The file as named, or below one of the search folders. Throws Error naming the folders looked in.
[[nodiscard]] std::string FindDataFile(const std::string& name, const DataPaths& paths,
                                       std::string_view hint);

}  // namespace ddl
