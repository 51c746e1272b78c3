// SPDX-License-Identifier: Apache-2.0
#include "cli/trainer_files.h"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/executables.h"
#include "cli/trainer_check.h"
#include "configs/command.h"
#include "configs/error.h"
#include "configs/sampling.h"
#include "runner/command_output.h"
#include "runner/program_files.h"

namespace ddl {

namespace {

constexpr std::int64_t kMostData = 1000;

// The parameters that choose data.
Space SpaceOfData(const Space& space) {
  Space chosen;
  for (const Parameter& parameter : space) {
    const std::string name = parameter.Name();
    if (name == "data" || name.starts_with("data.")) chosen.push_back(parameter);
  }
  return chosen;
}

bool IsRange(const Parameter& parameter) {
  return parameter.distribution != Distribution::kConstant &&
         parameter.distribution != Distribution::kCategorical &&
         parameter.distribution != Distribution::kIntUniform;
}

// Each value that the key `data` takes in the sweep. Where there is no end of them, one: such data
// are made up, else it is an error.
struct DataOfSweep {
  Json values = Json::array();
  bool is_endless = false;
};

DataOfSweep FindData(const SweepSpec& spec) {
  DataOfSweep found;
  const Space space = SpaceOfData(spec.space);
  found.is_endless = std::ranges::any_of(space, IsRange);
  const std::int64_t size = found.is_endless ? 1 : GridSize(space).value_or(kMostData + 1);
  found.is_endless = found.is_endless || size > kMostData;
  for (std::int64_t i = 0; i < (found.is_endless ? 1 : size); ++i) {
    const Configuration point =
        found.is_endless ? SamplePoint(space, spec.search_seed, i) : GridPoint(space, i);
    found.values.push_back(TrainerConfiguration(spec, point, 0).value("data", Json()));
  }
  return found;
}

// What the trainer prints: a line for each that is made of files.
std::string Prepare(const std::string& trainer, const Json& values, const std::string& workdir) {
  constexpr std::chrono::hours kPatience{1};
  constexpr std::size_t kMostText = std::size_t{1} << 20U;
  const int fd = MakeMemoryFile(DumpJson(values));
  const CommandOutput said =
      RunCommand({trainer, "--prepare", fmt::format("/proc/{}/fd/{}", ::getpid(), fd)}, kPatience,
                 kMostText, workdir);
  ::close(fd);
  if (said.exit_code == 0) return said.text;
  const std::string why = said.text.empty() ? "it says nothing" : said.text;
  throw Error(fmt::format("the trainer cannot prepare the data: {}", why), "", "",
              said.exit_code == 2 ? ErrorKind::kUsage : ErrorKind::kInfrastructure);
}

}  // namespace

std::map<std::string, std::string> TrainerFiles(const SweepSpec& spec) {
  const std::string trainer = SiblingExecutable("ddl-trainer");
  std::map<std::string, std::string> files = ProgramFiles(trainer);
  const DataOfSweep data = FindData(spec);
  std::istringstream lines(Prepare(trainer, data.values, spec.workdir));
  for (std::string line; std::getline(lines, line);) {
    if (data.is_endless) {
      throw Error(
          "which files are data is known only while the sweep runs, and other hosts than "
          "local are given them before",
          "parameters", "write the `values:` of parameters below `data`");
    }
    const Json prepared = ParseJson(line, "what the trainer prepared");
    files[fmt::format("{}/{}", kDataFolder, prepared.at("name").get<std::string>())] =
        prepared.at("path").get<std::string>();
  }
  return files;
}

}  // namespace ddl
