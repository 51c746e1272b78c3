// SPDX-License-Identifier: Apache-2.0
// What hosts.yaml and the user say of hosts: bounds, drains, hosts that a sweep gets or loses while
// it runs; and hosts that are set aside because trials keep failing there.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scheduler/core_state.h"
#include "scheduler/verdict.h"

namespace ddl {

namespace {

constexpr std::chrono::milliseconds kAtOnce{2'000};
// What was lost after so long says nothing about the next one.
constexpr std::chrono::nanoseconds kLongLife = std::chrono::minutes(1);

const HostEntry* EntryIn(const SweepSpec& spec, const std::string& address) {
  const auto found = std::ranges::find(spec.inventory, address, &HostEntry::address);
  return found == spec.inventory.end() ? nullptr : &*found;
}

// The first cores and the listed GPUs: the same ones for every store, so that the bounds hold for
// all of them together.
HostFacts Bounded(const HostFacts& facts, const HostEntry& entry) {
  HostFacts bounded = facts;
  if (entry.cpus && std::ssize(bounded.cores) > *entry.cpus) {
    bounded.cores.resize(static_cast<std::size_t>(*entry.cpus));
  }
  if (entry.gpus) {
    std::erase_if(bounded.gpus, [&entry](const GpuFacts& gpu) {
      return std::ranges::count(*entry.gpus, gpu.index) == 0;
    });
  }
  if (entry.memory_mib > 0) bounded.memory_mib = std::min(bounded.memory_mib, entry.memory_mib);
  return bounded;
}

bool Names(const SweepRun& sweep, const std::string& host) {
  return !sweep.HasEnded() && std::ranges::count(sweep.spec.hosts, host) > 0;
}

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
      return EndKind::kNeutral;
  }
  return record.wall_ms < kAtOnce.count() ? EndKind::kQuickly : EndKind::kWell;
}

}  // namespace

const std::string& Core::State::TitleOf(const std::string& address) const {
  const auto host = hosts.find(address);
  const bool has_name = host != hosts.end() && !host->second.entry.name.empty();
  return has_name ? host->second.entry.name : address;
}

// The newest sweep that uses a host decides how much of it.
void Core::State::ApplyInventory(SweepRun& sweep, Turn& turn) {
  bool is_new = false;
  for (const DrainedHost& drained : sweep.spec.drained) {
    hosts[drained.host].drained = drained.reason;
  }
  for (const std::string& address : sweep.spec.hosts) {
    HostState& host = hosts[address];
    for (const auto& [id, other] : sweeps) {
      const HostEntry* entry = Names(other, address) ? EntryIn(other.spec, address) : nullptr;
      if (Names(other, address)) host.entry = entry == nullptr ? HostEntry{} : *entry;
    }
    if (host.is_known) host.slots.Update(Bounded(host.facts, host.entry));
    const bool is_noted = std::ranges::count(sweep.spec.drained, address, &DrainedHost::host) > 0;
    if (!host.drained || is_noted) continue;
    sweep.spec.drained.push_back({address, *host.drained});
    is_new = true;
  }
  if (is_new) CommitSweep(sweep, true, turn);
}

void Core::State::SetFacts(HostState& host, const HostFacts& facts) {
  host.facts = facts;
  host.slots.Update(Bounded(facts, host.entry));
}

const HostEntry* Core::State::EntryFor(const SweepRun& sweep, const std::string& address) {
  return EntryIn(sweep.spec, address);
}

// ---- whether a host takes further trials -------------------------------------------------------

