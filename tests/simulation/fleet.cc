// SPDX-License-Identifier: Apache-2.0
// Many hosts, of which a tenth is failing at any time of the chaos: a fault strikes as soon as
// fewer are.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tests/simulation/world.h"

namespace ddl::simulation {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kFailingShare = 10;  // one of so many

}  // namespace

void MakeFleet(Scenario& scenario, std::int64_t hosts) {
  Random dice(scenario.seed ^ 0xf1ee7U);
  scenario.hosts.clear();
  for (std::int64_t i = 0; i < hosts; ++i) {
    HostPlan host{.name = i == 0 ? "local" : fmt::format("ssh://h{}", i)};
    host.cores = static_cast<int>(dice.Between(1, 8));
    host.gpus = static_cast<int>(dice.Half() ? 0 : dice.Between(1, 3));
    scenario.hosts.push_back(host);
  }
  scenario.is_fleet = true;
  scenario.away.reset();
  scenario.trial_wall = dice.Half() ? seconds(10) : seconds(120);
  scenario.tick = seconds(1);
  scenario.chaos = minutes(20);
  for (const Fault fault : {Fault::kLinkCut, Fault::kHalfOpen, Fault::kHostReboot,
                            Fault::kHostPowerLoss, Fault::kHostDiskFull}) {
    scenario.rate[static_cast<std::size_t>(fault)] = 0;  // as often as is needed
  }
  // So many more steps are taken.
  for (const Fault fault : {Fault::kCoordinatorCrash, Fault::kStoreDiskFull})
    scenario.rate[static_cast<std::size_t>(fault)] /= hosts;
  for (SweepPlan& plan : scenario.sweeps) {
    SweepSpec& spec = plan.spec;
    spec.hosts.clear();
    for (const HostPlan& host : scenario.hosts)
      spec.hosts.push_back(host.name);
    spec.parallel.reset();
    spec.limits = {};
    if (spec.metric) spec.metric->target.reset();
    spec.fail_fast = false;
    Parameter& x = spec.space.front();
    x.values.clear();
    for (std::int64_t value = 0; value < hosts * 5; ++value)
      x.values.emplace_back(value);
    spec.run_cap = hosts * 5;
    plan.opened_at = std::min<Time>(plan.opened_at, minutes(5));
  }
}

bool World::IsFailing(int host) const {
  const Machine& machine = *machines_[static_cast<std::size_t>(host)];
  if (!machine.IsOn() || machine.IsDiskFull()) return true;
  const Loop& loop = *loops_.back();
  if (!loop.IsAlive() || !loop.IsUp(host)) return true;
  const Connection& link = connections_[static_cast<std::size_t>(loop.ConnectionOf(host))];
  return !link.to_host_works || !link.from_host_works;
}

void World::KeepATenthFailing() {
  if (!around_.is_chaos) return;
  around_.agenda.After(seconds(1), [this] { KeepATenthFailing(); });
  if (!loops_.back()->IsAlive() || loops_.back()->IsStopped()) return;
  struct Strike {
    Fault fault;
    void (World::*strike)();
  };
  static constexpr std::array<Strike, 5> kStrikes{{{Fault::kLinkCut, &World::CutLink},
                                                   {Fault::kHalfOpen, &World::HalfOpen},
                                                   {Fault::kHostReboot, &World::Reboot},
                                                   {Fault::kHostPowerLoss, &World::LosePower},
                                                   {Fault::kHostDiskFull, &World::FillDisk}}};
  std::int64_t failing = 0;
  for (int host = 0; host < std::ssize(machines_); ++host)
    failing += IsFailing(host) ? 1 : 0;
  around_.tally.hosts_looked_at += std::ssize(machines_);
  around_.tally.hosts_failing += failing;
  for (; failing * kFailingShare < std::ssize(machines_); ++failing) {
    const auto which = static_cast<std::size_t>(around_.dice.Below(kStrikes.size()));
    around_.tally.Count(kStrikes[which].fault);
    (this->*kStrikes[which].strike)();
  }
}

}  // namespace ddl::simulation
