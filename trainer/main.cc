// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <exception>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/command_line.h"
#include "trainer/dataset.h"
#include "trainer/explain.h"
#include "trainer/gemm.h"
#include "trainer/stop_signal.h"
#include "trainer/task.h"
#include "trainer/training.h"

namespace ddl {

namespace {

constexpr int kFailed = 1;
constexpr int kWrongInput = 2;
constexpr int kInfrastructure = 3;
constexpr int kToBeContinued = 75;  // EX_TEMPFAIL, as ddl understands it
constexpr int kStopped = 128 + 15;

int Train(const TrainerCommand& command, const TrainerConfig& config,
          const TrainingBatches& batches) {
  const TrainingOutlets outlets{
      .metrics = WriteLine,
      .notes = [](const std::string& text) { fmt::print(stderr, "{}\n", text); },
      .is_stop_asked = IsStopAsked,
      .checkpoint_folder = command.checkpoint_folder,
      .output_folder = command.output_folder};
  Training training(config, batches, outlets);
  switch (training.Run()) {
    case TrainingEnd::kFinished:
      return 0;
    case TrainingEnd::kStopped:
      return command.checkpoint_folder ? kToBeContinued : kStopped;
    case TrainingEnd::kDiverged:
      // As configs/failure_rules.cc knows it.
      fmt::print(stderr,
                 "diverged at step {}: the loss is not finite, after {} whole epochs; make the "
                 "learning rate smaller, or set clip_norm\n",
                 training.Clock().iteration, training.Clock().epoch);
      return kFailed;
  }
  return kFailed;
}

// Data are not looked at: they may lie on another host.
int Check(const TrainerCommand& command) {
  try {
    (void)ReadTrainerConfig(command.config);
    return 0;
  } catch (const Error& problem) {
    fmt::print("{}", problem.what());
    return kWrongInput;
  }
}

// A line for each data set that is made of files. Faults are told on stdout.
int Prepare(const TrainerCommand& command) {
  try {
    DataPaths paths = DataPathsFromEnvironment();
    paths.prepared.clear();
    std::set<std::string> told;
    for (const Json& data : command.config) {
      const std::optional<PreparedData> prepared = PrepareDataset(data, paths);
      if (!prepared || !told.insert(prepared->name).second) continue;
      fmt::print("{}\n", DumpJson({{"name", prepared->name}, {"path", prepared->path}}));
    }
    return 0;
  } catch (const Error& problem) {
    fmt::print("{}", problem.what());
    return problem.Kind() == ErrorKind::kUsage ? kWrongInput : kInfrastructure;
  }
}

int Run(int argc, char** argv) {
  CatchStopSignal();
  const TrainerCommand command = ReadCommand({argv + 1, static_cast<std::size_t>(argc - 1)},
                                             [](const char* name) { return std::getenv(name); });
  if (command.is_help) {
    fmt::print("{}", HelpText());
    return 0;
  }
  if (command.is_check) return Check(command);
  if (command.is_prepare) return Prepare(command);
  const TrainerConfig config = ReadTrainerConfig(command.config);
  PinArithmetic(config.threads);
  const Dataset dataset = LoadDataset(config.data, DataPathsFromEnvironment());
  for (const std::string& note : NotesOn(dataset)) {
    fmt::print(stderr, "note: {}\n", note);
  }
  const TrainingBatches batches = MakeBatches(config, dataset);
  if (command.is_explain) {
    fmt::print("{}", Explain(config, batches));
    return 0;
  }
  return Train(command, config, batches);
}

}  // namespace

}  // namespace ddl

int main(int argc, char** argv) {
  try {
    return ddl::Run(argc, argv);
  } catch (const ddl::Error& problem) {
    fmt::print(stderr, "ddl-trainer: {}\n", problem.what());
    return problem.Kind() == ddl::ErrorKind::kUsage ? ddl::kWrongInput : ddl::kInfrastructure;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "ddl-trainer: {}\n", problem.what());
    return ddl::kFailed;
  }
}
