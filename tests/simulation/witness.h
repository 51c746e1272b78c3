// SPDX-License-Identifier: Apache-2.0
// The world's own truth, kept by nobody whom a fault can strike: what really ran, what it really
// reported, what was durable. Checks the invariants from outside, and never asks the core.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runner/messages.h"
#include "tests/simulation/memory_store.h"
#include "tests/simulation/surroundings.h"

namespace ddl::simulation {

// A trial's process, once it was started.
struct RealRun {
  JobId job;
  std::string sweep;
  std::string host;
  TrialId trial;
  std::string token;
  std::optional<Time> timeout;
  Time grace{0};
  Slots slots;
  Time began{0};
  std::optional<Time> ended;
  int exit_code = 0;
  int signal = 0;             // with ended: that ended it
  bool was_killed = false;    // by a signal of ours
  bool stop_ordered = false;  // an order reached its host
  bool supervisor_died = false;
  bool could_not_start = false;
  std::vector<double> spooled;  // what its supervisor took
  bool spool_was_cut = false;   // by a power failure
  Time stray{0};                // so long it lived though its attempt had ended, hands free
  Time unheeded{0};             // so long it lived though the user's stop was accepted
};

class Witness {
 public:
  Witness(Surroundings& around, MemoryStore& store) : around_(around), store_(store) {}

  // ---- told by the world
  void Began(const LaunchRecord& record, const std::string& host);
  void Ended(JobId job, int exit_code, int signal, bool was_killed);
  // What lies in the checkpoint folder of its trial as a process begins, and as it ends.
  void GoesOnFrom(const LaunchRecord& record, const std::string& checkpoint) const;
  void Left(JobId job, const std::string& checkpoint) { left_[job] = checkpoint; }
  void Spooled(JobId job, double value) { runs_.at(job).spooled.push_back(value); }
  void SpoolCut(JobId job, std::size_t left);
  void SupervisorDied(JobId job);
  void CouldNotStart(const LaunchRecord& record);
  void HostFailed(const std::string& host, const std::vector<JobId>& running);
  void OrderReached(JobId job, std::uint64_t epoch, std::uint64_t newest_epoch);
  void Acked(JobId job, std::int64_t seq, bool saved) const;
  void UserStopped(TrialId trial, bool is_wanted);
  void SweepIsPlanned(const SweepSpec& spec);
  // The coordinator of that epoch has begun: it knows of no host yet.
  void CoordinatorBegan(std::uint64_t epoch);
  void HostAnswers(std::uint64_t epoch, const std::string& host, bool does);
  // ---- after every commit
  void Committed(const Change& change);
  // ---- now and then: `hands_free` are the hosts whose link was up all the while
  void Patrol(Time since_last, const std::set<std::string>& hands_free);
  // ---- at the end of a run
  void CheckAll() const;

  [[nodiscard]] const std::map<JobId, RealRun>& Runs() const { return runs_; }
  [[nodiscard]] bool IsAnyAlive() const;

 private:
  void CheckIntent(const LaunchRecord& record) const;
  void CheckRoom(const RealRun& run) const;
  void CheckParameters(const LaunchRecord& record) const;
  void CheckParent(const LaunchRecord& record) const;
  [[nodiscard]] std::string LastLeft(const StoredTrial& trial, JobId but) const;
  void CheckEvidence(const RealRun* run, const AttemptEnded& ended,
                     const AttemptAdded& added) const;
  void NoteMove(const TrialMoved& moved);
  void CheckLost(const AttemptAdded& added) const;
  void CheckSearches() const;
  void CheckRows(const RealRun& run) const;
  void CheckLimit(const SweepChanged& changed) const;

  Surroundings& around_;
  MemoryStore& store_;
  std::map<JobId, RealRun> runs_;
  std::map<std::string, std::set<JobId>> alive_;  // by host
  std::set<JobId> ordered_;                       // to stop, started or not
  std::map<JobId, LaunchRecord> refused_;         // never started: no such program
  std::map<JobId, std::string> left_;             // checkpoints
  std::map<std::string, SweepSpec> specs_;
  std::map<std::string, std::map<std::int64_t, std::string>> enumerated_;
  std::map<std::string, int> most_parallel_;
  std::map<SweepId, Time> first_launched_;
  std::set<TrialId> stopped_;  // by the user, and not wanted again since
  // Of the coordinators: when they began, and since when a host that answered once does not.
  std::map<std::uint64_t, Time> began_;
  std::map<std::pair<std::uint64_t, std::string>, std::optional<Time>> away_since_;
};

}  // namespace ddl::simulation
