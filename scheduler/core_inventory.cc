// SPDX-License-Identifier: Apache-2.0
// What hosts.yaml and the user say of hosts: bounds, drains, hosts that a sweep gets or loses while
// it runs.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scheduler/core_state.h"

namespace ddl {

namespace {

const HostEntry* EntryIn(const SweepSpec& spec, const std::string& address) {
  const auto found = std::ranges::find(spec.inventory, address, &HostEntry::address);
  return found == spec.inventory.end() ? nullptr : &*found;
}

// The first cores and the listed GPUs: the same ones for every store, so that the bounds hold for
// all of them together.
HostFacts Bounded(const HostFacts& facts, const HostEntry& entry,
                  const std::map<std::string, std::string>& drained_gpus) {
  HostFacts bounded = facts;
  if (entry.cpus && std::ssize(bounded.cores) > *entry.cpus) {
    bounded.cores.resize(static_cast<std::size_t>(*entry.cpus));
  }
  std::erase_if(bounded.gpus, [&](const GpuFacts& gpu) {
    const bool is_left_out = entry.gpus && std::ranges::count(*entry.gpus, gpu.index) == 0;
    return is_left_out || drained_gpus.contains(gpu.uuid);
  });
  if (entry.memory_mib > 0) bounded.memory_mib = std::min(bounded.memory_mib, entry.memory_mib);
  return bounded;
}

// What is drained already when a sweep begins is so for that sweep too. True: it was news.
bool NoteDrains(const HostState& host, const std::string& address, SweepSpec& spec) {
  std::vector<DrainedHost> all;
  if (host.drained) all.push_back({address, *host.drained});
  for (const auto& [gpu, reason] : host.drained_gpus) {
    all.push_back({address, reason, gpu});
  }
  const std::size_t before = spec.drained.size();
  for (const DrainedHost& drained : all) {
    if (std::ranges::count(spec.drained, drained) == 0) spec.drained.push_back(drained);
  }
  return spec.drained.size() > before;
}

bool Names(const SweepRun& sweep, const std::string& host) {
  return !sweep.HasEnded() && std::ranges::count(sweep.spec.hosts, host) > 0;
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
    HostState& host = hosts[drained.host];
    if (drained.gpu.empty()) {
      host.drained = drained.reason;
    } else {
      host.drained_gpus[drained.gpu] = drained.reason;
    }
  }
  for (const std::string& address : sweep.spec.hosts) {
    HostState& host = hosts[address];
    for (const auto& [id, other] : sweeps) {
      const HostEntry* entry = Names(other, address) ? EntryIn(other.spec, address) : nullptr;
      if (Names(other, address)) host.entry = entry == nullptr ? HostEntry{} : *entry;
    }
    if (host.is_known) host.slots.Update(Bounded(host.facts, host.entry, host.drained_gpus));
    is_new = NoteDrains(host, address, sweep.spec) || is_new;
  }
  if (is_new) CommitSweep(sweep, true, turn);
}

void Core::State::SetFacts(HostState& host, const HostFacts& facts) {
  host.facts = facts;
  host.slots.Update(Bounded(facts, host.entry, host.drained_gpus));
}

std::string Core::State::NeverTakes(const HostState& host, const Request& request) {
  HostSlots slots;
  slots.Update(Bounded(host.facts, host.entry, {}));
  return slots.NeverFits(request);
}

const HostEntry* Core::State::EntryFor(const SweepRun& sweep, const std::string& address) {
  return EntryIn(sweep.spec, address);
}

// Of several nobody knows which one it was: all of them.
void Core::State::DrainGpus(const LiveJob& job, const std::string& reason, Turn& turn) {
  HostState& host = hosts.at(job.host);
  for (const std::string& gpu : job.gpus) {
    if (!host.drained_gpus.emplace(gpu, reason).second) continue;
    TellViewers(job.host, fmt::format("uses {} no more: {}", gpu, reason), turn);
  }
  SetFacts(host, HostFacts(host.facts));
  RecallFrom(host, turn);
  for (auto& [id, sweep] : sweeps) {
    if (Names(sweep, job.host) && NoteDrains(host, job.host, sweep.spec)) {
      CommitSweep(sweep, true, turn);
    }
  }
}

// What was sent ahead and waits there behind another rank starts elsewhere.
void Core::State::RecallFrom(HostState& host, Turn& turn) {
  for (const auto& [id, seat] : host.seats) {
    for (std::size_t i = 1; i < seat.jobs.size(); ++i) {
      Stop(jobs.at(seat.jobs[i]), StopCause::kRecall, turn);
    }
  }
}

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
    std::erase_if(sweep.spec.drained,
                  [&](const auto& known) { return known.host == address && known.gpu.empty(); });
    sweep.spec.drained.push_back({address, reason});
    CommitSweep(sweep, true, turn);
  }
  TellViewers(address, fmt::format("is drained{}{}", reason.empty() ? "" : ": ", reason), turn);
  return {true, fmt::format("{} takes no further trials; {} that run there end by themselves",
                            TitleOf(address), LiveOn(address))};
}

Core::State::Reply Core::State::TakeIn(const std::string& address, Turn& turn) {
  HostState& host = hosts.at(address);
  if (!host.IsClosed() && host.drained_gpus.empty()) {
    return {false, fmt::format("{} takes trials already", TitleOf(address))};
  }
  host.drained.reset();
  host.drained_gpus.clear();
  if (host.is_known) SetFacts(host, HostFacts(host.facts));
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
  if (sweep.spec.trainer && sweep.spec.code.empty() && entry.address != kLocalAddress) {
    return {false,
            fmt::format("{} began on this machine alone, so that its trainer and data are not "
                        "packed; write {} below hosts: in the spec and run ddl sweep again",
                        sweep.spec.name, entry.name)};
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
