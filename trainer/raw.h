// SPDX-License-Identifier: Apache-2.0
// Records of fixed size without a format of their own, described by a file of JSON beside them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "configs/json.h"
#include "trainer/element_type.h"
#include "trainer/record_source.h"

namespace ddl {

enum class LabelPlace : std::uint8_t { kBefore, kBehind, kFile };

// The sidecar: {"dtype": "u1", "shape": [3, 32, 32], "planes_first": true,
//               "label": {"place": "before", "dtype": "u1"}, "class_names": ["airplane", …]}
struct RawLayout {
  ElementFormat features;
  std::vector<std::size_t> shape;  // of a record as it is stored
  bool planes_first = false;       // [channels, height, width]; packed with channels last
  LabelPlace place = LabelPlace::kBefore;
  ElementFormat label;
  std::size_t classes = 0;
  std::vector<std::string> class_names;  // as many as classes, or none
  std::size_t header_bytes = 0;          // before the first record; of the labels' file 0

  [[nodiscard]] std::size_t FeatureBytes() const;
  // A record with its label, where that is beside it.
  [[nodiscard]] std::size_t RecordBytes() const;
};

// Throws Error naming file and key for what is unknown, missing, contradictory or out of range.
[[nodiscard]] RawLayout ReadRawLayout(const Json& sidecar, const std::string& path);

struct RawFiles {
  std::string train;
  std::string train_labels;  // where the label's place is a file of its own, else ""
  std::string test;          // "": none
  std::string test_labels;
};

// Throws Error with file and row for sizes that are no whole number of records, labels that are no
// classes, and label files of other lengths.
[[nodiscard]] std::unique_ptr<RecordSource> OpenRaw(const RawFiles& files, RawLayout layout);

}  // namespace ddl
