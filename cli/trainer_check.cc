// SPDX-License-Identifier: Apache-2.0
#include "cli/trainer_check.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/executables.h"
#include "configs/command.h"
#include "configs/error.h"
#include "runner/command_output.h"
#include "scheduler/search/search.h"

namespace ddl {

int MakeMemoryFile(const std::string& text) {
  const int fd = ::memfd_create("configuration", 0);
  if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw SystemError("cannot pass the configuration on", "", "free some memory");
  }
  return fd;
}

namespace {

// Whether a trial finds its data where this process does.
bool FindsDataHere(const SweepSpec& spec) {
  return std::ranges::all_of(spec.hosts, [](const auto& host) { return host == "local"; }) &&
         std::ranges::none_of(spec.env,
                              [](const auto& entry) { return entry.first == "DDL_DATA"; });
}

}  // namespace

void CheckTrainer(const SweepSpec& spec, const std::string& spec_file) {
  if (!spec.trainer) return;
  constexpr std::chrono::seconds kPatience{30};
  constexpr std::size_t kMaxText = std::size_t{16} * 1024;
  constexpr int kWrong = 2;
  const std::vector<Configuration> first = MakeSearch(spec)->Propose(0, 1);
  const int fd = MakeMemoryFile(DumpJson(TrainerConfiguration(spec, first.at(0), 0)));
  const CommandOutput said = RunCommand(
      {SiblingExecutable("ddl-trainer"), FindsDataHere(spec) ? "--check-files" : "--check",
       fmt::format("/proc/{}/fd/{}", ::getpid(), fd)},
      kPatience, kMaxText, spec.workdir);
  ::close(fd);
  if (said.exit_code != kWrong) return;
  throw Error(fmt::format("the trainer refuses its configuration: {}", said.text), spec_file, "");
}

}  // namespace ddl
