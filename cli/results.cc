// SPDX-License-Identifier: Apache-2.0
#include "cli/results.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "cli/front.h"
#include "configs/ssh_address.h"
#include "runner/job_folder.h"

namespace ddl {

namespace {

std::string ResultsFolder(const std::string& store_folder) {
  return store_folder + "/results";
}

// Names of sweeps are whatever users write.
std::string FolderName(std::string name) {
  std::ranges::replace_if(
      name,
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_' && c != '.'; },
      '_');
  return name.starts_with('.') ? "_" + name : name;
}

std::string TokenOf(const AttemptLine& attempt) {
  return fmt::format("job-{}", attempt.job.value);
}

NamedFolders FoldersThere(const TrialResults& results) {
  const std::string job = BelowHostFolder(results.attempt.job_folder);
  const std::string store = job.substr(0, job.find('/'));
  return {{"output", job + "/output"},
          {"checkpoints",
           fmt::format("{}/checkpoints/{}", store, HostPaths::CheckpointName(results.trial))}};
}

// That ended well.
std::vector<TrialLine> BestTrials(const StoreReader& reader, const SweepLine& sweep,
                                  std::int64_t count) {
  std::vector<TrialLine> trials;
  for (const std::int64_t number : TrialsOf(ReadFront(reader, sweep))) {
    if (auto trial = reader.Trial(sweep.id, number)) trials.push_back(*std::move(trial));
  }
  if (!sweep.best || count == 0) return trials;
  for (const TrialState state : {TrialState::kFinished, TrialState::kPruned}) {
    const TrialQuery query{.order = TrialOrder::kBestFirst, .state = state, .limit = count};
    std::ranges::move(reader.Trials(sweep.id, query), std::back_inserter(trials));
  }
  std::erase_if(trials, [](const TrialLine& trial) { return !trial.objective; });
  std::ranges::stable_sort(trials, [&sweep](const TrialLine& a, const TrialLine& b) {
    return sweep.maximize ? *a.objective > *b.objective : *a.objective < *b.objective;
  });
  if (std::ssize(trials) > count) trials.resize(static_cast<std::size_t>(count));
  return trials;
}

SshProblem CannotMake(const std::string& folder, const std::string& why) {
  return {fmt::format("cannot make {}: {}", folder, why), "make room, or mend its permissions"};
}

}  // namespace

std::optional<TrialResults> ResultsOf(const StoreReader& reader, const std::string& store_folder,
                                      const SweepLine& sweep, const TrialLine& trial) {
  if (!trial.id || !IsEnded(trial.state)) return std::nullopt;
  std::vector<AttemptLine> attempts = reader.Attempts(trial.id);
  if (attempts.empty()) return std::nullopt;
  AttemptLine& last = attempts.back();
  // One that never started left nothing.
  if (!IsSshHost(last.host) || last.job_folder.empty() || last.started_ms == 0) return std::nullopt;
  TrialResults results{.sweep = sweep.name,
                       .number = trial.number,
                       .trial = trial.id,
                       .attempt = std::move(last),
                       .folder = fmt::format("{}/{}-{}/trial-{}", ResultsFolder(store_folder),
                                             FolderName(sweep.name), sweep.id.value, trial.number)};
  results.is_here = FetchedTree(results.folder) == TokenOf(results.attempt);
  return results;
}

std::vector<TrialResults> MissingResults(const StoreReader& reader, const std::string& store_folder,
                                         const SweepLine& sweep, ResultsRule rule,
                                         std::int64_t keep) {
  std::vector<TrialLine> trials;
  if (rule == ResultsRule::kAll) trials = reader.Trials(sweep.id, {});
  if (rule == ResultsRule::kBest) trials = BestTrials(reader, sweep, keep);
  std::vector<TrialResults> missing;
  for (const TrialLine& trial : trials) {
    auto results = ResultsOf(reader, store_folder, sweep, trial);
    if (results && !results->is_here) missing.push_back(*std::move(results));
  }
  return missing;
}

std::optional<FileDescriptor> LockResults(const std::string& store_folder) {
  if (!EnsureFolder(ResultsFolder(store_folder))) return std::nullopt;
  FileDescriptor lock = OpenFile(ResultsFolder(store_folder) + "/lock", O_RDWR | O_CREAT);
  if (!lock || ::flock(lock.Get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return lock;
}

std::variant<TreeCounts, SshProblem> ResultsFetcher::Fetch(
    const TrialResults& results, const std::function<void(const TreeCounts&)>& progress) {
  const std::string folder = FolderOf(results.folder);
  std::error_code refused;
  std::filesystem::create_directories(folder, refused);
  if (refused) return CannotMake(folder, refused.message());
  const std::string& address = results.attempt.host;
  auto host = hosts_.find(address);
  if (host == hosts_.end()) {
    auto opened = HostSession::Open({.address = address, .agent_path = agent_path_, .stop = stop_});
    if (auto* problem = std::get_if<SshProblem>(&opened)) return std::move(*problem);
    host = hosts_.emplace(address, std::get<HostSession>(std::move(opened))).first;
  }
  auto fetched = FetchTree(
      host->second,
      {.folders = FoldersThere(results), .into = results.folder, .token = TokenOf(results.attempt)},
      progress);
  // Its connection may be the reason.
  if (std::holds_alternative<SshProblem>(fetched)) hosts_.erase(host);
  return fetched;
}

}  // namespace ddl
