// SPDX-License-Identifier: Apache-2.0
#include "cli/trainer_check.h"

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

void CheckTrainer(const SweepSpec& spec, const std::string& spec_file) {
  if (!spec.trainer) return;
  constexpr std::chrono::seconds kPatience{30};
  constexpr std::size_t kMaxText = std::size_t{16} * 1024;
  constexpr int kWrong = 2;
  const std::vector<Configuration> first = MakeSearch(spec)->Propose(0, 1);
  const int fd = MakeMemoryFile(DumpJson(TrainerConfiguration(spec, first.at(0), 0)));
  const CommandOutput said = RunCommand(
      {SiblingExecutable("ddl-trainer"), "--check", fmt::format("/proc/{}/fd/{}", ::getpid(), fd)},
      kPatience, kMaxText);
  ::close(fd);
  if (said.exit_code != kWrong) return;
  throw Error(fmt::format("the trainer refuses its configuration: {}", said.text), spec_file, "");
}

}  // namespace ddl
