// SPDX-License-Identifier: Apache-2.0
#include "trainer/csv_columns.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/record_check.h"
#include "trainer/target.h"

namespace ddl {

namespace {

template <class Number>
std::optional<Number> WholeText(const std::string& text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || rest != end) return std::nullopt;
  return number;
}

std::optional<std::int32_t> ClassNumber(const std::string& label) {
  const auto number = WholeText<std::int32_t>(label);
  if (!number || *number < 0 || static_cast<std::size_t>(*number) >= kMostClasses) {
    return std::nullopt;
  }
  return number;
}

bool IsAmong(const std::vector<std::size_t>& fields, std::size_t field) {
  return std::ranges::find(fields, field) != fields.end();
}

// A text in a column that should hold numbers. The last column is the label where none is named.
bool LooksLikeHeader(const std::vector<std::string>& fields, const CsvFormat& format) {
  for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
    const std::string number = fmt::format("{}", i + 1);
    const bool is_text_column = std::ranges::count(format.categories, number) > 0 ||
                                std::ranges::count(format.ignored, number) > 0 ||
                                format.label == number;
    if (!is_text_column && !IsMissing(fields[i]) && !CsvNumber(fields[i])) return true;
  }
  return false;
}

}  // namespace

CsvColumns::CsvColumns(const CsvFormat& format, const CsvReader& reader)
    : format_(format), width_(reader.Fields().size()) {
  if (width_ < 2) {
    throw Error("one column alone", reader.Where(),
                "a row is features and a label; is the delimiter another one?");
  }
  if (format.has_header.value_or(LooksLikeHeader(reader.Fields(), format))) {
    names_ = reader.Fields();
  }
  label_ = format.label.empty() ? width_ - 1 : Find(format.label, reader);
  std::vector<std::size_t> ignored;
  std::vector<std::size_t> categories;
  for (const std::string& column : format.ignored) {
    ignored.push_back(Find(column, reader));
  }
  for (const std::string& column : format.categories) {
    categories.push_back(Find(column, reader));
  }
  if (IsAmong(ignored, label_) || IsAmong(categories, label_)) {
    throw Error(fmt::format("column '{}' is the label", NameOf(label_)), reader.Where(),
                "take it out of categories and ignore, or name another label");
  }
  for (std::size_t field = 0; field < width_; ++field) {
    if (field == label_ || IsAmong(ignored, field)) continue;
    columns_.push_back({.field = field, .is_category = IsAmong(categories, field)});
  }
}

bool CsvColumns::IsHeader(const CsvReader& reader) const {
  const std::vector<std::string>& fields = reader.Fields();
  if (fields.size() != width_) {
    throw Error(fmt::format("{} columns, but {} in the training file", fields.size(), width_),
                reader.Where(), "training and test data must have the same columns");
  }
  if (fields == names_) return true;
  if (!format_.has_header.value_or(LooksLikeHeader(fields, format_))) return false;
  if (names_.empty()) return true;
  throw Error("it names other columns than the training file", reader.Where(),
              fmt::format("those are: {}", fmt::join(names_, ", ")));
}

bool CsvColumns::IsKept(const CsvReader& reader) const {
  const std::vector<std::string>& fields = reader.Fields();
  if (fields.size() != width_) {
    throw Error(fmt::format("{} fields, but {} in the first row", fields.size(), width_),
                reader.Where(), "give every row the same columns");
  }
  const auto is_missing = [&](const Column& column) { return IsMissing(fields[column.field]); };
  const bool drops = format_.missing == MissingValues::kDrop;
  if (IsMissing(fields[label_])) {
    if (drops) return false;
    throw Error(fmt::format("the label is missing: '{}'", fields[label_]), reader.Where(),
                "remove the row, set data.missing to drop, or give the class another name");
  }
  const auto missing = std::ranges::find_if(columns_, is_missing);
  if (missing == columns_.end()) return true;
  if (drops) return false;
  if (format_.missing == MissingValues::kMean) return true;
  throw Error(fmt::format("field {} is missing: '{}'", missing->field + 1, fields[missing->field]),
              reader.Where(), "remove the row, or set data.missing to mean or drop");
}

void CsvColumns::Learn(const CsvReader& reader) {
  const std::vector<std::string>& fields = reader.Fields();
  for (Column& column : columns_) {
    const std::string& text = fields[column.field];
    if (IsMissing(text)) continue;
    if (!column.is_category) {
      column.sum += static_cast<double>(NumberOf(column, reader));
      ++column.known;
      continue;
    }
    column.seen.insert(text);
    if (column.seen.size() <= format_.most_categories) continue;
    throw Error(fmt::format("column '{}' has more than {} categories", NameOf(column.field),
                            format_.most_categories),
                reader.Where(), "put it into data.ignore, or raise data.most_categories");
  }
  if (format_.has_real_targets) return;
  labels_.insert(fields[label_]);
  if (labels_.size() <= kMostClasses) return;
  throw Error(fmt::format("more than {} classes in column '{}'", kMostClasses, NameOf(label_)),
              reader.Where(), "is it the label? name that by data.label");
}

