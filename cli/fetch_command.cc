// SPDX-License-Identifier: Apache-2.0
// ddl fetch: results of trials that ran on other hosts, now.
#include <chrono>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/executables.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/results.h"
#include "cli/trial_name.h"
#include "configs/error.h"
#include "store/location.h"

namespace ddl {

namespace {

using FetchClock = std::chrono::steady_clock;
constexpr int kExitUnreachable = 3;
constexpr std::chrono::milliseconds kShowEvery{200};

TrialResults OneTrial(const StoreReader& reader, const std::string& store_folder,
                      const std::string& target) {
  const ChosenTrial chosen = ChooseTrial(reader, target);
  if (auto results = ResultsOf(reader, store_folder, chosen.sweep, chosen.trial)) {
    return *std::move(results);
  }
  const std::string name = fmt::format("trial {}", chosen.trial.number);
  if (!chosen.trial.id || !IsEnded(chosen.trial.state)) {
    throw Error(name + " has not ended yet", "", "its results come when it has");
  }
  const auto attempts = reader.Attempts(chosen.trial.id);
  throw Error(name + " ran on no other host", attempts.empty() ? "" : attempts.back().job_folder,
              "ddl show says where its files are");
}

// What is to be fetched; of one trial also what is here.
std::vector<TrialResults> Wanted(const FetchOptions& options, const StoreReader& reader,
                                 const std::string& store_folder) {
  const TargetName target = ParseTargetName(options.target);
  if (target.number) return {OneTrial(reader, store_folder, options.target)};
  const SweepLine sweep = ChooseSweep(reader, target.sweep);
  const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "stored spec"));
  const bool is_all = options.all || spec.results == ResultsRule::kAll;
  return MissingResults(reader, store_folder, sweep,
                        is_all ? ResultsRule::kAll : ResultsRule::kBest, spec.keep.value_or(1));
}

class FetchLine {
 public:
  explicit FetchLine(bool is_shown) : is_shown_(is_shown && ::isatty(STDERR_FILENO) == 1) {}

  void Show(const TrialResults& results, const TreeCounts& counts) {
    if (!is_shown_ || FetchClock::now() - shown_ < kShowEvery) return;
    shown_ = FetchClock::now();
    fmt::print(stderr, "\r\033[Ktrial {} from {}: {}", results.number, results.attempt.host,
               FormatBytes(counts.came));
    std::fflush(stderr);
    is_there_ = true;
  }
  void Clear() {
    if (is_there_) fmt::print(stderr, "\r\033[K");
    is_there_ = false;
  }

 private:
  bool is_shown_;
  bool is_there_ = false;
  FetchClock::time_point shown_ = FetchClock::now();
};

Json FetchedJson(const TrialResults& results, const TreeCounts& counts) {
  return {{"sweep", results.sweep},
          {"trial", results.number},
          {"attempt", results.attempt.attempt},
          {"host", results.attempt.host},
          {"folder", results.folder},
          {"files", counts.files},
          {"bytes", counts.bytes},
          {"bytes_moved", counts.came}};
}

}  // namespace

int RunFetchCommand(const FetchOptions& options) {
  const std::string store_folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(store_folder);
  const std::vector<TrialResults> wanted = Wanted(options, reader, store_folder);
  const auto lock = LockResults(store_folder);
  if (!lock) {
    throw Error("another ddl is bringing results back", store_folder + "/results",
                "wait for it, then try again", ErrorKind::kInfrastructure);
  }
  const bool is_text = !options.common.json;
  ResultsFetcher fetcher(SiblingExecutable("ddl-agent"));
  FetchLine line(is_text);
  Json fetched = Json::array();
  Json failed = Json::array();
  for (const TrialResults& results : wanted) {
    if (results.is_here) {
      if (is_text) PrintText(fmt::format("trial {} is here: {}\n", results.number, results.folder));
      fetched.push_back(FetchedJson(results, {}));
      continue;
    }
    const auto answer =
        fetcher.Fetch(results, [&](const TreeCounts& counts) { line.Show(results, counts); });
    line.Clear();
    if (const auto* problem = std::get_if<SshProblem>(&answer)) {
      failed.push_back({{"trial", results.number},
                        {"host", results.attempt.host},
                        {"problem", problem->reason},
                        {"hint", problem->hint}});
      if (is_text) {
        fmt::print(stderr, "trial {} from {}: {}{}{}\n", results.number, results.attempt.host,
                   problem->reason, problem->hint.empty() ? "" : "\n  ", problem->hint);
      }
      continue;
    }
    const auto& counts = std::get<TreeCounts>(answer);
    fetched.push_back(FetchedJson(results, counts));
    if (is_text) {
      PrintText(fmt::format("trial {} from {}: {} files, {}: {}\n", results.number,
                            results.attempt.host, FormatCount(counts.files),
                            FormatBytes(counts.bytes), results.folder));
    }
  }
  if (is_text && wanted.empty())
    PrintText("nothing to fetch: it is here, or ran on this machine\n");
  if (!is_text) PrintJson({{"fetched", fetched}, {"failed", failed}});
  return failed.empty() ? 0 : kExitUnreachable;
}

}  // namespace ddl
