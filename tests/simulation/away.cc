// SPDX-License-Identifier: Apache-2.0
// Liveness with a part healed: at the end of the chaos one host cannot be reached, and all that
// does not need it must end before it comes back. No fault of a host delays what runs on another.
// Or, in every other such world: what runs there must be given up, if another host can take it.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tests/simulation/world.h"

namespace ddl::simulation {

namespace {

using std::chrono::seconds;

bool CanHold(const HostPlan& host, const Resources& wanted) {
  return std::ceil(wanted.cpus) <= host.cores && std::ceil(wanted.gpus) <= host.gpus &&
         wanted.memory_mib <= host.memory_mib;
}

bool IsOpenOn(const StoredTrial& trial, const std::string& host) {
  return !trial.attempts.empty() && !trial.attempts.back().ended &&
         trial.attempts.back().added.host == host;
}

}  // namespace

// Its processes go on; nobody gets through to it.
void World::SendAway(int host) {
  away_ = host;
  around_.tally.Count(Fault::kHostStaysAway);
  around_.trace.Note(around_.agenda.Now(), "world", "host {} stays away", host);
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (connection.host != host || connection.loop == nullptr) continue;
    connection.to_host_works = false;
    connection.from_host_works = false;
    EndAgentLater(static_cast<int>(i), seconds(40));
    TellDownLater(static_cast<int>(i), Latency(), "no answer");
  }
  rest_at_ = around_.agenda.Now();
  waits_for_loss_ = around_.scenario.away_for_long && AttemptsAway() > 0;
  LookAtRest();
}

void World::LookAtRest() {
  const std::int64_t done = EndsSoFar();
  if (done != rest_ends_) {
    rest_ends_ = done;
    rest_at_ = around_.agenda.Now();
  }
  if (IsRestOver()) {
    if (AttemptsAway() > 0 && !waits_for_loss_) around_.tally.Count(Probe::kRestEndedWithoutHost);
    around_.trace.Note(around_.agenda.Now(), "world", "host {} is back", *away_);
    away_.reset();
    return;
  }
  if (around_.agenda.Now() - rest_at_ > Patience() + MostLostAfter()) {
    Surroundings::Violate("no fault of a host delays another",
                          fmt::format("nothing ends while host {} is away", *away_));
  }
  around_.agenda.After(seconds(5), [this] { LookAtRest(); });
}

// Where trials go on from checkpoints, or wait for others to end, a host that is away is waited
// for.
Time World::MostLostAfter() const {
  Time most{0};
  for (const SweepSpec& spec : specs_) {
    const bool may_wait = waits_for_loss_ || spec.pbt || spec.early_terminate;
    if (may_wait) most = std::max<Time>(most, spec.lost_after);
  }
  return most;
}

std::int64_t World::EndsSoFar() const {
  std::int64_t ends = 0;
  for (const auto& [id, trial] : store_.Trials())
    ends += std::ssize(trial.attempts) + (IsEnded(trial.state) ? 1 : 0);
  return ends;
}

std::int64_t World::AttemptsAway() const {
  std::int64_t away = 0;
  for (const auto& [id, trial] : store_.Trials())
    away += IsOpenOn(trial, machines_[static_cast<std::size_t>(*away_)]->Name()) ? 1 : 0;
  return away;
}

bool World::IsRestOver() const {
  const Loop& loop = *loops_.back();
  if (!loop.IsAlive() || loop.IsStopped() || asked_for_.size() != specs_.size()) return false;
  for (const SweepSpec& spec : specs_) {
    if (waits_for_loss_ ? !IsGivenUp(spec) : !IsRestOver(spec)) return false;
  }
  return true;
}

bool World::HasOtherHost(const SweepSpec& spec) const {
  const std::string& name = machines_[static_cast<std::size_t>(*away_)]->Name();
  return std::ranges::any_of(around_.scenario.hosts, [&](const HostPlan& host) {
    const bool is_one = std::ranges::find(spec.hosts, host.name) != spec.hosts.end();
    return is_one && host.name != name && CanHold(host, spec.resources);
  });
}

bool World::IsGivenUp(const SweepSpec& spec) const {
  if (!HasOtherHost(spec)) return true;
  const std::string& name = machines_[static_cast<std::size_t>(*away_)]->Name();
  return std::ranges::none_of(store_.Trials(), [&](const auto& entry) {
    const StoredTrial& trial = entry.second;
    return store_.Sweep(trial.added.sweep).added.name == spec.name && IsOpenOn(trial, name);
  });
}

// True when each trial has ended, or holds on to the host that is away, or has no other host.
bool World::IsRestOver(const SweepSpec& spec) const {
  const StoredSweep* sweep = nullptr;
  for (const auto& [id, stored] : store_.Sweeps()) {
    if (stored.added.name == spec.name) sweep = &stored;
  }
  if (sweep == nullptr) return false;
  if (sweep->last.state != SweepState::kRunning) return true;
  const std::string& name = machines_[static_cast<std::size_t>(*away_)]->Name();
  std::int64_t ended = 0;
  std::int64_t away = 0;
  for (const auto& [id, trial] : store_.Trials()) {
    if (trial.added.sweep != sweep->added.id) continue;
    ended += IsEnded(trial.state) ? 1 : 0;
    if (trial.attempts.empty() || trial.attempts.back().ended) continue;
    if (!IsOpenOn(trial, name)) return false;
    ++away;
  }
  const bool is_at_bound = spec.parallel && away >= *spec.parallel;
  const bool is_ending = sweep->last.outcome != SweepOutcome::kNone;
  if (HasOtherHost(spec) && !is_at_bound && !is_ending) {
    if (!sweep->last.trials_planned || ended + away < *sweep->last.trials_planned) return false;
  }
  return true;
}

}  // namespace ddl::simulation
