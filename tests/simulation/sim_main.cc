// SPDX-License-Identifier: Apache-2.0
// ddl-sim: runs simulated worlds. ddl-bug-hunt is the same with planted bugs (docs/reliability.md).
#include <chrono>
#include <ctime>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "configs/json.h"
#include "tests/simulation/seeds.h"
#ifdef DDL_PLANTED_BUGS
#include "tests/simulation/planted.h"
#endif

namespace ddl::simulation {

namespace {

struct Wishes {
  Options world;
  std::vector<std::string> without;
  double seconds = 0;
  std::uint64_t seed_from = 1;
  std::uint64_t count = 0;
  std::vector<std::uint64_t> hashes;
  bool json = false;
  bool has_seed = false;
  std::string bug;
  bool hunt = false;
};

double CpuSeconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

int Report(const Failure& failure) {
  fmt::print("VIOLATION: {}: {}\n", failure.rule, failure.text);
  fmt::print("replay: ddl-sim {} --trace\n", failure.options.CommandLine());
  std::fflush(stdout);
  const Options smaller = Shrink(failure);
  fmt::print("smaller: ddl-sim {} --trace\n", smaller.CommandLine());
  return 1;
}

void PrintTable(const Tally& tally, double cpu) {
  fmt::print(
      "seeds {}, simulated trials {} ({:.0f} a CPU minute), simulated hours {:.0f} ({:.0f} a "
      "CPU minute), CPU {:.1f} s\n",
      tally.seeds, tally.trials, static_cast<double>(tally.trials) * 60 / cpu, tally.hours,
      tally.hours * 60 / cpu, cpu);
  fmt::print("faults:\n");
  for (std::size_t i = 0; i < kFaultCount; ++i)
    fmt::print("  {:<20} {}\n", kFaultNames[i], tally.faults[i]);
  fmt::print("sometimes:\n");
  for (std::size_t i = 0; i < kProbeCount; ++i)
    fmt::print("  {:<42} {}{}\n", kProbeNames[i], tally.probes[i],
               tally.probes[i] == 0 ? "  NEVER" : "");
}

void PrintJson(const Tally& tally, double cpu) {
  Json json{{"seeds", tally.seeds},
            {"trials", tally.trials},
            {"attempts", tally.attempts},
            {"hours", tally.hours},
            {"cpu_s", cpu}};
  for (std::size_t i = 0; i < kFaultCount; ++i)
    json["faults"][std::string(kFaultNames[i])] = tally.faults[i];
  for (std::size_t i = 0; i < kProbeCount; ++i)
    json["sometimes"][std::string(kProbeNames[i])] = tally.probes[i];
  fmt::print("{}\n", DumpJson(json));
}

int RunMany(const Wishes& wishes) {
  const double began = CpuSeconds();
  Tally tally;
  const auto failure = RunSeeds(
      wishes.seed_from,
      [&](const Tally& so_far) {
        if (wishes.count > 0) return so_far.seeds < static_cast<std::int64_t>(wishes.count);
        return CpuSeconds() - began < wishes.seconds;
      },
      tally);
  const double cpu = std::max(CpuSeconds() - began, 1e-3);
  wishes.json ? PrintJson(tally, cpu) : PrintTable(tally, cpu);
  if (failure) return Report(*failure);
  // Fewer seeds than these may miss one by chance.
  constexpr std::int64_t kEnoughSeeds = 1'000;
  for (std::size_t i = 0; i < kProbeCount; ++i) {
    if (tally.probes[i] > 0 || tally.seeds < kEnoughSeeds) continue;
    fmt::print("VIOLATION: never seen: {}\n", kProbeNames[i]);
    return 1;
  }
  return 0;
}

int RunOne(const Wishes& wishes) {
  const Outcome outcome = RunWorld(wishes.world);
  fmt::print("seed {} hash {:016x}, {} trials, {:.2f} hours\n", wishes.world.seed, outcome.hash,
             outcome.tally.trials, outcome.tally.hours);
  if (outcome.tally.hosts_looked_at > 0) {
    fmt::print("{:.1f} % of its hosts were failing at any time\n",
               100.0 * static_cast<double>(outcome.tally.hosts_failing) /
                   static_cast<double>(outcome.tally.hosts_looked_at));
  }
  if (!outcome.violation) return 0;
  fmt::print("VIOLATION: {}: {}\n", outcome.violation->rule, outcome.violation->text);
  return 1;
}

int PrintHashes(const Wishes& wishes) {
  for (std::uint64_t i = 0; i < wishes.hashes[1]; ++i) {
    Options options = wishes.world;
    options.seed = wishes.hashes[0] + i;
    fmt::print("{} {:016x}\n", options.seed, RunWorld(options).hash);
  }
  return 0;
}

#ifdef DDL_PLANTED_BUGS
// Each bug: seeds and seconds until it is found. 1 when one is not.
int Hunt(const Wishes& wishes) {
  const std::uint64_t most = wishes.count > 0 ? wishes.count : 20'000;
  int missed = 0;
  fmt::print("{:<26} {:>7} {:>8}  {}\n", "bug", "seeds", "seconds", "seen as");
  for (const NamedBug& planted : PlantedBugs()) {
    if (!wishes.bug.empty() && wishes.bug != planted.name) continue;
    SwitchOn(planted.bug);
    const auto began = std::chrono::steady_clock::now();
    const Found found = FindFailure(wishes.seed_from, most);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print("{:<26} {:>7} {:>8.2f}  {}\n", planted.name, found.seeds, took.count(),
               found.failure ? found.failure->rule : "NEVER");
    std::fflush(stdout);
    missed += found.failure ? 0 : 1;
  }
  return missed > 0 ? 1 : 0;
}
#endif

int Main(int argc, char** argv) {
  Wishes wishes;
  CLI::App app{"Runs the scheduler in simulated worlds full of faults"};
  app.add_option("--seconds", wishes.seconds, "CPU seconds of seed after seed");
  app.add_option("--count", wishes.count, "so many seeds");
  app.add_option("--seed-from", wishes.seed_from, "the first of many seeds");
  auto* seed = app.add_option("--seed", wishes.world.seed, "one world");
  app.add_option("--without", wishes.without, "faults to leave out");
  app.add_option("--trials", wishes.world.most_trials, "at most, of each sweep");
  app.add_option("--sweeps", wishes.world.most_sweeps, "at most");
  app.add_option("--hosts", wishes.world.most_hosts, "at most");
  app.add_option("--chaos-percent", wishes.world.chaos_percent, "of the time with faults");
  app.add_option("--fleet", wishes.world.fleet, "so many hosts, a tenth failing at any time");
  app.add_option("--hashes", wishes.hashes, "FIRST COUNT: a line a seed")->expected(2);
  app.add_flag("--trace", wishes.world.prints_trace, "print what happens");
  app.add_flag("--json", wishes.json, "the table as JSON");
#ifdef DDL_PLANTED_BUGS
  app.add_option("--bug", wishes.bug, "a planted bug");
  app.add_flag("--hunt", wishes.hunt, "find the planted bugs, or the one named");
#endif
  CLI11_PARSE(app, argc, argv);
  for (const std::string& name : wishes.without) {
    const auto fault = ParseFault(name);
    if (!fault) return fmt::print("no fault is called {}\n", name), 2;
    wishes.world.without.insert(*fault);
  }
#ifdef DDL_PLANTED_BUGS
  if (wishes.hunt) return Hunt(wishes);
  for (const NamedBug& planted : PlantedBugs()) {
    if (planted.name == wishes.bug) SwitchOn(planted.bug);
  }
#endif
  if (!wishes.hashes.empty()) return PrintHashes(wishes);
  if (*seed) return RunOne(wishes);
  return RunMany(wishes);
}

}  // namespace

}  // namespace ddl::simulation

int main(int argc, char** argv) {
  return ddl::simulation::Main(argc, argv);
}
