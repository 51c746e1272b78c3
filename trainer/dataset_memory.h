// SPDX-License-Identifier: Apache-2.0
// The bytes behind a data set: vectors that a reader filled, or a mapped file of prepared data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trainer/dataset.h"
#include "trainer/mapped_file.h"

namespace ddl {

// One part as a reader leaves it: row-major features, of which one vector is filled.
struct Records {
  std::vector<std::uint8_t> bytes;
  std::vector<float> reals;
  std::vector<std::int32_t> labels;

  [[nodiscard]] std::size_t Rows() const { return labels.size(); }
};

// A data set as read, checked.
struct ReadData {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t classes = 0;
  std::vector<std::string> class_names;
  bool has_real_targets = false;
  bool is_bytes = false;
  std::size_t context = 0;  // above 0: a text, see Dataset
  Records train;
  Records test;
  ConstantFeatures constants;
  std::string identity;  // see Dataset

  [[nodiscard]] std::size_t Features() const;
};

class DatasetMemory {
 public:
  DatasetMemory(Records train, Records test);
  explicit DatasetMemory(MappedFile file) : file_(std::move(file)) {}

  // Null where the data are vectors.
  [[nodiscard]] const MappedFile* File() const { return file_ ? &*file_ : nullptr; }

  Records train;
  Records test;

 private:
  std::optional<MappedFile> file_;
};

// The same as a Dataset that keeps it in memory.
[[nodiscard]] Dataset KeepInMemory(ReadData data);

}  // namespace ddl
