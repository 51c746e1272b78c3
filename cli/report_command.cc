// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/best_spec.h"
#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/csv.h"
#include "cli/junit.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/trial_output.h"
#include "configs/error.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr std::int64_t kLogTail = 4096;

void WriteJunit(const StoreReader& reader, const SweepLine& sweep, const std::string& path) {
  std::vector<JunitCase> cases;
  for (TrialLine& trial : reader.Trials(sweep.id, {})) {
    JunitCase one{.trial = std::move(trial)};
    if (one.trial.state == TrialState::kFailed) {
      const std::vector<AttemptLine> attempts = reader.Attempts(one.trial.id);
      if (!attempts.empty()) {
        const std::optional<EndCause> cause = attempts.back().cause;
        one.infrastructure = cause && IsInfrastructure(*cause);
        // A report asks no other host.
        one.log_tail = attempts.back().host == "local"
                           ? ReadTrialOutput(attempts.back(), kLogTail)
                           : fmt::format("[ddl] on {}: ddl logs {}/{}\n", attempts.back().host,
                                         sweep.name, one.trial.number);
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
  for (const TrialLine& trial : reader.Trials(sweep.id, {})) {
    text += CsvRow(trial, names);
  }
  WriteFileWhole(path, text);
}

void WriteBest(const SweepSpec& spec, const Report& report, const std::string& path) {
  const std::optional<BestConfiguration> best = BestOf(report);
  if (!best) {
    throw Error("no trial has reported the metric yet", report.sweep.name,
                "ask again when one has ended");
  }
  const std::string text = BestSpecText(spec, *best);
  if (path == "-") {
    PrintText(text);
  } else {
    WriteFileWhole(path, text);
  }
}

}  // namespace

int RunReportCommand(const ReportOptions& options) {
  const StoreReader reader = StoreReader::Open(FindStoreFolder(options.common.store));
  const SweepLine sweep = ChooseSweep(reader, options.sweep);
  const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec in the store"));
  const Report report = ReadReport(reader, sweep, options.top);
  if (!options.junit_file.empty()) WriteJunit(reader, sweep, options.junit_file);
  if (!options.csv_file.empty()) WriteCsv(reader, sweep, spec.space, options.csv_file);
  if (!options.best_file.empty()) WriteBest(spec, report, options.best_file);
  if (options.common.json) {
    PrintJson(ReportJson(report));
    return 0;
  }
  if (options.best_file != "-") PrintLines(ReportLines(report, DetectTerminal()));
  return 0;
}

}  // namespace ddl
