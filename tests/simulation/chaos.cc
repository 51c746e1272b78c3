// SPDX-License-Identifier: Apache-2.0
// Faults that come by time: as often as the length of the run allows.
#include <utility>

#include "tests/simulation/world.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

void World::PlanChaos() {
  Again(Fault::kLinkCut, &World::CutLink);
  Again(Fault::kHalfOpen, &World::HalfOpen);
  Again(Fault::kHostReboot, &World::Reboot);
  Again(Fault::kHostPowerLoss, &World::LosePower);
  Again(Fault::kStorePowerLoss, &World::StorePowerLoss);
  Again(Fault::kHostDiskFull, &World::FillDisk);
  Again(Fault::kClockStep, &World::StepClock);
  Again(Fault::kSecondCoordinator, &World::SecondCoordinator);
  Again(Fault::kForeignHolder, &World::HoldCore);
  Again(Fault::kDeviceChange, &World::ChangeDevice);
  Again(Fault::kUserActs, &World::Act);
  Again(Fault::kSpecChange, &World::ChangeSpec);
}

void World::Again(Fault fault, void (World::*strike)()) {
  if (!around_.scenario.Has(fault) || !around_.is_chaos) return;
  const Time chaos = around_.scenario.chaos;
  const int often = fault == Fault::kUserActs ? 8 : 1;
  around_.agenda.After(around_.dice.Spread(chaos / 64 / often, chaos / 2 / often),
                       [this, fault, strike] {
                         if (!around_.is_chaos) return;
                         around_.tally.Count(fault);
                         (this->*strike)();
                         Again(fault, strike);
                       });
}

std::optional<int> World::AnyOpenConnection() {
  std::vector<int> open;
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].loop != nullptr && connections_[i].agent_listens) {
      open.push_back(static_cast<int>(i));
    }
  }
  if (open.empty()) return std::nullopt;
  return around_.dice.Pick(open);
}

Machine& World::AnyMachine() {
  return *machines_[static_cast<std::size_t>(around_.dice.Below(std::ssize(machines_)))];
}

// A suffix of both directions is lost, and both ends learn it, sooner or later.
void World::CutLink() {
  const auto id = AnyOpenConnection();
  if (!id) return;
  Connection& connection = connections_[static_cast<std::size_t>(*id)];
  connection.to_host_works = false;
  connection.from_host_works = false;
  around_.trace.Note(around_.agenda.Now(), "link", "{} is cut", *id);
  const Time agent_learns = around_.dice.Spread(milliseconds(1), minutes(10));
  EndAgentLater(*id, agent_learns);
  TellDownLater(*id, Latency(), "connection reset");
}

// One direction is dead and nobody is told.
void World::HalfOpen() {
  const auto id = AnyOpenConnection();
  if (!id) return;
  Connection& connection = connections_[static_cast<std::size_t>(*id)];
  bool& direction = around_.dice.Half() ? connection.to_host_works : connection.from_host_works;
  direction = false;
  around_.trace.Note(around_.agenda.Now(), "link", "{} is half open", *id);
  EndAgentLater(*id, around_.dice.Spread(seconds(40), minutes(10)));
  around_.agenda.After(seconds(10), [this, id = *id] {
    const Connection& link = connections_[static_cast<std::size_t>(id)];
    if (link.loop != nullptr) link.loop->LinkSilent(link.host);
  });
}

void World::Reboot() {
  RestartHost(AnyMachine(), false);
}

void World::LosePower() {
  RestartHost(AnyMachine(), true);
}

void World::RestartHost(Machine& machine, bool power_was_lost) {
  if (!machine.IsOn()) return;
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (machines_[static_cast<std::size_t>(connection.host)].get() != &machine) continue;
    if (!connection.agent_listens) continue;
    connection.agent_listens = false;
    connection.to_host_works = false;
    connection.from_host_works = false;
    // A host that is off says nothing: the coordinator finds out.
    TellDownLater(static_cast<int>(i), around_.dice.Spread(milliseconds(1), seconds(30)),
                  "no answer");
  }
  machine.PowerOff();
  around_.agenda.After(around_.dice.Spread(seconds(1), minutes(5)),
                       [&machine, power_was_lost] { machine.Boot(power_was_lost); });
}

void World::StorePowerLoss() {
  if (!loops_.back()->IsAlive()) return;
  store_.LosePower();
  loops_.back()->Die("power failure");
}

void World::FillDisk() {
  Machine& machine = AnyMachine();
  machine.SetDiskFull(true);
  around_.agenda.After(around_.dice.Spread(milliseconds(10), minutes(5)),
                       [&machine] { machine.SetDiskFull(false); });
}

void World::StepClock() {
  const std::int64_t limit = std::int64_t{400} * 24 * 3'600'000;
  const Time size = around_.dice.Spread(milliseconds(1), milliseconds(limit));
  const auto step = std::chrono::duration_cast<milliseconds>(size);
  AnyMachine().StepClock(around_.dice.Half() ? step : -step);
}

// The first is stopped, a second takes the store over, the first goes on some time later.
void World::SecondCoordinator() {
  if (!loops_.back()->IsAlive() || loops_.back()->IsStopped()) return;
  Loop& first = *loops_.back();
  first.SetStopped(true);
  around_.agenda.After(around_.dice.Spread(milliseconds(10), seconds(60)), [this, &first] {
    if (!first.IsAlive() || &first != loops_.back().get()) return;
    StartLoop();
    around_.agenda.After(around_.dice.Spread(milliseconds(1), seconds(60)), [this] {
      for (const std::size_t index : asked_for_)
        OpenSweep(index, false);
    });
  });
  around_.agenda.After(around_.dice.Spread(milliseconds(1), minutes(5)),
                       [&first] { first.SetStopped(false); });
}

void World::HoldCore() {
  Machine& machine = AnyMachine();
  const int core = static_cast<int>(around_.dice.Below(machine.Plan().cores));
  machine.SetForeignCore(core, true);
  around_.agenda.After(around_.dice.Spread(milliseconds(10), minutes(5)),
                       [&machine, core] { machine.SetForeignCore(core, false); });
}

void World::ChangeDevice() {
  const std::int64_t index = around_.dice.Below(std::ssize(machines_));
  Machine& machine = *machines_[static_cast<std::size_t>(index)];
  if (machine.Plan().cores < 2) return;
  machine.SetCoreMissing(machine.Plan().cores - 1);
  around_.agenda.After(around_.dice.Spread(seconds(1), minutes(5)),
                       [&machine] { machine.SetCoreMissing(std::nullopt); });
}

}  // namespace ddl::simulation
