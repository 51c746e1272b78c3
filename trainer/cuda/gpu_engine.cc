// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_engine.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ddl {

namespace {

// As the device numbers the rows of a part.
std::vector<std::uint32_t> Numbers(const Batches& part, std::size_t first, std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
  for (std::uint32_t& number : numbers) {
    if (part.resident) number = part.resident(number);
  }
  return numbers;
}

// Cut into batches of `most` rows.
std::vector<LaneBatch> Cut(std::span<const std::uint32_t> numbers, std::size_t most) {
  std::vector<LaneBatch> batches;
  for (std::size_t first = 0; first < numbers.size(); first += most) {
    batches.push_back({.rows = numbers.subspan(first, std::min(most, numbers.size() - first))});
  }
  return batches;
}

}  // namespace

GpuEngine::GpuEngine(std::shared_ptr<GpuTeam> team, std::unique_ptr<GpuTeam::Seat> seat,
                     const Batches* handed_over, std::string arithmetic)
    : team_(std::move(team)),
      seat_(std::move(seat)),
      handed_over_(handed_over),
      arithmetic_(std::move(arithmetic)) {}

// Rows as a CPU multiplies them, for a device that has none of its own.
void GpuEngine::Load(const Batches& part, std::span<LaneBatch> batches) {
  const std::size_t stride = Compiled().input.Stride();
  std::size_t rows = 0;
  for (const LaneBatch& batch : batches) {
    rows += batch.rows.size();
  }
  features_.assign(rows * stride, 0.0F);
  labels_.resize(rows);
  std::size_t first = 0;
  for (LaneBatch& batch : batches) {
    const std::size_t count = batch.rows.size();
    const std::span<float> features = std::span(features_).subspan(first * stride, count * stride);
    const std::span<std::int32_t> labels = std::span(labels_).subspan(first, count);
    part.load(
        batch.rows,
        {.features = features.data(), .stride = stride, .labels = labels, .epoch = batch.epoch});
    batch.features = features;
    batch.labels = labels;
    first += count;
  }
}

void GpuEngine::Initialise(Initialisation kind, std::uint64_t seed) {
  std::vector<float> lane(Compiled().layout.Floats());
  InitialiseWeights(Compiled(), kind, seed, lane.data());
  seat_->SetState(std::span<const float>(lane).first(Compiled().state_floats));
}

std::span<const float> GpuEngine::State() {
  state_ = seat_->State();
  return state_;
}

std::span<const BatchScore> GpuEngine::Train(std::span<const TrainingStep> steps) {
  std::vector<LaneBatch> batches;
  batches.reserve(steps.size());
  for (const TrainingStep& step : steps) {
    batches.push_back({.rows = step.rows, .step = step.number, .lr = step.lr, .epoch = step.epoch});
  }
  if (handed_over_ != nullptr) Load(*handed_over_, batches);
  scores_ = seat_->Train(batches);
  return scores_;
}

// As many batches at a time as a stretch takes, or as logits are kept of where they are wanted.
BatchScore GpuEngine::Evaluate(const Batches& part, const OutputWatcher& watcher) {
  BatchScore sum;
  const std::size_t batch = Compiled().shape.evaluation_batch;
  const std::size_t most = batch * (watcher ? team_->KeptSteps() : Stretch());
  for (std::size_t first = 0; first < part.rows; first += most) {
    const std::vector<std::uint32_t> numbers =
        Numbers(part, first, std::min(most, part.rows - first));
    std::vector<LaneBatch> batches = Cut(numbers, batch);
    if (handed_over_ != nullptr) Load(part, batches);
    std::vector<float> outputs;
    for (const BatchScore& score : seat_->Evaluate(batches, watcher ? &outputs : nullptr)) {
      sum.Add(score);
    }
    if (watcher) Watch(part, first, batches, outputs, watcher);
  }
  return sum;
}

// Labels as the CPU loads them, with features that nobody reads.
void GpuEngine::Watch(const Batches& part, std::size_t first, std::span<const LaneBatch> batches,
                      const std::vector<float>& outputs, const OutputWatcher& watcher) const {
  const Model& model = Compiled();
  const std::size_t stride = model.input.Stride();
  std::vector<float> features(model.shape.evaluation_batch * stride);
  std::vector<std::int32_t> labels(model.shape.evaluation_batch * model.targets);
  std::vector<std::uint32_t> rows;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    rows.resize(batches[i].rows.size());
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
    first += rows.size();
    part.load(rows, {.features = features.data(), .stride = stride, .labels = labels});
    const std::size_t targets = rows.size() * model.targets;
    watcher(rows, {.at = outputs.data() + i * LogitFloats(model),
                   .shape = {.rows = targets, .stride = model.logits.Stride()},
                   .outputs = model.logits.cols,
                   .labels = std::span(labels).first(targets)});
  }
}

}  // namespace ddl
