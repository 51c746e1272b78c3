// SPDX-License-Identifier: Apache-2.0
// What the core keeps of attempts that have not ended, and of the seats they sit on.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "configs/ids.h"
#include "runner/messages.h"
#include "scheduler/host_health.h"
#include "scheduler/placement.h"

namespace ddl {

// Why an attempt was told to stop; a later one in this list overrides an earlier one.
enum class StopCause : std::uint8_t {
  kNone,
  kRecall,   // it waited too long behind another rank: it never began
  kResumed,  // paused and resumed before it had ended: it goes on waiting
  kUserPause,
  kPartDone,   // it made the reports that it was to make, and goes on
  kSweepEnds,  // target, limit, fail-fast or the user's stop of the whole sweep
  kPruned,
  kUserStop,
};

using SeatId = std::int64_t;

struct LiveJob {
  JobId id;
  SweepId sweep;
  std::int64_t number = 0;  // of the trial, within the sweep
  int attempt = 1;
  std::string token;
  std::string host;
  std::vector<std::string> gpus{};  // uuids of those that it was given
  SeatId seat = 0;                  // 0: its process has ended, metrics are still on their way
  bool is_started = false;
  bool is_unmet = false;  // of an earlier coordinator; its host has not been seen since
  std::chrono::nanoseconds sent_at{0};      // monotonic, as all times here
  std::chrono::nanoseconds busy_before{0};  // SweepRun::Busy of its sweep at its launch
  std::chrono::nanoseconds started_at{0};  // also known for those that an earlier coordinator began
  // When its host went, or its coordinator began; until it is found alive there.
  std::optional<std::chrono::nanoseconds> unseen_since = std::nullopt;
  std::int64_t committed_seq = 0;
  std::int64_t seq_at_start = 0;  // what an earlier coordinator had committed
  std::optional<std::int64_t> step = std::nullopt;
  std::optional<double> samples_per_s = std::nullopt;
  std::optional<double> percent_of_limit = std::nullopt;
  StopCause stop = StopCause::kNone;
  std::string pruned_because{};  // with kPruned
  // The process has ended; the attempt ends when its metrics up to last_seq are there.
  std::optional<ExitRecord> exit = std::nullopt;
  std::chrono::nanoseconds exit_at{0};
};

// Slots of a host with the ranks bound to them: the first runs, the others were sent ahead.
struct Seat {
  SweepId sweep;
  Slots slots;
  std::vector<JobId> jobs;
};

// A host that a sweep names.
struct HostState {
  int link = -1;  // the coordinator's index of it; -1 before it was up for the first time
  bool is_up = false;
  bool is_known = false;     // it was up once: facts and slots are told
  std::string down_because;  // of a host that is not up
  // So long it is not up already, as far as this coordinator has tried to reach it; counted at each
  // tick.
  std::chrono::nanoseconds away{0};
  HostFacts facts;
  HostSlots slots;  // of what hosts.yaml allows to use
  HostEntry entry;  // of hosts.yaml, as the newest of its sweeps has it
  std::map<std::string, std::string> drained_gpus;  // the reason, by uuid
  std::optional<std::string> drained;               // by the user; the reason
  HostHealth health;
  std::map<SeatId, Seat> seats;
  SeatId tried_after = 0;  // of a host on trial: what was seated later is the trial
  // Snapshots of workdirs: where those are that it has, and why others are not there yet.
  std::map<std::string, std::string> code_folders;
  std::map<std::string, std::string> code_awaited;
  // Ranks found there that belong to sweeps which are not opened yet.
  std::map<RankId, FoundRank> strangers;
  // Ended ranks whose spool lies there until it is in a backup, with their last seq.
  std::map<RankId, std::int64_t> unsaved;

  // No further trial starts there.
  [[nodiscard]] bool IsClosed() const {
    const bool is_tried = !seats.empty() && seats.rbegin()->first > tried_after;
    return drained || health.IsAside() || (health.IsOnTrial() && is_tried);
  }
  [[nodiscard]] bool IsFull() const {
    return entry.parallel && std::ssize(seats) >= *entry.parallel;
  }
};

}  // namespace ddl
