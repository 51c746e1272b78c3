// SPDX-License-Identifier: Apache-2.0
// A training on a GPU: a lane of a team of its shape.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trainer/cuda/gpu_team.h"
#include "trainer/engine.h"

namespace ddl {

class GpuEngine final : public Engine {
 public:
  // `handed_over`: the training part where the device holds no data; outlives the engine.
  GpuEngine(std::shared_ptr<GpuTeam> team, std::unique_ptr<GpuTeam::Seat> seat,
            const Batches* handed_over, std::string arithmetic);

  [[nodiscard]] const Model& Compiled() const override { return team_->Compiled(); }
  [[nodiscard]] std::string Arithmetic() const override { return arithmetic_; }
  [[nodiscard]] std::size_t Stretch() const override { return team_->Stretch(); }
  void Initialise(Initialisation kind, std::uint64_t seed) override;
  void SetState(std::span<const float> state) override { seat_->SetState(state); }
  [[nodiscard]] std::span<const float> State() override;
  std::span<const BatchScore> Train(std::span<const TrainingStep> steps) override;
  BatchScore Evaluate(const Batches& part, const OutputWatcher& watcher) override;

 private:
  void Load(const Batches& part, std::span<LaneBatch> batches);
  void Watch(const Batches& part, std::size_t first, std::span<const LaneBatch> batches,
             const std::vector<float>& outputs, const OutputWatcher& watcher) const;

  std::shared_ptr<GpuTeam> team_;  // outlives its seat
  std::unique_ptr<GpuTeam::Seat> seat_;
  const Batches* handed_over_;
  std::string arithmetic_;
  std::vector<float> features_;  // of batches that are handed over
  std::vector<std::int32_t> labels_;
  std::vector<float> state_;
  std::vector<BatchScore> scores_;
};

}  // namespace ddl
