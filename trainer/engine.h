// SPDX-License-Identifier: Apache-2.0
// What computes one training: a plan on this machine's processor, or a lane of a GPU. The same
// steps give the same bits on the same engine, however they are handed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "trainer/batch_score.h"
#include "trainer/batches.h"
#include "trainer/initial_weights.h"
#include "trainer/model.h"
#include "trainer/plan.h"

namespace ddl {

struct TrainingStep {
  std::span<const std::uint32_t> rows;  // of the training part, as its order names them
  std::uint64_t epoch = 0;
  std::uint64_t number = 1;  // of the optimizer: 1, 2, …
  double lr = 0.0;
};

// Told of every batch after it was evaluated: which rows of its part, and what the model made of
// them. Both are good until it returns.
using OutputWatcher =
    std::function<void(std::span<const std::uint32_t> rows, const OutputView& outputs)>;

// Of one thread. Any call may throw Error where the device fails.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  [[nodiscard]] virtual const Model& Compiled() const = 0;
  // "float32, sgemm of …": what else bits depend on.
  [[nodiscard]] virtual std::string Arithmetic() const = 0;
  // Steps that are best handed over at once.
  [[nodiscard]] virtual std::size_t Stretch() const = 0;

  // Weights and optimizer state: the floats and the places are the same in every engine.
  virtual void Initialise(Initialisation kind, std::uint64_t seed) = 0;
  virtual void SetState(std::span<const float> state) = 0;
  // Good until the next call.
  [[nodiscard]] virtual std::span<const float> State() = 0;

  // One after the other, Stretch() of them at most; a score for each, good until the next call.
  virtual std::span<const BatchScore> Train(std::span<const TrainingStep> steps) = 0;
  // All rows of a part, without dropout, smoothing or any change of weights.
  virtual BatchScore Evaluate(const Batches& part, const OutputWatcher& watcher) = 0;
};

}  // namespace ddl
