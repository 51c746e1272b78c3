// SPDX-License-Identifier: Apache-2.0
#include "trainer/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/target.h"
#include "trainer/whole_file.h"

namespace ddl {

namespace {

std::string At(const std::string& path, std::size_t line) {
  return fmt::format("{}:{}", path, line);
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<float> Number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  float value = 0.0F;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Fields of one line; quotes are taken off.
class LineSplitter {
 public:
  LineSplitter(const std::string& path, char delimiter) : path_(path), delimiter_(delimiter) {}

  const std::vector<std::string>& Split(std::string_view text, std::size_t line) {
    fields_.clear();
    while (true) {
      text = text.starts_with('"') ? Quoted(text, line) : Plain(text);
      if (text.empty()) return fields_;
      text.remove_prefix(1);
      if (text.empty()) {
        fields_.emplace_back();
        return fields_;
      }
    }
  }

 private:
  // Takes one field off the front; what is left begins with a delimiter, or is empty.
  std::string_view Plain(std::string_view text) {
    const std::size_t end = std::min(text.find(delimiter_), text.size());
    fields_.emplace_back(Trimmed(text.substr(0, end)));
    return text.substr(end);
  }

  std::string_view Quoted(std::string_view text, std::size_t line) {
    std::string field;
    std::size_t i = 1;
    for (; i < text.size(); ++i) {
      if (text[i] != '"') {
        field += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[i++];
      } else {
        break;
      }
    }
    const std::string_view rest = Trimmed(text.substr(std::min(i + 1, text.size())));
    if (i >= text.size() || (!rest.empty() && rest.front() != delimiter_)) {
      throw Error("a quote is open or stands within a field", At(path_, line),
                  "write \"…\" around the whole field, and \"\" for a quote in it");
    }
    fields_.push_back(std::move(field));
    return rest;
  }

  const std::string& path_;
  char delimiter_;
  std::vector<std::string> fields_;
};

class TableReader {
 public:
  TableReader(const std::string& path, const CsvFormat& format)
      : path_(path), format_(format), splitter_(path, format.delimiter) {}

  CsvTable Read() {
    const std::string text = ReadWholeFile(path_);
    std::size_t line = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const std::string_view row = std::string_view(text).substr(begin, end - begin);
      begin = end + 1;
      ++line;
      if (!Trimmed(row).empty()) Take(splitter_.Split(row, line), line);
    }
    if (table_.labels.empty()) throw Error("no rows", path_, "name a file that has some");
    return std::move(table_);
  }

 private:
  void Take(const std::vector<std::string>& fields, std::size_t line) {
    if (width_ == 0 && TakeFirst(fields, line)) return;
    if (fields.size() != width_) {
      throw Error(fmt::format("{} fields, but {} in the first row", fields.size(), width_),
                  At(path_, line), "give every row the same columns");
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i == label_) continue;
      const std::optional<float> value = Number(fields[i]);
      if (!value || !std::isfinite(*value)) {
        throw Error(fmt::format("field {} is no finite number: '{}'", i + 1, fields[i]),
                    At(path_, line), "remove the row, or write numbers in every feature column");
      }
      table_.values.push_back(*value);
    }
    if (fields[label_].empty()) {
      throw Error("the label is empty", At(path_, line), "remove the row");
    }
    table_.labels.push_back(fields[label_]);
    table_.lines.push_back(line);
  }

  // True when the first row was a header.
  bool TakeFirst(const std::vector<std::string>& fields, std::size_t line) {
    width_ = fields.size();
    if (width_ < 2) {
      throw Error("one column alone", At(path_, line),
                  "a row is features and a label; is the delimiter another one?");
    }
    const auto is_number = [](const std::string& field) { return Number(field).has_value(); };
    const bool looks_like_one =
        std::any_of(fields.begin(), fields.end() - 1, [&](const auto& f) { return !is_number(f); });
    const bool is_header = format_.has_header.value_or(looks_like_one);
    label_ = width_ - 1;
    if (!format_.label.empty()) FindLabel(fields, is_header, line);
    table_.features = width_ - 1;
    if (!is_header) return false;
    for (std::size_t i = 0; i < width_; ++i) {
      if (i != label_) table_.columns.push_back(fields[i]);
    }
    return true;
  }