std::string Core::State::WhyClosed(const std::string& address, Now now) const {
  const auto found = hosts.find(address);
  if (found == hosts.end() || !found->second.IsClosed()) return {};
  const HostState& host = found->second;
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

// What was sent ahead and waits there behind another rank starts elsewhere.
void Core::State::RecallFrom(HostState& host, Turn& turn) {
  for (const auto& [id, seat] : host.seats) {
    for (std::size_t i = 1; i < seat.jobs.size(); ++i) {
      Stop(jobs.at(seat.jobs[i]), StopCause::kRecall, turn);
    }
  }
}

// ---- what the user asks ------------------------------------------------------------------------

std::optional<std::string> Core::State::AddressOf(const std::string& word) const {
  const auto is_open = [this](const std::string& address) {
    return std::ranges::any_of(
        sweeps, [&address](const auto& entry) { return Names(entry.second, address); });
  };
  for (const auto& [address, host] : hosts) {
    if ((address == word || host.entry.name == word) && is_open(address)) return address;
  }
  return std::nullopt;
}

Core::State::Reply Core::State::ObeyForHost(const UserAsked& asked, Turn& turn) {
  if (asked.verb == UserVerb::kListHosts) return ListHosts(turn.now);
  if (asked.verb == UserVerb::kAddHost) return AddHostTo(asked, turn);
  const auto address = AddressOf(asked.host);
  if (!address) {
    std::set<std::string> known;
    for (const auto& [id, sweep] : sweeps) {
      if (sweep.HasEnded()) continue;
      for (const std::string& name : sweep.spec.hosts) {
        known.insert(TitleOf(name));
      }
    }
    return {false, fmt::format("no open sweep uses {}; they use: {}", asked.host,
                               known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")))};
  }
  if (asked.verb == UserVerb::kDrainHost) return Drain(*address, asked.reason, turn);
  if (asked.verb == UserVerb::kResumeHost) return TakeIn(*address, turn);
  return RemoveHostFrom(*address, asked, turn);
}

std::int64_t Core::State::LiveOn(const std::string& address) const {
  return std::ranges::count_if(jobs,
                               [&](const auto& entry) { return entry.second.host == address; });
}

Core::State::Reply Core::State::Drain(const std::string& address, const std::string& reason,
                                      Turn& turn) {
  HostState& host = hosts.at(address);
  host.drained = reason;
  RecallFrom(host, turn);
  for (auto& [id, sweep] : sweeps) {
    if (!Names(sweep, address)) continue;
    std::erase_if(sweep.spec.drained, [&](const auto& known) { return known.host == address; });
    sweep.spec.drained.push_back({address, reason});
    CommitSweep(sweep, true, turn);
  }
  TellViewers(address, fmt::format("is drained{}{}", reason.empty() ? "" : ": ", reason), turn);
  return {true, fmt::format("{} takes no further trials; {} that run there end by themselves",
                            TitleOf(address), LiveOn(address))};
}

Core::State::Reply Core::State::TakeIn(const std::string& address, Turn& turn) {
  HostState& host = hosts.at(address);
  if (!host.IsClosed()) return {false, fmt::format("{} takes trials already", TitleOf(address))};
  host.drained.reset();
  host.health.Forgive();
  for (auto& [id, sweep] : sweeps) {
    const auto gone =
        std::erase_if(sweep.spec.drained, [&](const auto& known) { return known.host == address; });
    if (gone > 0 && !sweep.HasEnded()) CommitSweep(sweep, true, turn);
  }
  TellViewers(address, "takes trials again", turn);
  return {true, fmt::format("{} takes trials again", TitleOf(address))};
}

Core::State::Reply Core::State::AddHostTo(const UserAsked& asked, Turn& turn) {
  const auto found = sweeps.find(asked.sweep);
  if (found == sweeps.end() || found->second.HasEnded()) {
    return {false, "that sweep is not open; run: ddl sweep"};
  }
  if (!asked.entry) return {false, "say which host: ddl hosts add NAME"};
  SweepRun& sweep = found->second;
  const HostEntry& entry = *asked.entry;
  if (sweep.spec.trainer && entry.address != kLocalAddress) {
    return {false, "the built-in trainer on other hosts is not built yet"};
  }
  if (Names(sweep, entry.address)) {
    return {false, fmt::format("{} uses {} already", sweep.spec.name, entry.name)};
  }
  ChangeHosts(sweep, [&](SweepSpec& spec) {
    spec.hosts.push_back(entry.address);
    if (entry.name != entry.address) spec.inventory.push_back(entry);
  });
  ApplyInventory(sweep, turn);
  CommitSweep(sweep, true, turn);
  TellViewers(entry.address, "is used from now on", turn);
  return {true, fmt::format("{} uses {} from now on", sweep.spec.name, TitleOf(entry.address))};
}

Core::State::Reply Core::State::RemoveHostFrom(const std::string& address, const UserAsked& asked,
                                               Turn& turn) {
  const auto found = sweeps.find(asked.sweep);
  if (found == sweeps.end() || !Names(found->second, address)) {
    return {false, fmt::format("that sweep does not use {}", TitleOf(address))};
  }
  SweepRun& sweep = found->second;
  if (sweep.spec.hosts.size() == 1) {
    return {false, fmt::format("{} is the only host of {}; add another before, or stop the sweep",
                               TitleOf(address), sweep.spec.name)};
  }
  TellViewers(address, "is not used any more; what runs there ends by itself", turn);
  const std::string title = TitleOf(address);
  ChangeHosts(sweep, [&](SweepSpec& spec) {
    std::erase(spec.hosts, address);
    std::erase_if(spec.inventory, [&](const HostEntry& e) { return e.address == address; });
    std::erase_if(spec.drained, [&](const DrainedHost& d) { return d.host == address; });
  });
  CommitSweep(sweep, true, turn);
  std::int64_t live = 0;
  for (auto& [id, job] : jobs) {
    live += job.sweep == sweep.id && job.host == address ? 1 : 0;
  }
  RecallFrom(hosts.at(address), turn);
  // A drain was for the host's sake: with its last sweep it is over.
  const bool is_used =
      std::ranges::any_of(sweeps, [&](const auto& entry) { return Names(entry.second, address); });
  if (!is_used) hosts.at(address).drained.reset();
  return {true, fmt::format("{} does not use {} any more; {} that run there end by themselves",
                            sweep.spec.name, title, live)};
}

// The file, which nobody has to change for that, may say what it said before.
void Core::State::ChangeHosts(SweepRun& sweep, const std::function<void(SweepSpec&)>& change) {
  if (!sweep.spec.hosts_before_change) sweep.spec.hosts_before_change = sweep.spec.hosts;
  change(sweep.spec);
}

Core::State::Reply Core::State::ListHosts(Now now) const {
  Json list = Json::array();
  for (const auto& [address, host] : hosts) {
    const bool is_used = std::ranges::any_of(
        sweeps, [&](const auto& entry) { return Names(entry.second, address); });
    if (!is_used && LiveOn(address) == 0) continue;
    list.push_back({{"address", address},
                    {"up", host.is_up},
                    {"trials", LiveOn(address)},
                    {"drained", host.drained.has_value()},
                    {"set_aside", host.health.IsAside()},
                    {"why", WhyClosed(address, now)}});
  }
  return {true, DumpJson(list)};
}

}  // namespace ddl
