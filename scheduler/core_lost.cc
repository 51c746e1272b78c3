// SPDX-License-Identifier: Apache-2.0
// Attempts on a host that stays away. Whether they live nobody can tell, so each is waited for as
// long as its sweep's lost_after says, and longer where nothing is won by giving it up:
//
//   its trial is to stop anyhow      given up, and stopped
//   another host could take it       given up, and begun anew there, once
//   no other host is there           waited for
//
// An attempt that was given up is void: should its process live when the host is back, it is killed
// (JudgeStrangers), and what it has reported meanwhile counts for nothing.
#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "scheduler/core_state.h"

namespace ddl {

namespace {

// Between two ticks a coordinator may have been stopped: in that time nobody tried.
constexpr std::chrono::nanoseconds kMostBetweenTicks = std::chrono::seconds(30);

std::string DescribeAbsence(std::chrono::nanoseconds away) {
  constexpr std::chrono::seconds kShown = std::chrono::minutes(2);
  if (away < kShown) {
    return fmt::format("{} s", std::chrono::floor<std::chrono::seconds>(away).count());
  }
  return fmt::format("{} min", std::chrono::floor<std::chrono::minutes>(away).count());
}

}  // namespace

void Core::State::CountAway(Turn& turn) {
  const std::chrono::nanoseconds since =
      turn.now.monotonic - ticked_at.value_or(turn.now.monotonic);
  ticked_at = turn.now.monotonic;
  for (auto& [name, host] : hosts) {
    if (!host.is_up) host.away += std::min(since, kMostBetweenTicks);
  }
}

void Core::State::GiveUpLost(Turn& turn) {
  std::vector<JobId> lost;
  for (const auto& [id, job] : jobs) {
    if (IsGivenUp(job)) lost.push_back(id);
  }
  for (const JobId id : lost) {
    Lose(jobs.at(id), turn);
  }
}

bool Core::State::IsGivenUp(const LiveJob& job) const {
  const HostState& host = hosts.at(job.host);
  const SweepRun& sweep = sweeps.at(job.sweep);
  if (host.is_up) return false;
  if (host.away < sweep.spec.lost_after && !PlantedBug(Bug::kLostTooSoon)) return false;
  const bool is_to_stop = job.stop != StopCause::kNone && job.stop != StopCause::kRecall;
  return is_to_stop || CanGoElsewhere(sweep, job.host);
}

bool Core::State::CanGoElsewhere(const SweepRun& sweep, const std::string& away) const {
  if (!sweep.may_launch) return false;
  return std::ranges::any_of(sweep.spec.hosts, [&](const std::string& name) {
    const auto other = hosts.find(name);
    return name != away && other != hosts.end() && other->second.is_up &&
           !other->second.IsClosed() && other->second.slots.NeverFits(sweep.request).empty();
  });
}

void Core::State::Lose(LiveJob& job, Turn& turn) {
  const HostState& host = hosts.at(job.host);
  assert(!host.is_up);
  ExitRecord record;
  record.id = {job.id, 0};
  record.token = job.token;
  record.cause = EndCause::kLost;
  record.detail = fmt::format("{} did not answer for {}", job.host, DescribeAbsence(host.away));
  record.ended_unix_ms = turn.now.unix_ms;
  record.last_seq = job.committed_seq;
  turn.actions.emplace_back(
      Say{job.sweep, fmt::format("trial {} is given up there: {}", job.number, record.detail)});
  Finish(job, record, turn);
}

}  // namespace ddl