  void FindLabel(const std::vector<std::string>& fields, bool is_header, std::size_t line) {
    const auto found = std::ranges::find(fields, format_.label);
    if (is_header && found != fields.end()) {
      label_ = static_cast<std::size_t>(found - fields.begin());
      return;
    }
    throw Error(fmt::format("no column '{}'", format_.label), At(path_, line),
                is_header ? fmt::format("its columns are: {}", fmt::join(fields, ", "))
                          : "a label by name needs a header row");
  }

  const std::string& path_;
  const CsvFormat& format_;
  LineSplitter splitter_;
  CsvTable table_;
  std::size_t width_ = 0;
  std::size_t label_ = 0;
};

std::optional<std::int32_t> ClassNumber(const std::string& label) {
  constexpr std::int32_t kMost = 65'535;
  std::int32_t number = 0;
  const char* end = label.data() + label.size();
  const auto [rest, problem] = std::from_chars(label.data(), end, number);
  if (problem != std::errc() || rest != end || number < 0 || number > kMost) return std::nullopt;
  return number;
}

Records RecordsOf(const CsvTable& table, const std::string& path,
                  const std::vector<std::string>& names) {
  Records records{.reals = table.values};
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const std::string& label = table.labels[row];
    if (names.empty()) {
      const std::optional<std::int32_t> number = ClassNumber(label);
      if (!number) {
        throw Error(fmt::format("label '{}' is no class number", label), At(path, table.lines[row]),
                    "the training rows number their classes");
      }
      records.labels.push_back(*number);
      continue;
    }
    const auto found = std::ranges::lower_bound(names, label);
    if (found == names.end() || *found != label) {
      throw Error(fmt::format("class '{}' is in no training row", label),
                  At(path, table.lines[row]), "remove the row, or train on such rows too");
    }
    records.labels.push_back(static_cast<std::int32_t>(found - names.begin()));
  }
  return records;
}

Records TargetsOf(const CsvTable& table, const std::string& path) {
  Records records{.reals = table.values};
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const std::optional<float> target = Number(table.labels[row]);
    if (!target || !std::isfinite(*target)) {
      throw Error(fmt::format("the target '{}' is no finite number", table.labels[row]),
                  At(path, table.lines[row]), "remove the row, or leave out labels: real");
    }
    records.labels.push_back(LabelOfTarget(*target));
  }
  return records;
}

void CheckColumns(const CsvTable& train, const std::string& train_path, const CsvTable& test,
                  const std::string& test_path) {
  if (test.labels.empty() || test.features == train.features) return;
  throw Error(fmt::format("{} features, but {} in {}", test.features, train.features, train_path),
              test_path, "training and test data must have the same columns");
}

}  // namespace

CsvTable ReadCsvTable(const std::string& path, const CsvFormat& format) {
  return TableReader(path, format).Read();
}

ReadData DataOf(const CsvTable& train, const std::string& train_path, const CsvTable& test,
                const std::string& test_path) {
  CheckColumns(train, train_path, test, test_path);
  ReadData data{.name = "csv", .shape = {train.features}};
  const bool is_numbered = std::ranges::all_of(
      train.labels, [](const std::string& label) { return ClassNumber(label).has_value(); });
  if (!is_numbered) {
    const std::set<std::string> names(train.labels.begin(), train.labels.end());
    data.class_names.assign(names.begin(), names.end());
  }
  data.train = RecordsOf(train, train_path, data.class_names);
  if (!test.labels.empty()) data.test = RecordsOf(test, test_path, data.class_names);
  data.classes = is_numbered ? static_cast<std::size_t>(std::ranges::max(data.train.labels)) + 1
                             : data.class_names.size();
  return data;
}

ReadData RegressionOf(const CsvTable& train, const std::string& train_path, const CsvTable& test,
                      const std::string& test_path) {
  CheckColumns(train, train_path, test, test_path);
  ReadData data{.name = "csv", .shape = {train.features}, .classes = 1, .has_real_targets = true};
  data.train = TargetsOf(train, train_path);
  data.test = TargetsOf(test, test_path);
  return data;
}

}  // namespace ddl
