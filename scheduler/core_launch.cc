// SPDX-License-Identifier: Apache-2.0
// Which trial starts where. Sweeps are served in the order of their ids; a later one takes what the
// earlier ones cannot use. An intent is committed in the step that sends the launch, and the loop
// commits before it sends.
#include <cassert>
#include <set>

#include "configs/planted_bugs.h"
#include "scheduler/core_state.h"
#include "scheduler/launch_plan.h"
#include "scheduler/slots_json.h"
#include "scheduler/tokens.h"

namespace ddl {

void Core::State::PlaceAll(Turn& turn) {
  std::optional<std::string> reserved;
  bool earlier_waits = false;
  for (auto& [id, sweep] : sweeps) {
    if (sweep.HasEnded() || sweep.IsEnding()) continue;
    PlaceSweep(sweep, reserved, turn);
    const bool wants_more =
        sweep.blocked == Blocked::kDevices || sweep.blocked == Blocked::kParallel;
    if (wants_more && !earlier_waits) LaunchAhead(sweep, turn);
    earlier_waits |= sweep.blocked == Blocked::kDevices;
  }
}

void Core::State::PlaceSweep(SweepRun& sweep, std::optional<std::string>& reserved, Turn& turn) {
  // For which no larger GPU, or no host that has their checkpoint, is free: others need not wait.
  std::set<std::int64_t> passed;
  bool waits_for_host = false;
  while (const auto number = NextToLaunch(sweep, passed, turn)) {
    const Request request = RequestOfTrial(sweep, *number);
    const auto checkpoint = CheckpointFor(sweep, *number);
    const auto spot = FindSpot(sweep, checkpoint, request, reserved);
    waits_for_host |= !spot && checkpoint;
    const bool is_passed = !spot && (request != sweep.request || checkpoint);
    if (is_passed) passed.insert(*number);
    if (!spot && checkpoint) Bring(sweep, *number, *checkpoint, reserved, turn);
    if (!spot && (!is_passed || checkpoint)) {
      const bool lacks_devices =
          sweep.blocked == Blocked::kDevices || sweep.blocked == Blocked::kReserved;
      if (!sweep.blocked_since && (lacks_devices || checkpoint)) {
        sweep.blocked_since = turn.now.monotonic;
      }
      const std::string* only = checkpoint ? &checkpoint->host : nullptr;
      if (!reserved) reserved = HostToReserve(sweep, only, turn);
    }
    if (is_passed) continue;
    if (!spot) return;
    LaunchTrial(sweep, *number, spot->name, OpenSeat(sweep, *spot->host, spot->slots), turn);
    sweep.blocked_since.reset();
  }
  if (waits_for_host && sweep.blocked == Blocked::kDevices) sweep.blocked = Blocked::kCheckpoint;
}

Request Core::State::RequestOfTrial(const SweepRun& sweep, std::int64_t number) {
  Request request = sweep.request;
  const auto found = sweep.above_gpu_mib.find(number);
  if (found != sweep.above_gpu_mib.end()) request.above_gpu_mib = found->second;
  return request;
}

std::optional<std::int64_t> Core::State::NextToLaunch(SweepRun& sweep,
                                                      const std::set<std::int64_t>& passed,
                                                      Turn& turn) {
  const auto refuse = [&sweep](Blocked why) {
    sweep.blocked = why;
    return std::nullopt;
  };
  if (is_leaving) return refuse(Blocked::kLeaving);
  if (sweep.is_paused || !sweep.may_launch) return refuse(Blocked::kPaused);
  const auto number = passed.empty()
                          ? sweep.trials.NextWaiting(turn.now.monotonic)
                          : sweep.trials.NextWaiting(turn.now.monotonic, [&](std::int64_t waiting) {
                              return passed.contains(waiting);
                            });
  if (!number && !passed.empty()) return refuse(Blocked::kDevices);
  if (!number) return refuse(sweep.trials.NextDelayed() ? Blocked::kDelayed : Blocked::kNot);
  const std::int64_t configuration = sweep.ConfigurationOf(*number);
  Ask(sweep, configuration, turn);
  if (sweep.proposals.Find(configuration) == nullptr) {
    return refuse(MayAsk(sweep, configuration) ? Blocked::kSearch : Blocked::kParents);
  }
  if (PruneLoser(sweep, *number, turn)) return NextToLaunch(sweep, passed, turn);
  if (sweep.spec.parallel && sweep.seats >= *sweep.spec.parallel) return refuse(Blocked::kParallel);
  return number;
}

// The host where its checkpoint is best had, before others that have it. Else best fit among hosts:
// the one that keeps the fewest free cores.
std::optional<Core::State::Spot> Core::State::FindSpot(SweepRun& sweep,
                                                       const std::optional<Checkpoint>& checkpoint,
                                                       const Request& request,
                                                       const std::optional<std::string>& reserved) {
  std::optional<Spot> best;
  sweep.blocked = Blocked::kNoHost;
  for (const std::string& name : sweep.spec.hosts) {
    HostState& host = hosts[name];
    if (checkpoint && !HasCheckpoint(*checkpoint, name, host)) continue;
    if (!host.is_up && PlantedBug(Bug::kWaitForAllHosts)) return std::nullopt;
    if (!host.is_up) continue;
    if (host.IsClosed()) {
      if (sweep.blocked == Blocked::kNoHost) sweep.blocked = Blocked::kClosed;
      continue;
    }
    if (!HasCode(sweep, host)) {
      if (sweep.blocked != Blocked::kDevices) sweep.blocked = Blocked::kCode;
      continue;
    }
    const bool is_first_open = sweep.blocked == Blocked::kNoHost ||
                               sweep.blocked == Blocked::kClosed || sweep.blocked == Blocked::kCode;
    if (is_first_open) sweep.blocked = Blocked::kDevices;
    if (host.IsFull()) continue;
    if (reserved == name) {
      sweep.blocked = Blocked::kReserved;
      continue;
    }
    auto slots = host.slots.Fit(request);
    if (!slots) continue;
    if (checkpoint && checkpoint->rather == name) return Spot{&host, name, std::move(*slots)};
    if (best && best->host->slots.WhollyFreeCores() <= host.slots.WhollyFreeCores()) continue;
    best = Spot{&host, name, std::move(*slots)};
  }
  return best;
}

int Core::State::LanesFor(const SweepRun& sweep, std::int64_t number,
                          const std::string& host) const {
  const auto lost = sweep.workers_lost.find(number);
  const int halvings = lost == sweep.workers_lost.end() ? 0 : lost->second;
  const std::int64_t at_once = hosts.at(host).slots.Capacity(sweep.request);
  return LanesOf(sweep.spec, EntryFor(sweep, host), at_once) >> halvings;
}

void Core::State::LaunchTrial(SweepRun& sweep, std::int64_t number, const std::string& host_name,
                              SeatId seat, Turn& turn) {
  HostState& host = hosts.at(host_name);
  EnsureRow(sweep, number, turn);
  const Slots& slots = host.seats.at(seat).slots;
  TrialRecord& trial = sweep.trials.Touch(number);
  const JobId id{++given.jobs};
  std::int64_t configuration = sweep.ConfigurationOf(number);
  const bool again = PlantedBug(Bug::kNeighbourConfiguration) && trial.attempts > 0;
  if (again && sweep.proposals.Find(configuration + 1) != nullptr) ++configuration;
  std::optional<LaunchSubject::Parent> parent;
  const std::string brought = WhereBrought(sweep, number, host_name);
  if (const auto of = ParentOf(sweep, number)) {
    const auto home = sweep.ran_on.find(*of);
    const bool is_there =
        home == sweep.ran_on.end() || home->second == host_name || !brought.empty();
    parent = {.trial = sweep.trials.Of(*of).id, .number = *of, .is_lost = !is_there};
  }
  Unbind(sweep, number, turn);
  LaunchRecord record = PlanLaunch({.spec = sweep.spec,
                                    .secrets = sweep.secrets,
                                    .configuration = *sweep.proposals.Find(configuration),
                                    .host = host.facts,
                                    .slots = slots,
                                    .trainer_path = options.trainer_path,
                                    .job = id,
                                    .trial = trial.id,
                                    .number = number,
                                    .seed_index = sweep.SeedOf(number),
                                    .attempt = ++trial.attempts,
                                    .entry = EntryFor(sweep, host_name),
                                    .code_folder = CodeFolder(sweep, host),
                                    .lanes = LanesFor(sweep, number, host_name),
                                    .parent = parent,
                                    .brought = brought});
  record.token = TokenOf(options.token_seed_high, options.token_seed_low, id);
  const auto busy = sweep.Busy(turn.now.monotonic);
  turn.Commit(AttemptAdded{trial.id, trial.attempts, id, record.token, host_name,
                           SlotsToJson(slots), ArgvToJson(record), JobFolder(host.facts, id),
                           turn.now.unix_ms,
                           std::chrono::duration_cast<std::chrono::milliseconds>(busy).count()});
  sweep.trials.Move(number, TrialState::kLaunching);
  LiveJob& job = AddJob(sweep,
                        {.id = id,
                         .sweep = sweep.id,
                         .number = number,
                         .attempt = record.attempt,
                         .token = record.token,
                         .host = host_name,
                         .sent_at = turn.now.monotonic,
                         .busy_before = busy},
                        turn.now);
  Sit(job, seat);
  turn.Send(host, Launch{std::move(record)});
}

}  // namespace ddl
