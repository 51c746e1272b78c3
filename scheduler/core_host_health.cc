// SPDX-License-Identifier: Apache-2.0
// Whether hosts take further trials, and what the ends of attempts say about that.
#include <algorithm>

#include <fmt/format.h>

#include "scheduler/core_state.h"
#include "scheduler/verdict.h"

namespace ddl {

namespace {

constexpr std::chrono::milliseconds kAtOnce{2'000};
// What was lost after so long says nothing about the next one.
constexpr std::chrono::nanoseconds kLongLife = std::chrono::minutes(1);

EndKind KindOf(const ExitRecord& record, std::chrono::nanoseconds lived) {
  switch (record.cause) {
    case EndCause::kExited:
      if (record.exit_code == 0 || record.exit_code == kContinueMe) return EndKind::kWell;
      break;
    case EndCause::kSignaled:
    case EndCause::kCouldNotStart:
    case EndCause::kOutOfMemory:
      break;
    case EndCause::kMetricMissing:
    case EndCause::kTimedOut:
      return EndKind::kWell;
    case EndCause::kSupervisorLost:
    case EndCause::kLaunchRefused:
    case EndCause::kLost:
      return lived < kLongLife ? EndKind::kHostsFault : EndKind::kNeutral;
    case EndCause::kStopped:
    case EndCause::kHostRebooted:
    case EndCause::kWorkerLost:
      return EndKind::kNeutral;
  }
  return record.wall_ms < kAtOnce.count() ? EndKind::kQuickly : EndKind::kWell;
}

}  // namespace

std::string Core::State::WhyClosed(const std::string& address, Now now) const {
  const auto found = hosts.find(address);
  if (found == hosts.end()) return {};
  const HostState& host = found->second;
  if (!host.IsClosed()) {
    std::string gpus;
    for (const auto& [gpu, reason] : host.drained_gpus) {
      gpus += fmt::format("{}{} of {} is drained: {}", gpus.empty() ? "" : "; ", gpu,
                          TitleOf(address), reason);
    }
    return gpus;
  }
  if (host.drained) {
    return fmt::format("{} is drained{}{}", TitleOf(address), host.drained->empty() ? "" : ": ",
                       *host.drained);
  }
  if (!host.health.IsAside()) {
    return fmt::format("{} is tried with one trial after it was set aside: {}", TitleOf(address),
                       host.health.Why());
  }
  const auto left = *host.health.AsideUntil() - now.monotonic;
  return fmt::format("{} is set aside for {} s more, as trials keep failing there: {}",
                     TitleOf(address), std::chrono::ceil<std::chrono::seconds>(left).count(),
                     host.health.Why());
}

// Of all hosts of a sweep; "" where each takes trials.
std::string Core::State::WhyClosed(const SweepRun& sweep, Now now) const {
  std::string all;
  for (const std::string& address : sweep.spec.hosts) {
    const std::string why = WhyClosed(address, now);
    if (!why.empty()) all += (all.empty() ? "" : "; ") + why;
  }
  return all;
}

void Core::State::WakeHosts(Turn& turn) {
  for (auto& [address, host] : hosts) {
    if (!host.health.Wake(turn.now.monotonic)) continue;
    host.tried_after = last_seat;
    TellViewers(address, "is tried again, with one trial", turn);
    needs_placement = true;
  }
}

// When another host of the sweep was last seen to be fit for its trials: it has finished one, or
// runs one that has lived for a while.
std::optional<HostHealth::Time> Core::State::LastWellElsewhere(const SweepRun& sweep,
                                                               const std::string& address,
                                                               Now now) const {
  std::optional<HostHealth::Time> last;
  for (const std::string& other : sweep.spec.hosts) {
    const auto host = hosts.find(other);
    if (other != address && host != hosts.end())
      last = std::max(last, host->second.health.LastWell());
  }
  const bool is_alive_elsewhere = std::ranges::any_of(jobs, [&](const auto& entry) {
    const LiveJob& job = entry.second;
    return job.sweep == sweep.id && job.host != address && job.is_started &&
           now.monotonic - job.started_at >= kAtOnce;
  });
  return is_alive_elsewhere ? now.monotonic : last;
}

// How an attempt that began has ended.
void Core::State::NoteHealth(const LiveJob& job, const ExitRecord& record, Turn& turn) {
  if (job.stop != StopCause::kNone) return;
  const SweepRun& sweep = sweeps.at(job.sweep);
  const FailureRule* rule = RuleFor(sweep, job, record);
  if (rule != nullptr && rule->then == FailureAction::kGiveUp) return;  // not by its fault
  HostState& host = hosts.at(job.host);
  const auto elsewhere = LastWellElsewhere(sweep, job.host, turn.now);
  const auto lived =
      job.is_started ? turn.now.monotonic - job.started_at : std::chrono::nanoseconds(0);
  const HealthNews news{KindOf(record, lived), job.sweep, job.number,
                        DescribeEnd({.cause = record.cause,
                                     .exit_code = record.exit_code,
                                     .signal = record.signal,
                                     .detail = record.detail})};
  if (!host.health.Note(news, elsewhere, turn.now.monotonic)) return;
  RecallFrom(host, turn);
  const auto pause = *host.health.AsideUntil() - turn.now.monotonic;
  TellViewers(
      job.host,
      fmt::format("is set aside for {} min, as trials keep failing there: {}",
                  std::chrono::ceil<std::chrono::minutes>(pause).count(), host.health.Why()),
      turn);
}

// Of the largest GPU that the attempt had.
std::int64_t Core::State::GpuMemoryOf(const LiveJob& job, const HostState& host) {
  std::int64_t most = 0;
  for (const GpuFacts& gpu : host.facts.gpus) {
    if (std::ranges::find(job.gpus, gpu.uuid) != job.gpus.end())
      most = std::max(most, gpu.memory_mib);
  }
  return most;
}

// Among the hosts that have answered; in use or free.
bool Core::State::HasLargerGpus(const SweepRun& sweep, std::int64_t than_mib) const {
  Request request = sweep.request;
  request.above_gpu_mib = than_mib;
  return than_mib > 0 && std::ranges::any_of(sweep.spec.hosts, [&](const std::string& name) {
           const auto host = hosts.find(name);
           return host != hosts.end() && host->second.slots.NeverFits(request).empty();
         });
}

// Without a GPU of its own an attempt tells nothing about GPUs. Where there is none larger it was
// the trial's own failure.
const FailureRule* Core::State::RuleFor(const SweepRun& sweep, const LiveJob& job,
                                        const ExitRecord& record) const {
  if (record.failure.empty()) return nullptr;
  for (const auto* rules : {&sweep.spec.failures, &BuiltInFailureRules()}) {
    const auto rule = std::ranges::find(*rules, record.failure, &FailureRule::pattern);
    if (rule == rules->end()) continue;
    const bool is_of_gpus =
        rule->then == FailureAction::kDrainGpu || rule->then == FailureAction::kBiggerGpu;
    if (!is_of_gpus) return &*rule;
    const bool is_void =
        job.gpus.empty() || (rule->then == FailureAction::kBiggerGpu &&
                             !HasLargerGpus(sweep, GpuMemoryOf(job, hosts.at(job.host))));
    return is_void ? nullptr : &*rule;
  }
  return nullptr;
}

void Core::State::ActOnFailure(const LiveJob& job, const ExitRecord& record, Turn& turn) {
  const FailureRule* rule = RuleFor(sweeps.at(job.sweep), job, record);
  const bool asks_for_nothing = rule == nullptr || rule->then == FailureAction::kGiveUp ||
                                rule->then == FailureAction::kTryAgain;
  if (asks_for_nothing) return;
  const std::string reason =
      fmt::format("trial {} failed there: {}", job.number, record.failure_line);
  if (rule->then == FailureAction::kBiggerGpu) {
    std::int64_t& above = sweeps.at(job.sweep).above_gpu_mib[job.number];
    above = std::max(above, GpuMemoryOf(job, hosts.at(job.host)));
    return;
  }
  if (rule->then == FailureAction::kDrainGpu) return DrainGpus(job, reason, turn);
  if (!hosts.at(job.host).drained) (void)Drain(job.host, reason, turn);
}

}  // namespace ddl
