// SPDX-License-Identifier: Apache-2.0
// K trainings of one shape side by side on a device: what trainer/plan.h is on a CPU. Steps are
// taken in stretches, within which the host waits for nothing; data stay in the device's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trainer/batch_score.h"
#include "trainer/cuda/gpu_device.h"
#include "trainer/cuda/gpu_memory.h"
#include "trainer/cuda/gpu_program.h"
#include "trainer/dataset.h"
#include "trainer/flow.h"
#include "trainer/model.h"

namespace ddl {

// What the lanes of a device read: both parts have features of one type.
struct GpuData {
  Split train;
  Split test = {};  // may be empty; its rows are numbered behind those of `train`
  std::size_t features = 0;
  Affine affine;
};

[[nodiscard]] GpuDataShape ShapeOf(const GpuData& data);

struct GpuPlanSettings {
  ModelShape shape;
  std::vector<LaneSettings> lanes;
  std::size_t stretch = 64;  // steps that are handed over at once, at most
  ProductPrecision precision = ProductPrecision::kFloat32;
};

// A lane's part of a step. No rows: it stands still, and its state stays as it is.
struct LaneBatch {
  std::span<const std::uint32_t> rows = {};  // of the data
  std::uint64_t step = 1;                    // of the optimizer: 1, 2, …
  double lr = 0.0;
};

class GpuPlan {
 public:
  // Allocates all that it ever needs, as CountGpuMemory says, copies the data and compiles; weights
  // are zero until SetState. The device outlives the plan. Throws Error for what no GPU trains.
  GpuPlan(GpuDevice& device, const GpuPlanSettings& settings, const GpuData& data);

  [[nodiscard]] const Model& Compiled() const { return model_; }
  [[nodiscard]] std::size_t Lanes() const { return lanes_.size(); }
  [[nodiscard]] std::size_t Stretch() const { return stretch_; }

  // Weights and optimizer state of a lane, Compiled().state_floats of them: the floats that a
  // Plan's State has, so that either continues what the other began.
  void SetState(std::size_t lane, std::span<const float> state);
  [[nodiscard]] std::vector<float> State(std::size_t lane);

  // Steps of all lanes: batches[step * Lanes() + lane], Stretch() steps at most. Returns while they
  // run; a batch may be as small as one row.
  void Train(std::span<const LaneBatch> batches);
  // Forward passes without dropout, smoothing or any change of weights; of a batch its rows count.
  void Evaluate(std::span<const LaneBatch> batches);
  // Waits for the latest Train or Evaluate; in the order of its batches.
  [[nodiscard]] std::vector<BatchScore> Scores();

 private:
  void CopyData(const GpuData& data);
  [[nodiscard]] LaneStep StepOf(std::size_t lane, const LaneBatch& batch, bool is_training) const;
  void Run(std::size_t program, std::span<const LaneBatch> batches, bool is_training);

  GpuDevice& device_;
  Model model_;
  std::vector<LaneSettings> lanes_;
  std::size_t stretch_;
  std::size_t data_rows_ = 0;
  GpuPlaces places_;
  LaneStep* steps_ = nullptr;  // what places_.board reads
  std::uint32_t* order_ = nullptr;
  std::size_t training_ = 0;  // programs of the device
  std::size_t evaluation_ = 0;
  std::size_t latest_ = 0;  // batches of the latest run
};

}  // namespace ddl
