// SPDX-License-Identifier: Apache-2.0
// What a sweep would run, without running it.
#include <algorithm>

#include <fmt/format.h>

#include "cli/attempt_text.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/sweep_json.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "configs/command.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "scheduler/search/auto.h"
#include "scheduler/search/learning_search.h"
#include "scheduler/search/search.h"

namespace ddl {

namespace {

struct PlannedTrial {
  std::int64_t number = 0;
  int seed_index = 0;
  Configuration configuration;
};

std::vector<PlannedTrial> FirstTrials(const SweepSpec& spec, std::int64_t count) {
  const std::int64_t configurations = (count + spec.seeds - 1) / spec.seeds;
  const std::vector<Configuration> proposed = MakeSearch(spec)->Propose(0, configurations);
  std::vector<PlannedTrial> trials;
  for (const Configuration& configuration : proposed) {
    for (int seed = 0; seed < spec.seeds && std::ssize(trials) < count; ++seed) {
      trials.push_back({std::ssize(trials) + 1, seed, configuration});
    }
  }
  return trials;
}

// What is executed: the trainer's whole configuration, or the argument vector.
Json CommandOf(const SweepSpec& spec, const PlannedTrial& trial) {
  if (!spec.trainer) return ExpandCommand(spec, trial.configuration, "python3");
  return {"ddl-trainer",
          DumpJson(TrainerConfiguration(spec, trial.configuration, trial.seed_index))};
}

std::string LineOf(const SweepSpec& spec, const PlannedTrial& trial) {
  if (spec.trainer) return "trainer " + DumpJson(trial.configuration);
  return CommandLine(DumpJson(CommandOf(spec, trial)));
}

}  // namespace

int RunPlanCommand(const PlanOptions& options) {
  const SpecReading reading = ReadSpecFile(options.spec_file, options.overrides);
  const SweepSpec& spec = reading.spec;
  const std::int64_t planned = PlannedTrials(spec);
  const std::vector<PlannedTrial> trials = FirstTrials(spec, std::min(planned, options.limit));
  if (options.common.json) {
    Json list = Json::array();
    for (const PlannedTrial& trial : trials) {
      list.push_back({{"trial", trial.number},
                      {"seed_index", trial.seed_index},
                      {"parameters", trial.configuration},
                      {"command", CommandOf(spec, trial)}});
    }
    PrintText(
        DumpJson({{"sweep", spec.name}, {"trials", PlannedOrNull(planned)}, {"first", list}}) +
        "\n");
    return 0;
  }
  std::vector<std::string> lines;
  for (const std::string& note : reading.notes) {
    lines.push_back(fmt::format("note: {}", note));
  }
  if (spec.method == Method::kAuto) {
    const MethodChoice choice = ChooseMethod(ProblemOf(spec));
    lines.push_back(fmt::format("note: auto chooses {}: {}", choice.method, choice.why));
  }
  if (Learns(spec.method)) {
    lines.push_back(fmt::format("note: as if all ran at once; {} learns from each that ends",
                                kMethodNames.at(static_cast<std::size_t>(spec.method))));
  }
  lines.push_back(
      fmt::format("{}: {}, {} of them here", spec.name, FormatPlanned(planned), trials.size()));
  const Terminal terminal = DetectTerminal();
  for (const PlannedTrial& trial : trials) {
    const std::string line = fmt::format("{:>6}  {}", trial.number, LineOf(spec, trial));
    lines.push_back(terminal.is_terminal ? Fit(line, terminal.width) : line);
  }
  PrintLines(lines);
  return 0;
}

}  // namespace ddl
