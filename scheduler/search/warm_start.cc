// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/warm_start.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "configs/conditions.h"
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
      : rows_(csv, where), spec_(spec), conditions_(spec.space, spec.constraints) {
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
    return Finish();
  }

 private:
  // The rows of one configuration.
  struct Group {
    Configuration configuration;
    bool is_of_the_space = true;
    std::vector<std::vector<double>> finished;
    std::vector<std::vector<double>> pruned;
    bool has_failed = false;
  };

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

  void ReadRow(const std::vector<std::string>& row, const std::string& key) {
    const std::string* state = Field(row, "state");
    const bool has_failed = state != nullptr && *state == "failed";
    const bool was_pruned = state != nullptr && *state == "pruned";
    const bool has_ended = state == nullptr || *state == "finished" || has_failed || was_pruned;
    if (!has_ended) return;
    const std::vector<double> values = has_failed ? std::vector<double>{} : ValuesIn(row);
    if (!has_failed && values.empty()) return;
    const auto [at, is_new] = groups_.emplace(key, Group{});
    Group& group = at->second;
    if (is_new) {
      order_.push_back(&group);
      ReadConfiguration(row, group);
    }
    if (has_failed) {
      group.has_failed = true;
    } else {
      (was_pruned ? group.pruned : group.finished).push_back(values);
    }
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
      values.push_back(metric.goal == Goal::kMaximize ? -*number : *number);
    }
    return values;
  }

  void ReadConfiguration(const std::vector<std::string>& row, Group& group) {
    Configuration given = Json::object();
    for (const Parameter& p : spec_.space) {
      if (!p.expr.empty()) continue;
      const std::string* field = Field(row, p.Name());
      if (p.distribution == Distribution::kConstant && field == nullptr) {
        given[p.Name()] = p.values.front();
        continue;
      }
      if (field == nullptr) continue;
      const std::optional<Json> value = ValueOfField(p, *field);
      const bool may_be_absent = field->empty() && !p.when.empty();
      if (value) given[p.Name()] = *value;
      group.is_of_the_space = group.is_of_the_space && (value || may_be_absent);
    }
    group.configuration = conditions_.Complete(given);
    group.is_of_the_space = group.is_of_the_space && IsWhole(given, group.configuration) &&
                            conditions_.Allows(group.configuration);
  }

  // All that is active has a value: what is drawn in its place is there, and is not missing.
  [[nodiscard]] bool IsWhole(const Configuration& given, const Configuration& complete) const {
    Configuration filled = given;
    for (const Parameter& p : spec_.space) {
      if (!filled.contains(p.Name())) filled[p.Name()] = Json();
    }
    return conditions_.Complete(std::move(filled)).size() == complete.size();
  }

  static std::vector<double> MeanOf(const std::vector<std::vector<double>>& rows) {
    std::vector<double> mean(rows.front().size());
    for (const std::vector<double>& row : rows) {
      for (std::size_t i = 0; i < mean.size(); ++i) {
        mean[i] += row[i] / static_cast<double>(rows.size());
      }
    }
    return mean;
  }

  PastResults Finish() {
    PastResults past;
    for (const Group* group : order_) {
      if (!group->is_of_the_space) {
        ++past.left_out;
        continue;
      }
      Outcome outcome;
      if (!group->finished.empty()) {
        outcome.values = MeanOf(group->finished);
      } else if (!group->pruned.empty()) {
        outcome = {.kind = Outcome::Kind::kPruned, .values = MeanOf(group->pruned)};
      } else {
        outcome.kind = Outcome::Kind::kFailed;
      }
      past.results.push_back({group->configuration, std::move(outcome)});
    }
    return past;
  }

  CsvRows rows_;
  const SweepSpec& spec_;
  Conditions conditions_;
  std::vector<Metric> metrics_;
  std::vector<std::string> columns_;
  std::map<std::string, std::size_t> by_name_;  // the first of that name
  std::map<std::string, Group> groups_;
  std::vector<const Group*> order_;
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
  PastResults past = ReadPastResults(text, path, spec);
  past.results = BestResults(std::move(past.results), spec.warm_start->limit);
  return past;
}

std::vector<PastResult> BestResults(std::vector<PastResult> results,
                                    std::optional<std::int64_t> limit) {
  if (!limit || std::ssize(results) <= *limit) return results;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].outcome.values.empty()) places.push_back(i);
  }
  std::ranges::stable_sort(places, {},
                           [&results](std::size_t i) { return results[i].outcome.values.front(); });
  if (std::ssize(places) > *limit) places.resize(static_cast<std::size_t>(*limit));
  std::ranges::sort(places);
  std::vector<PastResult> best;
  for (const std::size_t place : places) {
    best.push_back(std::move(results[place]));
  }
  return best;
}

}  // namespace ddl
