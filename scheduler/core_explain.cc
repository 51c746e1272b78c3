// SPDX-License-Identifier: Apache-2.0
// What the core knows of why trials wait, as facts for explain.h.
#include <fmt/format.h>

#include "configs/json.h"
#include "scheduler/core_state.h"
#include "scheduler/slots_json.h"

namespace ddl {

namespace {

WaitCause CauseOf(Blocked blocked) {
  switch (blocked) {
    case Blocked::kNot:
      return WaitCause::kStartsNow;
    case Blocked::kNoHost:
      return WaitCause::kHost;
    case Blocked::kClosed:
      return WaitCause::kHostClosed;
    case Blocked::kSearch:
      return WaitCause::kSearch;
    case Blocked::kParents:
      return WaitCause::kParents;
    case Blocked::kParallel:
      return WaitCause::kParallel;
    case Blocked::kDevices:
      return WaitCause::kCores;
    case Blocked::kCode:
      return WaitCause::kCode;
    case Blocked::kCheckpoint:
      return WaitCause::kCheckpoint;
    case Blocked::kReserved:
      return WaitCause::kReserved;
    case Blocked::kDelayed:
      return WaitCause::kDelay;
    case Blocked::kPaused:
      return WaitCause::kSweepPaused;
    case Blocked::kLeaving:
      return WaitCause::kLeaving;
  }
  return WaitCause::kUnknown;
}

std::string InUse(int all, std::string_view unit, const std::string& host) {
  if (all == 1) return fmt::format("the only {} of {} is in use", unit, host);
  return fmt::format("too few of the {} {}s of {} are free", all, unit, host);
}

}  // namespace

void Core::State::AddWait(const SweepRun& sweep, Now now, TrialFacts& facts) const {
  if (sweep.HasEnded() || sweep.IsEnding()) {
    facts.wait = WaitCause::kSweepEnded;
    return;
  }
  facts.wait = CauseOf(sweep.blocked);
  facts.request = DescribeRequest(sweep.request);
  facts.parallel = sweep.spec.parallel.value_or(0);
  if (const auto due = sweep.trials.NextDelayed()) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(*due - now.monotonic);
    facts.delay_s = static_cast<double>(left.count());
  }
  if (facts.wait == WaitCause::kCores) AddShortage(sweep, now, facts);
  if (facts.wait == WaitCause::kHost) AddHost(sweep, facts);
  if (facts.wait == WaitCause::kCode) AddCode(sweep, facts);
  if (facts.wait == WaitCause::kCheckpoint) AddCheckpoint(sweep, facts);
  if (facts.wait == WaitCause::kHostClosed) facts.holder = WhyClosed(sweep, now);
  if (facts.wait == WaitCause::kReserved) {
    for (const auto& [id, other] : sweeps) {
      if (id < sweep.id && other.blocked_since) facts.holder = other.spec.name;
    }
  }
}

// Which of its devices a sweep lacks, on the first of its hosts that answers.
void Core::State::AddShortage(const SweepRun& sweep, Now now, TrialFacts& facts) const {
  const std::string closed = WhyClosed(sweep, now);
  for (const std::string& name : sweep.spec.hosts) {
    const auto found = hosts.find(name);
    if (found == hosts.end() || !found->second.is_up || found->second.IsClosed()) continue;
    const std::string& title = TitleOf(name);
    const HostSlots& slots = found->second.slots;
    const Scarce scarce = slots.Lacking(sweep.request);
    facts.holder = slots.ForeignHolder(scarce);
    if (!facts.holder.empty()) {
      facts.wait = WaitCause::kForeign;
    } else if (scarce == Scarce::kGpus) {
      facts.wait = WaitCause::kGpus;
      facts.have = InUse(slots.Gpus(), "GPU", title);
    } else if (scarce == Scarce::kMemory) {
      facts.wait = WaitCause::kMemory;
      facts.have = fmt::format("{} of {} MiB of {} are free", slots.FreeMemoryMib(),
                               slots.MemoryMib(), title);
    } else {
      facts.have = found->second.IsFull()
                       ? fmt::format("{} takes {} at once", title, *found->second.entry.parallel)
                       : InUse(slots.Cores(), "core", title);
    }
    if (!closed.empty()) facts.have += "; " + closed;
    return;
  }
}

