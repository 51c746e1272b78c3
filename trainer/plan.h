// SPDX-License-Identifier: Apache-2.0
// A model compiled for K lanes: one arena and two flat lists of calls, a training step and a
// forward pass. Lanes share shapes and nothing else: what one computes does not depend on K.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "trainer/arena.h"
#include "trainer/model.h"
#include "trainer/optimizer.h"
#include "trainer/softmax_kernels.h"

namespace ddl {

// One entry of a plan, named so that time can be told apart.
struct Call {
  const char* what = "";   // "forward", "backward", "update"
  const char* stage = "";  // the kind of stage; empty where it belongs to none
  std::size_t number = 0;  // of the stage: 1, 2, …
  std::function<void()> run;
};

// Where a lane's batch goes before a step.
struct BatchPlace {
  float* features = nullptr;  // [rows, stride]; padding columns are zero and must stay so
  std::size_t stride = 0;
  std::span<std::int32_t> labels;  // [rows * targets of a sample]
  std::uint64_t epoch = 0;         // of a training step, for what is drawn anew in every epoch
};

// What the last stage made of a batch: logits, as Evaluate leaves them.
struct OutputView {
  const float* at = nullptr;
  BlockShape shape;                      // a row for each target of each sample
  std::size_t outputs = 0;               // of a row; padding follows
  std::span<const std::int32_t> labels;  // of those rows
};

class Plan {
 public:
  // One lane for each of `lanes`; weights are zero until InitialiseWeights or a checkpoint.
  Plan(const ModelShape& shape, const std::vector<LaneSettings>& lanes);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() = default;

  [[nodiscard]] const Model& Compiled() const { return model_; }
  [[nodiscard]] std::size_t Lanes() const { return lanes_.size(); }
  [[nodiscard]] std::size_t ArenaBytes() const { return arena_.Bytes(); }
  [[nodiscard]] BatchPlace Batch(std::size_t lane);
  [[nodiscard]] float* LaneBlock(std::size_t lane) { return arena_.Lane(lane); }
  // Weights and optimizer state of a lane: all that its next step depends on, but for its clock.
  [[nodiscard]] std::span<float> State(std::size_t lane);

  // A lane's next batch has `rows` rows, and its step is number `step` (1, 2, …) at rate `lr`.
  void SetStep(std::size_t lane, std::size_t rows, std::uint64_t step, double lr);
  // Forward, backward and update of every lane.
  void Step();
  // Loss and right answers of `rows` rows of each lane, without dropout, smoothing or any change of
  // weights.
  void Evaluate(std::size_t rows);
  // Of the latest Step or Evaluate.
  [[nodiscard]] const BatchScore& Score(std::size_t lane) const { return lanes_[lane].score; }

  // Of the latest Evaluate.
  [[nodiscard]] OutputView Outputs(std::size_t lane) const;

  [[nodiscard]] std::span<const Call> StepCalls() const { return step_calls_; }

 private:
  struct Lane {
    LaneRun run;
    std::vector<std::int32_t> labels;
    BatchScore score;
  };

  template <class Function>  // function(Lane&)
  void Add(std::vector<Call>& calls, const char* what, std::size_t stage, Function function);
  void CompileForward();
  void CompileBackward();
  void CompileWholeUpdate();
  void CompileEvaluation();

  Model model_;
  Arena arena_;
  std::vector<Lane> lanes_;
  std::vector<Call> step_calls_;
  std::vector<Call> evaluation_calls_;
};

}  // namespace ddl
