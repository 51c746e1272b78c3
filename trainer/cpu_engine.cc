// SPDX-License-Identifier: Apache-2.0
#include "trainer/cpu_engine.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "trainer/gemm.h"

namespace ddl {

CpuEngine::CpuEngine(const ModelShape& shape, const LaneSettings& lane,
                     const TrainingBatches& batches)
    : batches_(batches), plan_(shape, {lane}) {}

std::string CpuEngine::Arithmetic() const {
  return DescribeArithmetic(Compiled().shape.precision);
}

void CpuEngine::Initialise(Initialisation kind, std::uint64_t seed) {
  InitialiseWeights(plan_.Compiled(), kind, seed, plan_.LaneBlock(0));
}

void CpuEngine::SetState(std::span<const float> state) {
  assert(state.size() == plan_.State(0).size());
  std::ranges::copy(state, plan_.State(0).begin());
}

std::span<const BatchScore> CpuEngine::Train(std::span<const TrainingStep> steps) {
  assert(steps.size() == 1);
  const TrainingStep& step = steps.front();
  BatchPlace place = plan_.Batch(0);
  place.epoch = step.epoch;
  batches_.train.load(step.rows, place);
  plan_.SetStep(0, step.rows.size(), step.number, step.lr);
  plan_.Step();
  return {&plan_.Score(0), 1};
}

BatchScore CpuEngine::Evaluate(const Batches& part, const OutputWatcher& watcher) {
  BatchScore sum;
  const std::size_t most = plan_.Compiled().shape.evaluation_batch;
  rows_.resize(most);
  for (std::size_t first = 0; first < part.rows; first += most) {
    const std::size_t count = std::min(most, part.rows - first);
    std::iota(rows_.begin(), rows_.end(), static_cast<std::uint32_t>(first));
    const auto some = std::span<const std::uint32_t>(rows_).first(count);
    part.load(some, plan_.Batch(0));
    plan_.Evaluate(count);
    if (watcher) watcher(some, plan_.Outputs(0));
    sum.Add(plan_.Score(0));
  }
  return sum;
}

}  // namespace ddl
