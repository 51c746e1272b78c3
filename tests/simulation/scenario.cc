// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/scenario.h"

#include <algorithm>

#include <fmt/format.h>

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Rates of faults that strike at each step; those that come by time are drawn as often as the
// length of the run allows.
std::int64_t RateOf(Fault fault, Random& dice) {
  static const std::vector<std::int64_t> kPerStep{200, 1'000, 5'000, 20'000};
  static const std::vector<std::int64_t> kPerTrial{20'000, 100'000, 300'000};
  const std::int64_t per_step = dice.Pick(kPerStep);
  const std::int64_t per_trial = dice.Pick(kPerTrial);
  return fault == Fault::kTrialFailure ? per_trial : per_step;
}

void AddSpace(SweepSpec& spec, std::int64_t trials, Random& dice) {
  spec.seeds = static_cast<int>(dice.Chance(300'000) ? dice.Between(2, 3) : 1);
  spec.method = dice.Chance(600'000) ? Method::kGrid
                : dice.Half()        ? Method::kRandom
                : dice.Half()        ? Method::kTpe
                                     : Method::kCmaes;
  spec.search_seed = static_cast<std::uint64_t>(dice.Below(1'000));
  Parameter parameter;
  parameter.path = {"x"};
  parameter.distribution = Distribution::kCategorical;
  const std::int64_t values =
      spec.method == Method::kGrid ? (trials + spec.seeds - 1) / spec.seeds : 64;
  for (std::int64_t value = 0; value < values; ++value)
    parameter.values.emplace_back(value);
  spec.space = {parameter};
  if (spec.method != Method::kGrid || dice.Chance(300'000)) spec.run_cap = trials;
}

void AddRules(SweepSpec& spec, const Scenario& scenario, Random& dice) {
  using Ms = std::chrono::milliseconds;
  const auto wall = std::chrono::duration_cast<Ms>(scenario.trial_wall);
  if (dice.Chance(400'000)) spec.parallel = static_cast<int>(dice.Between(1, 6));
  if (dice.Chance(500'000)) spec.retries = static_cast<int>(dice.Between(1, 3));
  if (dice.Chance(300'000)) spec.timeout = std::max(Ms(1), wall * dice.Between(1, 6));
  if (dice.Chance(100'000)) spec.fail_fast = true;
  spec.grace = Ms(dice.Pick(std::vector<std::int64_t>{50, 1'000, 10'000}));
  if (!dice.Chance(700'000)) return;
  spec.metric = Metric{.name = "loss"};
  if (dice.Half()) spec.metric->goal = Goal::kMaximize;
  if (dice.Chance(150'000)) spec.metric->target = spec.metric->goal == Goal::kMaximize ? 60 : 3;
  if (dice.Chance(100'000)) spec.limits.epochs = dice.Between(10, 100);
  if (!dice.Chance(250'000)) return;
  static const std::vector<PrunerType> kTypes{PrunerType::kAsha, PrunerType::kHyperband,
                                              PrunerType::kMedian, PrunerType::kPatience,
                                              PrunerType::kRacing};
  spec.early_terminate = EarlyTerminate{.type = dice.Pick(kTypes), .eta = 2, .trials = 2};
}

void AddResources(SweepSpec& spec, const Scenario& scenario, Random& dice) {
  static const std::vector<double> kCpus{1, 1, 1, 0.5, 0.25, 0.05, 2, 1.5};
  static const std::vector<double> kGpus{1, 0.5, 0.25, 2};
  spec.resources.cpus = dice.Pick(kCpus);
  if (dice.Chance(300'000)) spec.resources.gpus = dice.Pick(kGpus);
  if (dice.Chance(300'000)) spec.resources.memory_mib = 1024 * dice.Between(1, 8);
  spec.hosts.clear();
  for (const HostPlan& host : scenario.hosts) {
    if (dice.Chance(800'000)) spec.hosts.push_back(host.name);
  }
  if (spec.hosts.empty()) spec.hosts.push_back(scenario.hosts.front().name);
  if (dice.Chance(100'000)) spec.limits.gpu_h = 0.5;
  if (dice.Chance(100'000)) spec.limits.wall_h = 2;
}

// Of some sweeps that may: generations whose trials go on from each other.
void MakePopulation(SweepSpec& spec, Random& dice) {
  const bool is_in = dice.Chance(400'000);
  const std::int64_t population = dice.Between(2, 6);
  const std::int64_t interval = dice.Between(1, 3);
  const std::int64_t max_iter = interval * dice.Between(2, 6);
  if (!is_in || !spec.metric || spec.seeds > 1 || spec.early_terminate) return;
  spec.method = Method::kPbt;
  spec.pbt = PbtSettings{.population = population, .interval = interval, .max_iter = max_iter};
  spec.run_cap = spec.pbt->Trials();
}

SweepPlan MakeSweep(int index, std::int64_t most_trials, const Scenario& scenario, Random& dice) {
  SweepPlan plan;
  SweepSpec& spec = plan.spec;
  spec.name = fmt::format("s{}", index);
  spec.program = "/bin/true";
  spec.command = {"/bin/true", "${args}"};
  spec.workdir = "/";
  static const std::vector<std::int64_t> kSizes{1, 3, 12, 40, 40, 120};
  const std::int64_t trials = std::min(dice.Pick(kSizes), most_trials);
  AddSpace(spec, trials, dice);
  AddRules(spec, scenario, dice);
  AddResources(spec, scenario, dice);
  plan.opened_at = index == 0 ? Time{0} : dice.Spread(milliseconds(1), scenario.trial_wall * 20);
  return plan;
}

void AddHosts(Scenario& scenario, std::int64_t most, Random& dice) {
  static const std::vector<std::string> kNames{"local", "ssh://a", "ssh://b"};
  const std::int64_t hosts = std::min(most, dice.Between(1, 3));
  for (std::int64_t i = 0; i < 3; ++i) {
    HostPlan host{.name = kNames[static_cast<std::size_t>(i)]};
    host.cores = static_cast<int>(dice.Between(1, 8));
    host.gpus = static_cast<int>(dice.Half() ? 0 : dice.Between(1, 3));
    host.memory_mib = 4096 << dice.Below(4);
    if (i < hosts) scenario.hosts.push_back(host);
  }
}

}  // namespace

std::string Options::CommandLine() const {
  std::string line = fmt::format("--seed {}", seed);
  for (const Fault fault : without)
    line += fmt::format(" --without {}", kFaultNames[static_cast<std::size_t>(fault)]);
  const auto add = [&line](std::string_view name, const std::optional<std::int64_t>& value) {
    if (value) line += fmt::format(" --{} {}", name, *value);
  };
  add("trials", most_trials);
  add("sweeps", most_sweeps);
  add("hosts", most_hosts);
  add("chaos-percent", chaos_percent);
  add("fleet", fleet);
  return line;
}

Scenario MakeScenario(const Options& options) {
  Random dice(options.seed);
  Scenario scenario;
  scenario.seed = options.seed;
  static const std::vector<Time> kWalls{milliseconds(2), milliseconds(100), seconds(2), seconds(60),
                                        seconds(1800)};
  scenario.trial_wall = dice.Pick(kWalls);
  scenario.tick = std::clamp<Time>(scenario.trial_wall / 10, milliseconds(100), seconds(20));
  scenario.pid_space = dice.Half() ? 40 : 30'000;
  AddHosts(scenario, options.most_hosts.value_or(3), dice);
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (static_cast<Fault>(i) == Fault::kHostStaysAway) continue;  // once or never
    const std::int64_t rate = RateOf(static_cast<Fault>(i), dice);
    const bool is_in =
        dice.Chance(i == static_cast<std::size_t>(Fault::kTrialFailure) ? 600'000 : 350'000);
    if (is_in && !options.without.contains(static_cast<Fault>(i))) scenario.rate[i] = rate;
  }
  scenario.latency = scenario.Has(Fault::kLinkDelay) ? Time(seconds(2)) : kUsualLatency;
  // Two draws in one expression would come in an order that the compiler chooses.
  const Time more = seconds(dice.Between(1, 60));
  scenario.chaos = scenario.trial_wall * dice.Between(10, 200) + more;
  scenario.chaos = scenario.chaos * options.chaos_percent.value_or(100) / 100;
  Random away_dice(options.seed ^ 0xa3a4U);
  if (scenario.hosts.size() > 1 && away_dice.Half() &&
      !options.without.contains(Fault::kHostStaysAway)) {
    scenario.away = static_cast<int>(away_dice.Below(std::ssize(scenario.hosts)));
    scenario.away_for_long = away_dice.Half();
  }
  const std::int64_t sweeps = dice.Between(1, 3);
  Random sweep_dice(options.seed ^ 0x5eedU);
  for (int i = 0; i < std::min(sweeps, options.most_sweeps.value_or(3)); ++i) {
    scenario.sweeps.push_back(
        MakeSweep(i, options.most_trials.value_or(1'000'000), scenario, sweep_dice));
  }
  static const std::vector<Time> kLostAfter{seconds(45), seconds(300), seconds(1800)};
  Random lost_dice(options.seed ^ 0x1057U);
  for (SweepPlan& plan : scenario.sweeps) {
    plan.spec.lost_after = std::chrono::duration_cast<milliseconds>(lost_dice.Pick(kLostAfter));
  }
  Random population_dice(options.seed ^ 0x9b7U);
  for (SweepPlan& plan : scenario.sweeps) {
    if (plan.spec.run_cap.value_or(0) > 3) MakePopulation(plan.spec, population_dice);
  }
  if (options.fleet) MakeFleet(scenario, *options.fleet);
  return scenario;
}

HostFacts FactsOf(const HostPlan& plan, const std::string& boot_id) {
  HostFacts facts;
  facts.hostname = plan.name;
  facts.machine_id = plan.name;
  facts.boot_id = boot_id;
  facts.folder = "/simulated";
  facts.memory_mib = plan.memory_mib;
  facts.interpreter = "python3";
  facts.tree_kill = "session";
  for (int core = 0; core < plan.cores; ++core)
    facts.cores.push_back(core);
  for (int gpu = 0; gpu < plan.gpus; ++gpu) {
    facts.gpus.push_back({.index = gpu,
                          .uuid = fmt::format("GPU-{}-{}", plan.name, gpu),
                          .name = "simulated",
                          .memory_mib = 16'384});
  }
  return facts;
}

}  // namespace ddl::simulation
