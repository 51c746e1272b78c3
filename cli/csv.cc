// SPDX-License-Identifier: Apache-2.0
#include "cli/csv.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "cli/sweep_json.h"

namespace ddl {

namespace {

std::string NumberField(const std::optional<double>& value) {
  return value ? FormatNumber(*value) : std::string();
}

std::string ParameterField(const Json& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  if (found == parameters.end() || found->is_null()) return {};
  if (found->is_string()) return CsvField(found->get_ref<const std::string&>());
  if (found->is_number_float()) return FormatNumber(found->get<double>());
  return CsvField(DumpJson(*found));
}

std::string TimeField(std::int64_t unix_ms) {
  return unix_ms == 0 ? std::string() : fmt::format("{}", unix_ms);
}

}  // namespace

std::string CsvField(std::string_view text) {
  const bool plain = text.find_first_of(",\"\r\n") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string CsvHeader(const SweepLine& sweep, std::span<const std::string> parameters) {
  const std::string metric = sweep.metric.empty() ? "value" : sweep.metric;
  std::string line =
      fmt::format("trial,configuration,seed_index,state,reason,attempts,{},{},started_ms,ended_ms",
                  CsvField(metric), CsvField("best " + metric));
  for (std::size_t i = 1; i < sweep.objectives.size(); ++i) {
    line += "," + CsvField(sweep.objectives[i].name);
  }
  for (const std::string& name : parameters) {
    line += "," + CsvField(name);
  }
  return line + "\n";
}

std::string CsvRow(const TrialLine& trial, std::span<const std::string> parameters,
                   std::span<const double> further) {
  std::string line = fmt::format(
      "{},{},{},{},{},{},{},{},{},{}", trial.number, trial.configuration, trial.seed_index,
      ToString(trial.state), CsvField(trial.reason), trial.attempts, NumberField(trial.objective),
      NumberField(trial.best_objective), TimeField(trial.started_ms), TimeField(trial.ended_ms));
  for (const double value : further) {
    line += "," + NumberField(std::isnan(value) ? std::nullopt : std::optional(value));
  }
  const Json values = ParametersOf(trial.params_json);
  for (const std::string& name : parameters) {
    line += "," + ParameterField(values, name);
  }
  return line + "\n";
}

}  // namespace ddl
