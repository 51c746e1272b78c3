// SPDX-License-Identifier: Apache-2.0
// What holds of every data set, whatever it was read from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "trainer/record_source.h"

namespace ddl {

// Rows of a part, and tokens of both parts of a text together, are numbered in 32 bits.
inline constexpr std::size_t kMostRowsOfPart = std::numeric_limits<std::uint32_t>::max();
// Each costs an output of the network and a line of figures.
inline constexpr std::size_t kMostClasses = 65'536;

class RecordCheck {
 public:
  // Throws Error for no training rows, no features, fewer than two classes, or more of any than can
  // be read. `source` outlives the check.
  explicit RecordCheck(const RecordSource& source);

  // Throws Error with the row for a label that is no class, or a real feature or target that is not
  // finite.
  void Take(DataPart part, const Split& rows);
  // Throws Error where other rows came than the format says.
  void Finish() const;

  // Features that have one value in all training rows; of a text none.
  [[nodiscard]] ConstantFeatures Constants() const;

 private:
  void CheckClasses() const;
  void CheckLength() const;
  void CheckLabels(DataPart part, std::span<const std::int32_t> labels) const;
  void CheckTargets(DataPart part, std::span<const std::int32_t> labels) const;
  void CheckReals(DataPart part, std::span<const float> reals) const;
  template <class Value>
  void Compare(std::span<const Value> values, std::vector<Value>& first);

  const RecordSource& source_;
  const RecordFormat& format_;
  std::size_t features_;
  std::size_t train_rows_ = 0;
  std::size_t test_rows_ = 0;
  std::vector<std::uint8_t> first_bytes_;  // of the first training row
  std::vector<float> first_reals_;
  std::vector<std::uint8_t> varies_;  // of each feature: 1 where a row differs from the first
};

// Throws Error for a text of more than so many tokens, those of its test part among them.
void CheckTextLength(std::size_t tokens, const std::string& where);

// Throw Error for a label that is no class number, or is none of so many classes. `where` is the
// labels' file, `first` the row of labels[0], from 0.
void CheckClassNumbers(std::span<const std::int64_t> labels, std::size_t first,
                       const std::string& where);
void CheckLabel(std::int64_t label, std::size_t row, std::size_t classes, const std::string& where);

}  // namespace ddl