void Core::State::AddHost(const SweepRun& sweep, TrialFacts& facts) const {
  for (const std::string& name : sweep.spec.hosts) {
    const auto found = hosts.find(name);
    const bool is_known = found != hosts.end() && found->second.is_known;
    if (!is_known) facts.wait = WaitCause::kHostUnseen;
    const std::string text = is_known ? fmt::format("host {}, which does not answer: {}",
                                                    TitleOf(name), found->second.down_because)
                                      : fmt::format("host {}", TitleOf(name));
    facts.holder += (facts.holder.empty() ? "" : " and for ") + text;
  }
}

TrialFacts Core::State::FactsOf(const SweepRun& sweep, std::int64_t number, Now now) const {
  const TrialRecord trial = sweep.trials.Of(number);
  TrialFacts facts;
  facts.sweep = sweep.spec.name;
  facts.number = number;
  facts.state = trial.state;
  facts.attempts = trial.attempts;
  facts.metric = sweep.spec.metric ? sweep.spec.metric->name : "";
  if (trial.metric_seen) facts.objective = trial.objective;
  facts.sweep_outcome = sweep.outcome;
  facts.sweep_reason = sweep.reason;
  if (const auto told = sweep.told.find(number); told != sweep.told.end()) {
    facts.reason = told->second.reason;
    if (const std::optional<EndCause> cause = told->second.cause) {
      facts.end = EndFacts{*cause, told->second.exit_code, told->second.signal, ""};
    }
  }
  if (const auto job = jobs.find(trial.job); job != jobs.end()) {
    facts.host = job->second.host;
    if (job->second.seat != 0) {
      facts.devices = DescribeSlots(hosts.at(facts.host).seats.at(job->second.seat).slots);
    }
  }
  if (trial.state == TrialState::kWaiting) {
    facts.ahead = sweep.trials.Ahead(number);
    AddWait(sweep, now, facts);
    const bool has_begun = facts.wait == WaitCause::kCores || facts.wait == WaitCause::kGpus ||
                           facts.wait == WaitCause::kStartsNow ||
                           facts.wait == WaitCause::kCheckpoint;
    // One that has its parent waits for room, whatever the next one lacks.
    const bool is_next_held = facts.wait == WaitCause::kParents || facts.wait == WaitCause::kSearch;
    const auto checkpoint = CheckpointFor(sweep, number);
    if (checkpoint && (has_begun || is_next_held)) {
      facts.ahead = 0;
      facts.wait = WaitCause::kCheckpoint;
      facts.holder = TitleOf(checkpoint->host);
      facts.have = HowFarBrought(sweep, number, *checkpoint);
    }
    if (sweep.above_gpu_mib.contains(number) && has_begun) {
      facts.ahead = 0;
      facts.wait = WaitCause::kGpus;
      facts.request = DescribeRequest(RequestOfTrial(sweep, number));
      facts.have = "those of its hosts are in use, or it is about to start";
    }
  }
  return facts;
}

// Nothing for a trial that ended under an earlier coordinator: the store knows how.
std::optional<std::string> Core::State::ExplainTrial(const SweepRun& sweep, std::int64_t number,
                                                     Now now) const {
  const TrialState state = sweep.trials.Of(number).state;
  const bool needs_reason = IsEnded(state) && state != TrialState::kFinished;
  if (needs_reason && !sweep.told.contains(number)) return std::nullopt;
  return Explain(FactsOf(sweep, number, now));
}

// Why nothing starts, where that is not just that all devices are busy with this sweep.
std::string Core::State::WaitsFor(const SweepRun& sweep, Now now) const {
  const bool has_all_it_asked_for = !sweep.spec.parallel || sweep.seats >= *sweep.spec.parallel;
  if (sweep.HasEnded() || sweep.IsEnding() || sweep.blocked == Blocked::kNot) return {};
  const bool is_as_it_should_be = sweep.blocked == Blocked::kParallel ||
                                  sweep.blocked == Blocked::kSearch ||
                                  sweep.blocked == Blocked::kParents;
  if (is_as_it_should_be) return {};
  TrialFacts facts;
  facts.sweep = sweep.spec.name;
  AddWait(sweep, now, facts);
  const bool is_own_load = facts.wait == WaitCause::kCores || facts.wait == WaitCause::kGpus ||
                           facts.wait == WaitCause::kMemory;
  if (is_own_load && has_all_it_asked_for) return WhyClosed(sweep, now);
  if (is_own_load) {
    return fmt::format("parallel is {}, but only {} fit: {}", *sweep.spec.parallel, sweep.seats,
                       facts.have);
  }
  return DescribeWait(facts);
}

}  // namespace ddl