void CsvColumns::Settle() {
  for (Column& column : columns_) {
    column.categories.assign(column.seen.begin(), column.seen.end());
    column.seen.clear();
  }
  if (format_.has_real_targets) {
    classes_ = 1;
    return;
  }
  const auto is_number = [](const std::string& label) { return ClassNumber(label).has_value(); };
  if (!std::ranges::all_of(labels_, is_number)) {
    class_names_.assign(labels_.begin(), labels_.end());
    classes_ = class_names_.size();
  } else {
    for (const std::string& label : labels_) {
      classes_ = std::max(classes_, static_cast<std::size_t>(*ClassNumber(label)) + 1);
    }
  }
  labels_.clear();
}

std::size_t CsvColumns::Features() const {
  std::size_t features = 0;
  for (const Column& column : columns_) {
    features += column.is_category ? column.categories.size() : 1;
  }
  return features;
}

std::vector<std::string> CsvColumns::FeatureNames() const {
  std::vector<std::string> names;
  for (const Column& column : columns_) {
    if (!column.is_category) names.push_back(NameOf(column.field));
    for (const std::string& category : column.categories) {
      names.push_back(fmt::format("{}={}", NameOf(column.field), category));
    }
  }
  return names;
}

std::vector<std::string> CsvColumns::ClassNames() const {
  return class_names_;
}

std::size_t CsvColumns::Classes() const {
  return classes_;
}

std::int32_t CsvColumns::Encode(const CsvReader& reader, std::span<float> out) const {
  const std::vector<std::string>& fields = reader.Fields();
  std::size_t at = 0;
  for (const Column& column : columns_) {
    const std::string& text = fields[column.field];
    if (!column.is_category) {
      out[at++] = NumberOf(column, reader);
      continue;
    }
    const auto place = out.subspan(at, column.categories.size());
    at += place.size();
    std::ranges::fill(place, 0.0F);
    if (IsMissing(text)) continue;
    const auto found = std::ranges::lower_bound(column.categories, text);
    if (found == column.categories.end() || *found != text) {
      throw Error(
          fmt::format("'{}' in column '{}' is in no training row", text, NameOf(column.field)),
          reader.Where(), "remove the row, or train on such rows too");
    }
    place[static_cast<std::size_t>(found - column.categories.begin())] = 1.0F;
  }
  return LabelOf(fields[label_], reader);
}

std::int32_t CsvColumns::LabelOf(const std::string& label, const CsvReader& reader) const {
  if (format_.has_real_targets) {
    const std::optional<float> target = CsvNumber(label);
    if (target && std::isfinite(*target)) return LabelOfTarget(*target);
    throw Error(fmt::format("the target '{}' is no finite number", label), reader.Where(),
                "remove the row, or leave out labels: real");
  }
  if (class_names_.empty()) {
    const std::optional<std::int32_t> number = ClassNumber(label);
    if (number && static_cast<std::size_t>(*number) < classes_) return *number;
    throw Error(fmt::format("label '{}' is no class number below {}", label, classes_),
                reader.Where(), "the training rows number their classes");
  }
  const auto found = std::ranges::lower_bound(class_names_, label);
  if (found != class_names_.end() && *found == label) {
    return static_cast<std::int32_t>(found - class_names_.begin());
  }
  throw Error(fmt::format("class '{}' is in no training row", label), reader.Where(),
              "remove the row, or train on such rows too");
}

// By name; without such a name, by number from 1.
std::size_t CsvColumns::Find(const std::string& column, const CsvReader& reader) const {
  const auto found = std::ranges::find(names_, column);
  if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
  const auto number = WholeText<std::size_t>(column);
  if (number && *number >= 1 && *number <= width_) return *number - 1;
  throw Error(fmt::format("no column '{}'", column), reader.Where(),
              names_.empty() ? "a column by name needs a header row"
                             : fmt::format("its columns are: {}", fmt::join(names_, ", ")));
}

float CsvColumns::NumberOf(const Column& column, const CsvReader& reader) const {
  const std::string& text = reader.Fields()[column.field];
  if (IsMissing(text)) {
    const auto known = static_cast<double>(column.known);
    return column.known == 0 ? 0.0F : static_cast<float>(column.sum / known);
  }
  const std::optional<float> value = CsvNumber(text);
  if (value && std::isfinite(*value)) return *value;
  throw Error(fmt::format("field {} is no finite number: '{}'", column.field + 1, text),
              reader.Where(),
              "remove the row, or name the column in data.categories or data.ignore");
}

std::string CsvColumns::NameOf(std::size_t field) const {
  return names_.empty() ? fmt::format("{}", field + 1) : names_[field];
}

}  // namespace ddl
