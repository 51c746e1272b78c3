// SPDX-License-Identifier: Apache-2.0
#include "trainer/trial.h"

#include <exception>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/cpu_engine.h"
#include "trainer/explain.h"
#include "trainer/gemm.h"
#include "trainer/limits.h"
#include "trainer/task.h"
#include "trainer/training.h"

namespace ddl {

namespace {

// Floating-point operations a second that this machine is known to reach for it.
double LimitFor(const TrainerConfig& config) {
  if (config.device == DeviceKind::kGpu) return 0.0;  // the probe measures processors
  return LimitOf(KeptLimits(DataPathsFromEnvironment().cache, DescribeMachine()), config.precision,
                 config.threads);
}

// What is to compute it; null: told to stop before there was room on the GPU.
std::unique_ptr<Engine> MakeEngine(const TrainerConfig& config, const TrainingBatches& batches,
                                   GpuTeams& gpus, const TrialOutlets& outlets) {
  const ModelShape shape = ShapeOf(config, batches);
  const LaneSettings lane = LaneOf(config, batches);
  if (config.device == DeviceKind::kCpu) return std::make_unique<CpuEngine>(shape, lane, batches);
  return gpus.Join(config, shape, lane, batches,
                   {.is_stop_asked = outlets.is_stop_asked, .notes = outlets.notes});
}

int Train(const TrainerCommand& command, const DataSource& data, GpuTeams& gpus,
          const TrialOutlets& outlets) {
  const TrainerConfig config = ReadTrainerConfig(command.config);
  PinArithmetic(config.threads);
  const Dataset& dataset = data(config.data);
  for (const std::string& note : NotesOn(dataset)) {
    outlets.notes("note: " + note);
  }
  const TrainingBatches batches = MakeBatches(config, dataset);
  if (command.role == TrainerRole::kExplain) {
    outlets.metrics(Explain(config, batches, LimitFor(config)));
    return 0;
  }
  const TrainingOutlets own{.metrics = outlets.metrics,
                            .notes = outlets.notes,
                            .is_stop_asked = outlets.is_stop_asked,
                            .checkpoint_folder = command.checkpoint_folder,
                            .output_folder = command.output_folder,
                            .until = command.until,
                            .limit_flops = LimitFor(config)};
  const int stopped = command.checkpoint_folder ? kToBeContinued : kStopped;
  auto engine = MakeEngine(config, batches, gpus, outlets);
  if (engine == nullptr) return stopped;
  Training training(config, batches, own, std::move(engine));
  switch (training.Run()) {
    case TrainingEnd::kFinished:
      return 0;
    case TrainingEnd::kStopped:
      return stopped;
    case TrainingEnd::kDiverged:
      // As configs/failure_rules.cc knows it.
      outlets.notes(fmt::format(
          "diverged at step {}: the loss is not finite, after {} whole epochs; make the "
          "learning rate smaller, or set clip_norm",
          training.Clock().iteration, training.Clock().epoch));
      return kTrialFailed;
  }
  return kTrialFailed;
}

}  // namespace

int RunTrial(const TrainerCommand& command, const DataSource& data, GpuTeams& gpus,
             const TrialOutlets& outlets) {
  const auto train = [&] {
    try {
      return Train(command, data, gpus, outlets);
    } catch (const GpuFault& fault) {
      // As configs/failure_rules.cc knows it.
      outlets.notes(fmt::format("ddl-trainer: the GPU failed: {}", fault.what()));
      return kGpuFailed;
    }
  };
  return CodeOf(train, outlets.notes);
}

int CodeOf(const std::function<int()>& judge,
           const std::function<void(const std::string& text)>& notes) {
  try {
    return judge();
  } catch (const Error& problem) {
    notes(fmt::format("ddl-trainer: {}", problem.what()));
    return problem.Kind() == ErrorKind::kUsage ? kWrongInput : kInfrastructure;
  } catch (const std::exception& problem) {
    notes(fmt::format("ddl-trainer: {}", problem.what()));
    return kTrialFailed;
  }
}

}  // namespace ddl
