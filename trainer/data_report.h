// SPDX-License-Identifier: Apache-2.0
// What a data set is, and whether it is sound, for people and programs.
#pragma once

#include <string>
#include <vector>

#include "configs/json.h"
#include "trainer/dataset.h"

namespace ddl {

// {"name", "file", "bytes", "train_rows", "test_rows", "shape", "type" ("bytes", "reals" or
// "tokens"), "targets" ("classes" or "real"), "classes", "class_names", "train_counts",
// "test_counts", "constants", "shuffle"}.
[[nodiscard]] Json DescribeData(const Dataset& dataset);

struct DataFindings {
  std::vector<std::string> problems;  // the data are not what they were, or cannot be trained on
  std::vector<std::string> notes;     // worth knowing
};

// Reads all of it, in little memory but for 8 bytes a test row: checksums of packed data, features
// that are not finite, and test rows whose features are those of a training row.
[[nodiscard]] DataFindings CheckData(const Dataset& dataset);

}  // namespace ddl
