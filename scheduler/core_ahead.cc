// SPDX-License-Identifier: Apache-2.0
// Launches sent ahead for sweeps of short trials: bound to the slots of a rank that runs, so that
// the host starts the next one without asking. And devices held for a sweep that waits too long.
#include <algorithm>

#include "scheduler/core_state.h"

namespace ddl {

namespace {

constexpr std::size_t kSentAhead = 2;  // a seat
constexpr std::chrono::nanoseconds kShortTrial = std::chrono::seconds(1);
constexpr std::chrono::nanoseconds kRecallAfter = std::chrono::seconds(2);
constexpr std::chrono::nanoseconds kReserveAfter = std::chrono::seconds(60);

}  // namespace

void Core::State::LaunchAhead(SweepRun& sweep, Turn& turn) {
  if (Learns(sweep.spec.method)) return;  // the next one waits for what came of this one
  const auto mean_wall = sweep.recent.MeanWall();
  if (!mean_wall || *mean_wall >= kShortTrial) return;
  // All seats get their first before any gets its second.
  for (std::size_t depth = 1; depth <= kSentAhead; ++depth) {
    for (const std::string& name : sweep.spec.hosts) {
      if (!LaunchAheadOn(name, depth, sweep, turn)) return;
    }
  }
}

bool Core::State::LaunchAheadOn(const std::string& name, std::size_t depth, SweepRun& sweep,
                                Turn& turn) {
  HostState& host = hosts[name];
  const bool takes_none = host.IsClosed() || host.health.IsOnTrial() || !HasCode(sweep, host);
  if (!host.is_up || takes_none) return true;
  for (auto& [id, seat] : host.seats) {
    // In the tail a queue behind one seat would leave another idle.
    if (sweep.trials.Count(TrialState::kWaiting) < 2 * sweep.seats) return false;
    if (seat.sweep != sweep.id || !TakesMore(seat, depth, turn)) continue;
    const auto number = NextAhead(sweep, name, turn);
    if (!number) return false;
    LaunchTrial(sweep, *number, name, id, turn);
  }
  return true;
}

std::optional<std::int64_t> Core::State::NextAhead(SweepRun& sweep, const std::string& host,
                                                   Turn& turn) {
  const auto number = sweep.trials.NextWaiting(turn.now.monotonic, [&](std::int64_t waiting) {
    const auto checkpoint = CheckpointFor(sweep, waiting);
    // It may need others than that seat has.
    return sweep.above_gpu_mib.contains(waiting) || (checkpoint && checkpoint->host != host);
  });
  if (!number) return std::nullopt;
  const std::int64_t configuration = sweep.ConfigurationOf(*number);
  Ask(sweep, configuration, turn);
  if (sweep.proposals.Find(configuration) == nullptr) return std::nullopt;
  if (sweep.losers.contains(configuration)) return std::nullopt;
  return number;
}

bool Core::State::TakesMore(const Seat& seat, std::size_t depth, const Turn& turn) const {
  if (seat.jobs.size() != depth) return false;
  const LiveJob& front = jobs.at(seat.jobs.front());
  // The start of a trial of a moment is told with its end: it must not be waited for.
  const auto since = front.is_started ? front.started_at : front.sent_at;
  return front.stop == StopCause::kNone && turn.now.monotonic - since < kShortTrial;
}

void Core::State::RecallQueued(Turn& turn) {
  for (auto& [name, host] : hosts) {
    for (const auto& [id, seat] : host.seats) {
      if (seat.jobs.size() < 2) continue;
      const LiveJob& front = jobs.at(seat.jobs.front());
      const auto since = front.is_started ? front.started_at : front.sent_at;
      if (turn.now.monotonic - since <= kRecallAfter) continue;
      for (auto job = seat.jobs.begin() + 1; job != seat.jobs.end(); ++job) {
        Stop(jobs.at(*job), StopCause::kRecall, turn);
      }
    }
  }
}

// A sweep that later ones keep from its devices for a minute gets a host to itself: nothing of a
// later sweep starts there until it fits. Only where that helps: without the later sweeps' ranks it
// would fit now.
std::optional<std::string> Core::State::HostToReserve(const SweepRun& sweep,
                                                      const std::string* only,
                                                      const Turn& turn) const {
  if (!sweep.blocked_since || turn.now.monotonic - *sweep.blocked_since < kReserveAfter) {
    return std::nullopt;
  }
  for (const std::string& name : sweep.spec.hosts) {
    const auto host = hosts.find(name);
    if (only != nullptr && name != *only) continue;
    if (host == hosts.end() || !host->second.is_up || host->second.IsClosed()) continue;
    if (!HasCode(sweep, host->second)) continue;
    HostSlots without_later = host->second.slots;
    std::int64_t others = 0;
    for (const auto& [id, seat] : host->second.seats) {
      if (seat.sweep > sweep.id) {
        without_later.Free(seat.slots);
      } else {
        ++others;
      }
    }
    const auto& most = host->second.entry.parallel;
    if ((!most || others < *most) && without_later.Fit(sweep.request)) return name;
  }
  return std::nullopt;
}

}  // namespace ddl
