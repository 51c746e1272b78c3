// SPDX-License-Identifier: Apache-2.0
#include "trainer/record_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/target.h"

namespace ddl {

namespace {

constexpr std::size_t kMostNamed = 8;

std::string_view NameOfPart(DataPart part) {
  return part == DataPart::kTrain ? "training" : "test";
}

}  // namespace

RecordCheck::RecordCheck(const RecordSource& source)
    : source_(source), format_(source.Format()), features_(format_.Features()) {
  const RecordFormat& format = format_;
  const std::string where = source.Where(DataPart::kTrain);
  if (format.train_rows == 0) throw Error("no training rows", where, "name data that has some");
  if (features_ == 0) throw Error("no features", where, "name data that has some");
  if (features_ > kMostRowsOfPart) {
    throw Error("more than 4,294,967,295 features", where, "is its header whole?");
  }
  CheckClasses();
  CheckLength();
}

void RecordCheck::Take(DataPart part, const Split& rows) {
  std::size_t& taken = part == DataPart::kTrain ? train_rows_ : test_rows_;
  if (format_.is_text) {
    taken += std::get<std::span<const std::uint8_t>>(rows.features).size();
    return;
  }
  format_.has_real_targets ? CheckTargets(part, rows.labels) : CheckLabels(part, rows.labels);
  const bool is_training = part == DataPart::kTrain;
  if (const auto* reals = std::get_if<std::span<const float>>(&rows.features)) {
    CheckReals(part, *reals);
    if (is_training) Compare(*reals, first_reals_);
  } else if (is_training) {
    Compare(std::get<std::span<const std::uint8_t>>(rows.features), first_bytes_);
  }
  taken += rows.Rows();
}

void RecordCheck::Finish() const {
  for (const DataPart part : {DataPart::kTrain, DataPart::kTest}) {
    const std::size_t taken = part == DataPart::kTrain ? train_rows_ : test_rows_;
    if (taken == format_.Rows(part)) continue;
    throw Error(fmt::format("{} {} rows came, and {} were counted", taken, NameOfPart(part),
                            format_.Rows(part)),
                source_.Where(part), "has it changed while it was read?");
  }
}

ConstantFeatures RecordCheck::Constants() const {
  ConstantFeatures constants;
  for (std::size_t j = 0; j < varies_.size(); ++j) {
    if (varies_[j] != 0) continue;
    if (++constants.count > kMostNamed) continue;
    constants.names.push_back(format_.feature_names.empty() ? fmt::format("{}", j + 1)
                                                            : format_.feature_names[j]);
  }
  return constants;
}

void RecordCheck::CheckClasses() const {
  const std::string where = source_.Where(DataPart::kTrain);
  if (format_.classes < 2 && !format_.has_real_targets) {
    throw Error(fmt::format("{} class", format_.classes), where,
                "training a classifier needs labels of at least two classes");
  }
  if (format_.classes <= kMostClasses) return;
  throw Error(fmt::format("{} classes", format_.classes), where,
              fmt::format("labels are read from 0 to {}: number the classes without gaps, or say "
                          "labels: real where they are quantities",
                          kMostClasses - 1));
}

void RecordCheck::CheckLength() const {
  const std::string where = source_.Where(DataPart::kTrain);
  if (format_.is_text) return CheckTextLength(format_.train_rows + format_.test_rows, where);
  const std::size_t most = std::max(format_.train_rows, format_.test_rows);
  if (most <= kMostRowsOfPart) return;
  throw Error(fmt::format("{} rows", most), where,
              fmt::format("{} can be read: take a part of them", kMostRowsOfPart));
}

void RecordCheck::CheckLabels(DataPart part, std::span<const std::int32_t> labels) const {
  const auto is_class = [this](std::int32_t label) {
    return label >= 0 && static_cast<std::size_t>(label) < format_.classes;
  };
  const auto wrong = std::ranges::find_if_not(labels, is_class);
  if (wrong == labels.end()) return;
  const auto row = static_cast<std::size_t>(wrong - labels.begin()) +
                   (part == DataPart::kTrain ? train_rows_ : test_rows_);
  throw Error(fmt::format("label {} in {} row {} is not below {}", *wrong, NameOfPart(part),
                          row + 1, format_.classes),
              source_.Where(part), "labels are whole numbers from 0");
}

void RecordCheck::CheckTargets(DataPart part, std::span<const std::int32_t> labels) const {
  const auto wrong = std::ranges::find_if_not(labels, IsFiniteTarget);
  if (wrong == labels.end()) return;
  const auto row = static_cast<std::size_t>(wrong - labels.begin()) +
                   (part == DataPart::kTrain ? train_rows_ : test_rows_);
  throw Error(fmt::format("the target of {} row {} is not finite", NameOfPart(part), row + 1),
              source_.Where(part), "remove the row or mend the value");
}

void RecordCheck::CheckReals(DataPart part, std::span<const float> reals) const {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  const auto wrong = std::ranges::find_if_not(reals, is_finite);
  if (wrong == reals.end()) return;
  const auto at = static_cast<std::size_t>(wrong - reals.begin());
  const std::size_t row = at / features_ + (part == DataPart::kTrain ? train_rows_ : test_rows_);
  throw Error(fmt::format("feature {} in {} row {} is not finite", at % features_ + 1,
                          NameOfPart(part), row + 1),
              source_.Where(part), "remove the row or mend the value");
}

template <class Value>
void RecordCheck::Compare(std::span<const Value> values, std::vector<Value>& first) {
  if (first.empty()) {
    first.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(features_));
    varies_.assign(features_, 0);
  }
  for (std::size_t row = 0; row < values.size(); row += features_) {
    for (std::size_t j = 0; j < features_; ++j) {
      varies_[j] |= static_cast<std::uint8_t>(values[row + j] != first[j]);
    }
  }
}

void CheckTextLength(std::size_t tokens, const std::string& where) {
  if (tokens <= kMostRowsOfPart) return;
  throw Error(fmt::format("a text of {} bytes, the test text among them", tokens), where,
              fmt::format("{} can be read: take a part of it", kMostRowsOfPart));
}

void CheckClassNumbers(std::span<const std::int64_t> labels, std::size_t first,
                       const std::string& where) {
  const auto is_class = [](std::int64_t label) {
    return label >= 0 && label < std::numeric_limits<std::int32_t>::max();
  };
  const auto wrong = std::ranges::find_if_not(labels, is_class);
  if (wrong == labels.end()) return;
  throw Error(fmt::format("row {}: label {} is not a class number",
                          first + static_cast<std::size_t>(wrong - labels.begin()) + 1, *wrong),
              where, "labels are whole numbers from 0");
}

void CheckLabel(std::int64_t label, std::size_t row, std::size_t classes,
                const std::string& where) {
  if (label >= 0 && static_cast<std::uint64_t>(label) < classes) return;
  throw Error(fmt::format("row {}: label {} is not below {}", row + 1, label, classes), where,
              fmt::format("labels are whole numbers from 0 to {}", classes - 1));
}

}  // namespace ddl
