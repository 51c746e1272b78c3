// SPDX-License-Identifier: Apache-2.0
// A training on this machine's processor, on the calling thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/engine.h"
#include "trainer/plan.h"

namespace ddl {

class CpuEngine final : public Engine {
 public:
  // `batches` outlives the engine.
  CpuEngine(const ModelShape& shape, const LaneSettings& lane, const TrainingBatches& batches);

  [[nodiscard]] const Model& Compiled() const override { return plan_.Compiled(); }
  [[nodiscard]] std::string Arithmetic() const override;
  [[nodiscard]] std::size_t Stretch() const override { return 1; }
  void Initialise(Initialisation kind, std::uint64_t seed) override;
  void SetState(std::span<const float> state) override;
  [[nodiscard]] std::span<const float> State() override { return plan_.State(0); }
  std::span<const BatchScore> Train(std::span<const TrainingStep> steps) override;
  BatchScore Evaluate(const Batches& part, const OutputWatcher& watcher) override;

 private:
  const TrainingBatches& batches_;
  Plan plan_;
  std::vector<std::uint32_t> rows_;  // of an evaluation's batch
};

}  // namespace ddl
