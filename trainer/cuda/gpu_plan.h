// SPDX-License-Identifier: Apache-2.0
// K trainings of one shape side by side on a device: what trainer/plan.h is on a CPU. Steps are
// taken in stretches, within which the host waits for nothing; data stay in the device's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "trainer/augment.h"
#include "trainer/batch_score.h"
#include "trainer/cuda/gpu_device.h"
#include "trainer/cuda/gpu_memory.h"
#include "trainer/cuda/gpu_program.h"
#include "trainer/cuda/gpu_rows.h"
#include "trainer/dataset.h"
#include "trainer/flow.h"
#include "trainer/model.h"

namespace ddl {

struct GpuPlanSettings {
  ModelShape shape;
  std::vector<LaneSettings> lanes;  // as many as there is room for
  std::size_t stretch = 64;         // steps that are handed over at once, at most
  ProductPrecision precision = ProductPrecision::kFloat32;
  Augmentation augmentation = {};  // of training images, drawn by the lanes' own seeds
};

// A lane's part of a step. No rows: it stands still, and its state stays as it is.
struct LaneBatch {
  std::span<const std::uint32_t> rows = {};  // of the data
  std::uint64_t step = 1;                    // of the optimizer: 1, 2, …
  double lr = 0.0;
  std::uint64_t epoch = 0;  // of the data: 0, 1, …
  // Where no rows lie on the device: those of the batch, scaled, [rows, stride of the input], and
  // their labels. Of `rows` only their number counts then.
  std::span<const float> features = {};
  std::span<const std::int32_t> labels = {};
};

class GpuPlan {
 public:
  // Allocates all that it ever needs, as CountGpuMemory says; weights are zero until SetState, and
  // features are scaled by `scale_floats` numbers (one, or one each) that SetLane tells. Device and
  // rows outlive the plan.
  GpuPlan(GpuDevice& device, const GpuPlanSettings& settings, const GpuRows& rows,
          std::size_t scale_floats);
  // The same with data of its own, scaled alike for all lanes.
  GpuPlan(GpuDevice& device, const GpuPlanSettings& settings, const GpuData& data);

  [[nodiscard]] const Model& Compiled() const { return model_; }
  [[nodiscard]] std::size_t Lanes() const { return lanes_.size(); }
  [[nodiscard]] std::size_t Stretch() const { return stretch_; }
  [[nodiscard]] std::size_t KeptSteps() const { return places_.kept.steps; }

  // Who trains in a lane from now on.
  void SetLane(std::size_t lane, const LaneSettings& settings, const Affine& affine);
  // All that a lane is, on its way to another place or plan.
  struct LaneCopy {
    LaneSettings settings;
    Affine affine;
    std::vector<float> state;
  };
  [[nodiscard]] LaneCopy Take(std::size_t lane);
  void Put(std::size_t lane, const LaneCopy& copy);

  // Weights and optimizer state of a lane, Compiled().state_floats of them: the floats that a
  // Plan's State has, so that either continues what the other began.
  void SetState(std::size_t lane, std::span<const float> state);
  [[nodiscard]] std::vector<float> State(std::size_t lane);

  // Steps of the first `width` lanes, 0: of all: batches[step * width + lane], Stretch() steps at
  // most. Returns while they run; a batch may be as small as one row. The first time of a width
  // compiles it.
  void Train(std::span<const LaneBatch> batches, std::size_t width = 0);
  // Forward passes without dropout, smoothing or any change of weights; of a batch its rows count.
  void Evaluate(std::span<const LaneBatch> batches, std::size_t width = 0);
  // Logits of a lane in the first `steps` steps of the latest Evaluate, KeptSteps() at most: for
  // each [evaluation_batch * targets, stride of the logits]. Waits for it.
  [[nodiscard]] std::vector<float> Outputs(std::size_t lane, std::size_t steps);
  // Waits for the latest Train or Evaluate; in the order of its batches.
  [[nodiscard]] std::vector<BatchScore> Scores();

 private:
  struct Programs {  // of the device
    std::size_t training = 0;
    std::size_t evaluation = 0;
  };
  // Nothing is allocated yet.
  GpuPlan(GpuDevice& device, const GpuPlanSettings& settings);
  void Allocate(const GpuPlanSettings& settings, std::size_t scale_floats);
  void UseRows(const GpuRows& rows);
  void AllocateHandedOver();
  void Stage(std::size_t batch, const LaneBatch& rows, std::size_t most);
  [[nodiscard]] const Programs& ProgramsOf(std::size_t width);
  [[nodiscard]] LaneStep StepOf(std::size_t lane, const LaneBatch& batch, bool is_training) const;
  void Run(std::span<const LaneBatch> batches, std::size_t width, bool is_training);

  GpuDevice& device_;
  Model model_;
  std::vector<LaneSettings> lanes_;
  std::vector<Affine> affines_;
  std::size_t stretch_;
  ProductPrecision precision_;
  std::size_t data_rows_ = 0;
  GpuPlaces places_;
  LaneStep* steps_ = nullptr;  // what places_.board reads
  std::uint32_t* order_ = nullptr;
  LaneStep* staged_steps_ = nullptr;  // on the host, on their way there
  std::uint32_t* staged_order_ = nullptr;
  // Of rows that are handed over, [stretch, lanes, rows of a batch]; null where the device has all.
  float* staged_features_ = nullptr;
  std::int32_t* staged_labels_ = nullptr;
  float* features_ = nullptr;
  std::int32_t* labels_ = nullptr;
  float* mean_ = nullptr;  // what places_.scales reads
  float* scale_ = nullptr;
  std::map<std::size_t, Programs> programs_;  // by width
  std::size_t latest_ = 0;                    // batches of the latest run
};

}  // namespace ddl
