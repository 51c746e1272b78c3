// SPDX-License-Identifier: Apache-2.0
#include "cli/trainer_files.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/executables.h"
#include "cli/trainer_check.h"
#include "configs/allowed_sampling.h"
#include "configs/command.h"
#include "configs/conditions.h"
#include "configs/error.h"
#include "configs/grid.h"
#include "configs/library_need.h"
#include "runner/command_output.h"
#include "runner/program_files.h"
#include "runner/program_start.h"

namespace ddl {

namespace {

constexpr std::int64_t kMostData = 1000;

// The parameters that choose data, and those that they depend on.
Space SpaceOfData(const Space& space) {
  std::vector<bool> chosen;
  for (const Parameter& parameter : space) {
    const std::string name = parameter.Name();
    chosen.push_back(name == "data" || name.starts_with("data."));
  }
  return WithNeeds(space, chosen);
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
  std::vector<Configuration> points;
  if (std::ranges::none_of(space, IsRange)) {
    const Grid grid(space);
    const std::int64_t size = grid.Size().value_or(kMostData + 1);
    for (std::int64_t i = 0; size <= kMostData && i < size; ++i) {
      points.push_back(grid.Point(i));
    }
  }
  found.is_endless = points.empty();
  if (found.is_endless) {
    const Conditions conditions(space);
    points.push_back(SampleComplete(space, conditions, spec.search_seed, 0, 0));
  }
  std::set<std::string> known;
  for (const Configuration& point : points) {
    Json value = TrainerConfiguration(spec, point, 0).value("data", Json());
    if (known.insert(DumpJson(value)).second) found.values.push_back(std::move(value));
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

void AddGpuLibrary(ListedCode& code) {
  const std::string library = SiblingPath(kGpuLibrary);
  if (::access(library.c_str(), R_OK) != 0) {
    throw Error(
        "the built-in trainer was built without CUDA, so its trials cannot use GPUs", library,
        "build ddl on a machine with the CUDA toolkit (no GPU is needed there), or leave out "
        "`resources.gpus`");
  }
  LibraryFiles found = FilesOfLibrary(library);
  code.files.merge(found.files);
  code.libraries = std::move(found.libraries);
}

}  // namespace

ListedCode TrainerFiles(const SweepSpec& spec) {
  const std::string trainer = SiblingExecutable("ddl-trainer");
  ListedCode code{.files = ProgramFiles(trainer), .libraries = {}};
  if (spec.resources.gpus > 0) AddGpuLibrary(code);
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
    code.files[fmt::format("{}/{}", kDataFolder, prepared.at("name").get<std::string>())] =
        prepared.at("path").get<std::string>();
  }
  return code;
}

}  // namespace ddl
