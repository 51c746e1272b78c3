// SPDX-License-Identifier: Apache-2.0
// Outputs and checkpoints of trials that ran on other hosts, as they come back to the store:
//
//   STORE/results/SWEEP-ID/trial-N/output, checkpoints
//
// Of a trial's last attempt; what came of an earlier one is then called trial-N.JOB.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "configs/spec.h"
#include "runner/file.h"
#include "runner/remote_tree.h"
#include "store/reader.h"

namespace ddl {

struct TrialResults {
  std::string sweep;  // its name
  std::int64_t number = 0;
  TrialId trial;
  AttemptLine attempt;
  std::string folder;    // where they belong
  bool is_here = false;  // all of them
};

// Of an ended trial whose last attempt ran on another host; nothing of others.
[[nodiscard]] std::optional<TrialResults> ResultsOf(const StoreReader& reader,
                                                    const std::string& store_folder,
                                                    const SweepLine& sweep, const TrialLine& trial);

// What the rule asks for and what is not here yet. kBest: of the best `keep` trials, or of all on
// the front.
[[nodiscard]] std::vector<TrialResults> MissingResults(const StoreReader& reader,
                                                       const std::string& store_folder,
                                                       const SweepLine& sweep, ResultsRule rule,
                                                       std::int64_t keep);

// Held by who fetches; nothing: another process does.
[[nodiscard]] std::optional<FileDescriptor> LockResults(const std::string& store_folder);

// One connection a host, for as long as it holds.
class ResultsFetcher {
 public:
  explicit ResultsFetcher(std::string agent_path, std::stop_token stop = {})
      : agent_path_(std::move(agent_path)), stop_(std::move(stop)) {}

  // Goes on where an earlier call was cut off, also one of another process.
  [[nodiscard]] std::variant<TreeCounts, SshProblem> Fetch(
      const TrialResults& results, const std::function<void(const TreeCounts&)>& progress);

 private:
  std::string agent_path_;
  std::stop_token stop_;
  std::map<std::string, HostSession> hosts_;  // by address
};

}  // namespace ddl
