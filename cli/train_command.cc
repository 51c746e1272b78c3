// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/executables.h"
#include "cli/trainer_check.h"
#include "configs/command.h"
#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_reader.h"

namespace ddl {

// Becomes the trainer. The configuration reaches it through memory that lives as long as it does.
int RunTrainCommand(const TrainOptions& options) {
  const SpecReading reading = ReadSpecFile(options.config_file, {});
  if (!reading.spec.trainer) {
    throw Error("this spec has no trainer:", options.config_file,
                "ddl train is for the built-in trainer; use ddl run -- COMMAND for anything else");
  }
  const std::string trainer = SiblingExecutable("ddl-trainer");
  const int fd = MakeMemoryFile(DumpJson(*reading.spec.trainer));
  std::vector<std::string> words{trainer, fmt::format("/proc/self/fd/{}", fd)};
  for (const std::string& override_text : options.overrides) {
    words.emplace_back("--set");
    words.push_back(override_text);
  }
  if (options.is_explained) words.emplace_back("--explain");
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  ::execv(trainer.c_str(), argv.data());
  throw SystemError("cannot execute the trainer", trainer, "build it: cmake --build build/release");
}

}  // namespace ddl
