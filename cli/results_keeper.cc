// SPDX-License-Identifier: Apache-2.0
#include "cli/results_keeper.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "cli/executables.h"
#include "cli/format.h"
#include "configs/error.h"

namespace ddl {

namespace {

using std::chrono::seconds;
using KeeperClock = std::chrono::steady_clock;
constexpr seconds kLookEvery{2};
constexpr seconds kTryAgainAfter{10};  // a host that has refused
constexpr seconds kTellEvery{10};      // how far a long one is
constexpr int kShare = 20;             // of the time, for looking into a large store

std::string CountOf(std::size_t count) {
  return count == 1 ? "the results of 1 trial" : fmt::format("the results of {} trials", count);
}

}  // namespace

ResultsKeeper::ResultsKeeper(std::string store_folder)
    : store_folder_(std::move(store_folder)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void ResultsKeeper::Keep(SweepId sweep) {
  words_.Put({.sweep = sweep});
}

void ResultsKeeper::Finish(seconds patience) {
  words_.Put({.patience = patience});
}

std::vector<ResultsKeeper::Note> ResultsKeeper::Next(std::chrono::milliseconds patience) {
  return notes_.TakeAll(patience);
}

void ResultsKeeper::Run(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { words_.Put({}); });
  ResultsFetcher fetcher(SiblingExecutable("ddl-agent"), stop);
  std::chrono::nanoseconds until_next = kLookEvery;
  while (!stop.stop_requested()) {
    for (const Word& word : words_.TakeAll(until_next)) {
      if (word.sweep) sweeps_.insert(word.sweep);
      if (word.patience) FinishNow(fetcher, *word.patience, stop);
    }
    const auto began = KeeperClock::now();
    (void)Pass(fetcher, stop);
    until_next =
        std::max<std::chrono::nanoseconds>(kLookEvery, kShare * (KeeperClock::now() - began));
  }
}

std::vector<TrialResults> ResultsKeeper::Look() const {
  std::vector<TrialResults> all;
  if (sweeps_.empty()) return all;
  try {
    const StoreReader reader = StoreReader::Open(store_folder_);
    for (const SweepLine& sweep : reader.Sweeps()) {
      if (!sweeps_.contains(sweep.id)) continue;
      const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "stored spec"));
      std::ranges::move(
          MissingResults(reader, store_folder_, sweep, spec.results, spec.keep.value_or(1)),
          std::back_inserter(all));
    }
  } catch (const Error&) {
    all.clear();  // the coordinator says what is wrong with its store
  }
  return all;
}

std::size_t ResultsKeeper::Pass(ResultsFetcher& fetcher, const std::stop_token& stop) {
  const std::vector<TrialResults> missing = Look();
  if (missing.empty()) return 0;
  const auto lock = LockResults(store_folder_);  // held by `ddl fetch`: it brings them
  std::size_t left = missing.size();
  for (const TrialResults& results : missing) {
    const std::string& host = results.attempt.host;
    const auto trouble = troubles_.find(host);
    const bool waits = trouble != troubles_.end() && KeeperClock::now() < trouble->second.again;
    if (!lock || waits || stop.stop_requested()) continue;
    if (FetchOne(fetcher, results)) --left;
  }
  return left;
}

bool ResultsKeeper::FetchOne(ResultsFetcher& fetcher, const TrialResults& results) {
  const std::string& host = results.attempt.host;
  auto told = KeeperClock::now();
  const auto fetched = fetcher.Fetch(results, [&](const TreeCounts& counts) {
    if (KeeperClock::now() - told < kTellEvery) return;
    told = KeeperClock::now();
    notes_.Put({fmt::format("results of trial {}: {} have come from {}", results.number,
                            FormatBytes(counts.came), host)});
  });
  if (const auto* problem = std::get_if<SshProblem>(&fetched)) {
    troubles_[host] = {.reason = problem->reason, .again = KeeperClock::now() + kTryAgainAfter};
    return false;
  }
  troubles_.erase(host);
  ++fetched_;
  bytes_ += std::get<TreeCounts>(fetched).bytes;
  return true;
}

void ResultsKeeper::FinishNow(ResultsFetcher& fetcher, seconds patience,
                              const std::stop_token& stop) {
  const auto until = KeeperClock::now() + patience;
  troubles_.clear();
  std::size_t left = Pass(fetcher, stop);
  if (left > 0) {
    notes_.Put({fmt::format("waiting for {} on other hosts", CountOf(left))});
  }
  while (left > 0 && KeeperClock::now() < until && !stop.stop_requested()) {
    (void)words_.TakeAll(seconds(1));  // no sweep begins amid this that a later Keep does not name
    left = Pass(fetcher, stop);
  }
  if (fetched_ > 0) {
    notes_.Put(
        {fmt::format("brought back {}, {}: {}/results", CountOf(static_cast<std::size_t>(fetched_)),
                     FormatBytes(bytes_), store_folder_)});
  }
  if (left > 0) {
    std::string reason;
    for (const auto& [host, trouble] : troubles_) {
      reason += fmt::format("{}{}: {}", reason.empty() ? "" : "; ", host, trouble.reason);
    }
    notes_.Put({fmt::format("{} are still on other hosts ({}); ddl fetch brings them",
                            CountOf(left), reason.empty() ? "another ddl fetches" : reason)});
  }
  fetched_ = bytes_ = 0;
  notes_.Put({.text = {}, .is_end = true});
}

}  // namespace ddl
