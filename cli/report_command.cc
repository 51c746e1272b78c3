// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/attempt_text.h"
#include "cli/best_spec.h"
#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/csv.h"
#include "cli/junit.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sweep_json.h"
#include "cli/trial_output.h"
#include "configs/error.h"
#include "scheduler/outside.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr std::int64_t kLogTail = 4096;

// A report asks no other host.
std::string LogTail(const SweepLine& sweep, const TrialLine& trial, const AttemptLine& attempt) {
  if (attempt.host == "local") return ReadTrialOutput(attempt, kLogTail);
  if (attempt.host == kOutsideHost) return "[ddl] it ran elsewhere\n";
  return fmt::format("[ddl] on {}: ddl logs {}/{}\n", attempt.host, ShellWord(sweep.Address()),
                     trial.number);
}

void WriteJunit(const StoreReader& reader, const SweepLine& sweep, const std::string& path) {
  std::vector<JunitCase> cases;
  for (TrialLine& trial : reader.Trials(sweep.id, {})) {
    JunitCase one{.trial = std::move(trial)};
    if (one.trial.state == TrialState::kFailed) {
      const std::vector<AttemptLine> attempts = reader.Attempts(one.trial.id);
      if (!attempts.empty()) {
        const std::optional<EndCause> cause = attempts.back().cause;
        one.infrastructure = cause && IsInfrastructure(*cause);
        one.log_tail = LogTail(sweep, one.trial, attempts.back());
      }
    }
    cases.push_back(std::move(one));
  }
  WriteFileWhole(path, JunitText(sweep, cases));
}

void WriteCsv(const StoreReader& reader, const SweepLine& sweep, const Space& space,
              const std::string& path) {
  std::vector<std::string> names;
  for (const Parameter& parameter : space) {
    names.push_back(parameter.Name());
  }
  std::string text = CsvHeader(sweep, names);
  std::map<std::int64_t, std::vector<double>> further;
  if (!sweep.objectives.empty()) {
    for (ObjectiveLine& line : reader.Objectives(sweep)) {
      line.values.erase(line.values.begin());
      further[line.number] = std::move(line.values);
    }
  }
  const std::vector<double> none(sweep.objectives.empty() ? 0 : sweep.objectives.size() - 1,
                                 std::numeric_limits<double>::quiet_NaN());
  for (const TrialLine& trial : reader.Trials(sweep.id, {})) {
    const auto values = further.find(trial.number);
    text += CsvRow(trial, names, values == further.end() ? none : values->second);
  }
  WriteFileWhole(path, text);
}

// The trial that the user names, or the best.
std::optional<BestConfiguration> ChosenTrial(const StoreReader& reader, const Report& report,
                                             std::int64_t number) {
  if (number == 0) return BestOf(report);
  const std::optional<TrialLine> trial = reader.Trial(report.sweep.id, number);
  if (!trial) {
    throw Error(fmt::format("there is no trial {} yet", number), report.sweep.name,
                "name one that has begun");
  }
  return BestConfiguration{number, trial->objective, ParametersOf(trial->params_json), false};
}

void WriteBest(const StoreReader& reader, const SweepSpec& spec, const Report& report,
               const ReportOptions& options) {
  const std::string& path = options.best_file;
  const std::optional<BestConfiguration> best = ChosenTrial(reader, report, options.trial);
  if (!best && report.front && !report.shown.empty()) {
    throw Error(fmt::format("{} has several objectives: none on its front of {} is the best",
                            report.sweep.name, report.front->members.size()),
                "", fmt::format("choose: --trial {}", report.shown.front().first_trial));
  }
  if (!best) {
    throw Error("no trial has finished with a value of the metric yet", report.sweep.name,
                "ask again when one has ended");
  }
  const std::string text = BestSpecText(spec, *best);
  if (path == "-") {
    PrintText(text);
  } else {
    WriteFileWhole(path, text);
  }
}

// What goes to standard output in place of the report.
std::vector<std::string_view> OutputsOf(const ReportOptions& options) {
  std::vector<std::string_view> outputs;
  if (options.csv_file == "-") outputs.emplace_back("--csv -");
  if (options.junit_file == "-") outputs.emplace_back("--junit -");
  if (options.best_file == "-") outputs.emplace_back("--best -");
  if (options.common.json) outputs.emplace_back("--json");
  return outputs;
}

void NameForCommands(Report& report, const StoreReader& reader, const ReportOptions& options) {
  const std::string& store = options.common.store;
  if (!store.empty()) report.store_words = " --store " + ShellWord(OneLine(store));
  const bool is_newest = options.sweep.empty() || ChooseSweep(reader, "").id == report.sweep.id;
  if (!is_newest) report.name_word = ShellWord(OneLine(report.sweep.Address()));
}

}  // namespace

int RunReportCommand(const ReportOptions& options) {
  const std::vector<std::string_view> outputs = OutputsOf(options);
  if (outputs.size() > 1) {
    throw Error(fmt::format("{} would be mixed on standard output", fmt::join(outputs, " and ")),
                "", "name files for all but one of them");
  }
  const StoreReader reader = StoreReader::Open(FindStoreFolder(options.common.store));
  const SweepLine sweep = ChooseSweep(reader, options.sweep);
  const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec in the store"));
  Report report = ReadReport(reader, sweep, options.top, options.reference);
  NameForCommands(report, reader, options);
  if (!options.junit_file.empty()) WriteJunit(reader, sweep, options.junit_file);
  if (!options.csv_file.empty()) WriteCsv(reader, sweep, spec.space, options.csv_file);
  if (!options.best_file.empty()) WriteBest(reader, spec, report, options);
  if (options.common.json) {
    PrintJson(ReportJson(report));
    return 0;
  }
  if (outputs.empty()) PrintLines(ReportLines(report, DetectTerminal()));
  return 0;
}

}  // namespace ddl
