// SPDX-License-Identifier: Apache-2.0
// What a seed stands for: hosts, sweeps, and a random subset of the faults with random rates
// (swarm testing, Groce et al. 2012). Switches make a scenario smaller without changing the rest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "configs/spec.h"
#include "runner/messages.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/random.h"

namespace ddl::simulation {

constexpr Time kUsualLatency{std::chrono::milliseconds(1)};  // of links, at most

// What the command line says of a world; the shrinker makes these smaller.
struct Options {
  std::uint64_t seed = 1;
  std::set<Fault> without;
  std::optional<std::int64_t> most_trials;  // a sweep
  std::optional<std::int64_t> most_sweeps;
  std::optional<std::int64_t> most_hosts;
  std::optional<std::int64_t> chaos_percent;  // of the time with faults
  std::optional<std::int64_t> fleet;          // so many hosts, a tenth of them failing
  bool prints_trace = false;
  // "--seed 7 --without link-cut --trials 3"
  [[nodiscard]] std::string CommandLine() const;
};

struct HostPlan {
  std::string name;
  int cores = 1;
  int gpus = 0;
  std::int64_t memory_mib = 8192;
};

struct SweepPlan {
  SweepSpec spec;
  Time opened_at{0};
};

struct Scenario {
  std::uint64_t seed = 1;
  std::vector<HostPlan> hosts;
  std::vector<SweepPlan> sweeps;
  Time trial_wall{0};  // the usual length of a trial
  Time tick{0};        // of the coordinator's loop
  Time latency{0};     // of links, at most; beyond the usual where delays are in
  Time chaos{0};       // faults happen until then
  // Per million chances at each decision, 0: not in this world.
  std::array<std::int64_t, kFaultCount> rate{};
  std::optional<int> away;  // the host that comes back when the rest has ended
  bool is_fleet = false;
  bool away_for_long = false;  // it comes back when what ran there was given up
  std::int64_t pid_space = 30'000;

  [[nodiscard]] bool Has(Fault fault) const { return rate[static_cast<std::size_t>(fault)] > 0; }
  [[nodiscard]] std::int64_t Rate(Fault fault) const {
    return rate[static_cast<std::size_t>(fault)];
  }
};

void MakeFleet(Scenario& scenario, std::int64_t hosts);
[[nodiscard]] Scenario MakeScenario(const Options& options);
[[nodiscard]] HostFacts FactsOf(const HostPlan& plan, const std::string& boot_id);

}  // namespace ddl::simulation
