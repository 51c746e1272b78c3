// SPDX-License-Identifier: Apache-2.0
// One training from its first step, or from its latest checkpoint, to its test figures. The same
// configuration gives the same bits, interrupted or not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/batches.h"
#include "trainer/config.h"
#include "trainer/engine.h"
#include "trainer/final_report.h"
#include "trainer/metric_line.h"
#include "trainer/paced_checkpoints.h"

namespace ddl {

enum class TrainingEnd : std::uint8_t { kFinished, kStopped, kDiverged };

// The parts of the world that a training touches.
struct TrainingOutlets {
  std::function<void(const std::string& line)> metrics;
  std::function<void(const std::string& text)> notes;  // for people: what was resumed or skipped
  std::function<bool()> is_stop_asked;
  std::optional<std::filesystem::path> checkpoint_folder;
  std::optional<std::filesystem::path> output_folder;  // for figures and predictions at the end
  std::optional<std::uint64_t> until = {};  // epochs after which to leave: another trial goes on
  double limit_flops = 0.0;  // a second, what the training's cores reach at most; 0: not known
};

// The shape that a configuration asks for, and its one lane. Throws Error for convolutions over
// data that are no images.
[[nodiscard]] ModelShape ShapeOf(const TrainerConfig& config, const TrainingBatches& batches);
[[nodiscard]] LaneSettings LaneOf(const TrainerConfig& config, const TrainingBatches& batches);

class Training {
 public:
  // Config, batches and outlets outlive the training. Throws Error when a batch does not fit the
  // training part, or a checkpoint belongs to another training or other data.
  Training(const TrainerConfig& config, const TrainingBatches& batches,
           const TrainingOutlets& outlets, std::unique_ptr<Engine> engine);
  // On this machine's processor.
  Training(const TrainerConfig& config, const TrainingBatches& batches,
           const TrainingOutlets& outlets);

  // Says a line after each epoch, then the test figures of the final weights, and leaves behind
  // what FinalReport says. After `until` epochs, where these are not all, it has finished too, with
  // a checkpoint and none of that. Leaves early when asked to stop, with a checkpoint where there
  // is a folder, or on a loss that is not finite.
  TrainingEnd Run();

  [[nodiscard]] const TrainingClock& Clock() const { return clock_; }
  // A copy of the weights and the optimizer's state.
  [[nodiscard]] std::vector<float> State();

 private:
  void Start();
  void RefuseOtherData(const CheckpointHeader& header) const;
  TrainingEnd RunEpoch();
  bool TakeSteps(const RowOrder& order);
  void SayBegun();
  void SayStalled();
  [[nodiscard]] std::uint64_t LastEpoch() const;
  [[nodiscard]] std::span<const BatchScore> TakeStretch(const RowOrder& order);
  [[nodiscard]] bool Count(std::span<const BatchScore> scores);
  // False when a loss that would be told is no number.
  [[nodiscard]] bool FinishEpoch();
  [[nodiscard]] bool FinishTraining();
  [[nodiscard]] Quality Measure(const Batches& part, const OutputWatcher& watcher = {});
  // One that may wait is written when its time has come.
  void Save(bool is_best, bool may_wait = false);
  [[nodiscard]] double RateAt(std::uint64_t step) const;
  [[nodiscard]] std::string Describe() const;

  const TrainerConfig& config_;
  const TrainingBatches& batches_;
  const TrainingOutlets& outlets_;
  std::uint64_t steps_per_epoch_;
  std::unique_ptr<Engine> engine_;
  FinalReport report_;
  std::optional<PacedCheckpoints> checkpoints_;
  TrainingClock clock_;
  bool has_stepped_ = false;
  std::vector<TrainingStep> steps_;  // of a stretch
  std::vector<std::uint32_t> rows_;  // of all of them
};

}  // namespace ddl
