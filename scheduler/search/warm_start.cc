// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/warm_start.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/nearest.h"
#include "configs/parameter_values.h"
#include "scheduler/search/csv_rows.h"

namespace ddl {

namespace {

std::optional<double> FiniteNumber(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  const bool is_whole_text = problem == std::errc() && stop == end;
  return is_whole_text && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

// As a report writes a value into its field.
std::string FieldOf(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_float() ? FormatNumber(value.get<double>()) : DumpJson(value);
}

// Nothing for a value that the parameter cannot have.
std::optional<Json> ValueOfField(const Parameter& p, const std::string& field) {
  if (p.distribution == Distribution::kConstant || p.distribution == Distribution::kCategorical) {
    const auto found = std::ranges::find(p.values, field, FieldOf);
    if (found != p.values.end()) return *found;
  }
  const std::optional<double> number = FiniteNumber(field);
  return number ? AsValueOf(p, *number) : std::nullopt;
}

class ResultsReader {
 public:
  ResultsReader(std::string_view csv, const std::string& where, const SweepSpec& spec)
      : rows_(csv, where), spec_(spec), trials_(spec) {
    metrics_ = spec.objectives;
    if (metrics_.empty() && spec.metric) metrics_.push_back(*spec.metric);
  }

  PastResults Read() {
    ReadHeader();
    std::int64_t own_key = 0;
    while (const auto row = rows_.Next()) {
      if (row->size() != columns_.size()) {
        throw Error(
            fmt::format("this row has {} fields, the header has {}", row->size(), columns_.size()),
            rows_.Place(), "quote fields with commas in them");
      }
      const std::string* key = Field(*row, "configuration");
      ReadRow(*row, key != nullptr && !key->empty() ? *key : fmt::format("row {}", own_key++));
    }
    return trials_.Results();
  }

 private:
  void ReadHeader() {
    const auto header = rows_.Next();
    if (!header) throw Error("the file is empty", rows_.Place(), "it begins with a header");
    for (std::size_t i = 0; i < header->size(); ++i) {
      columns_.push_back((*header)[i]);
      by_name_.emplace((*header)[i], i);
    }
    for (const Metric& metric : metrics_) {
      Require(metric.name, "the metric");
    }
    for (const Parameter& p : spec_.space) {
      const bool follows = !p.expr.empty() || p.distribution == Distribution::kConstant;
      if (!follows && p.when.empty()) Require(p.Name(), "the parameter");
    }
  }

  void Require(const std::string& name, std::string_view what) const {
    if (by_name_.contains(name)) return;
    const std::vector<std::string_view> names(columns_.begin(), columns_.end());
    const std::string nearest = NearestName(name, names);
    throw Error(fmt::format("there is no column of {} {}", what, name), rows_.Place(),
                nearest.empty() ? "write it as `ddl report --csv` does"
                                : fmt::format("is it the column {}? rename it", nearest));
  }

  [[nodiscard]] const std::string* Field(const std::vector<std::string>& row,
                                         const std::string& column) const {
    const auto found = by_name_.find(column);
    return found == by_name_.end() ? nullptr : &row[found->second];
  }

  // A state that nobody knows is as one of a trial that goes on.
  void ReadRow(const std::vector<std::string>& row, const std::string& key) {
    const std::string* state = Field(row, "state");
    PastTrial trial;
    if (state != nullptr) trial.state = ParseTrialState(*state).value_or(TrialState::kRunning);
    const bool may_have_values =
        trial.state == TrialState::kFinished || trial.state == TrialState::kPruned;
    if (!may_have_values && trial.state != TrialState::kFailed) return;
    if (may_have_values) trial.values = ValuesIn(row);
    trial.parameters = ParametersIn(row);
    trials_.Add(key, trial);
  }

  // Empty where one is missing.
  [[nodiscard]] std::vector<double> ValuesIn(const std::vector<std::string>& row) const {
    std::vector<double> values;
    for (const Metric& metric : metrics_) {
      const std::string& field = *Field(row, metric.name);
      if (field.empty()) return {};
      const std::optional<double> number = FiniteNumber(field);
      const bool is_known = field == "NaN" || field == "Infinity" || field == "-Infinity";
      if (!number && is_known) return {};
      if (!number) {
        throw Error(fmt::format("the metric {} is \"{}\"", metric.name, field), rows_.Place(),
                    "write a number, or nothing");
      }
      values.push_back(*number);
    }
    return values;
  }

  [[nodiscard]] Json ParametersIn(const std::vector<std::string>& row) const {
    Json parameters = Json::object();
    for (const Parameter& p : spec_.space) {
      const std::string* field = p.expr.empty() ? Field(row, p.Name()) : nullptr;
      if (field == nullptr) continue;
      const std::optional<Json> value = ValueOfField(p, *field);
      // What no value of the parameter is written like is none of the space's.
      if (value || !field->empty()) parameters[p.Name()] = value.value_or(*field);
    }
    return parameters;
  }

  CsvRows rows_;
  const SweepSpec& spec_;
  PastTrials trials_;
  std::vector<Metric> metrics_;
  std::vector<std::string> columns_;
  std::map<std::string, std::size_t> by_name_;  // the first of that name
};

}  // namespace

PastResults ReadPastResults(std::string_view csv, const std::string& where, const SweepSpec& spec) {
  return ResultsReader(csv, where, spec).Read();
}

PastResults ReadWarmStartFile(const SweepSpec& spec) {
  const std::string& path = spec.warm_start->file;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw Error("cannot read the results to begin with", path,
                "name a file that `ddl report --csv` wrote");
  }
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  return ReadPastResults(text, path, spec);
}

}  // namespace ddl
