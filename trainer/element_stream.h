// SPDX-License-Identifier: Apache-2.0
// A file of numbers of one type, read once from the front; and two such files, one of features and
// one of labels, as a source of rows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trainer/element_type.h"
#include "trainer/record_source.h"

namespace ddl {

class ElementStream {
 public:
  ElementStream(const ElementStream&) = delete;
  ElementStream& operator=(const ElementStream&) = delete;
  virtual ~ElementStream() = default;

  [[nodiscard]] const std::string& Path() const { return path_; }
  [[nodiscard]] ElementFormat Format() const { return format_; }
  [[nodiscard]] const std::vector<std::size_t>& Dims() const { return dims_; }

  // Fills `out` wholly. Throws Error with the byte where the file ends too early.
  virtual void Read(std::span<std::uint8_t> out) = 0;
  // Throws Error where bytes are left over.
  virtual void Finish() = 0;

 protected:
  explicit ElementStream(std::string path) : path_(std::move(path)) {}

  std::string path_;
  ElementFormat format_;
  std::vector<std::size_t> dims_;  // rows first
};

using OpenElements = std::function<std::unique_ptr<ElementStream>(const std::string& path)>;

struct PairedFiles {
  std::string train_features;  // numbers of two or more dimensions, [rows, …]
  std::string train_labels;    // whole numbers, [rows]
  std::string test_features;   // "": no test part
  std::string test_labels;
  bool has_real_targets = false;  // labels are numbers of any type, to be predicted
};

// Features that are single bytes stay bytes, others become floats. Reads the labels at once: there
// are as many classes as the largest of the training part says. Throws Error with file and row for
// rows that differ in number, shapes that differ between the parts, and labels that are no classes.
[[nodiscard]] std::unique_ptr<RecordSource> OpenPairs(const PairedFiles& files,
                                                      const OpenElements& open, std::string name,
                                                      std::vector<std::string> class_names);

}  // namespace ddl
