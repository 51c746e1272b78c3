// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_plan.h"

#include <algorithm>
#include <cassert>
#include <variant>

#include "configs/error.h"
#include "trainer/optimizer.h"

namespace ddl {

namespace {

constexpr std::uint32_t kBegin = 0;  // of the cursor

void CheckLanes(const GpuPlanSettings& settings) {
  assert(!settings.lanes.empty() && settings.stretch > 0);
  for (const LaneSettings& lane : settings.lanes) {
    assert(StateTensors(lane.optimizer) <= settings.shape.state_tensors);
    assert(settings.shape.keeps_average || lane.ema_decay == 0.0);
    if (lane.clip_norm == 0.0) continue;
    throw Error("a gradient that is clipped, on a GPU", "clip_norm",
                "leave it out, or leave this training to CPUs");
  }
}

template <class Stored>
StoredRows<Stored> CopyRows(GpuDevice& device, const GpuData& data) {
  const std::size_t train = data.train.Rows();
  const std::size_t test = data.test.Rows();
  auto* features = AllocateOn<Stored>(device, (train + test) * data.features);
  auto* labels = AllocateOn<std::int32_t>(device, train + test);
  const auto copy = [&](const Split& split, std::size_t first) {
    if (split.Rows() == 0) return;
    const auto* stored = std::get_if<std::span<const Stored>>(&split.features);
    assert(stored != nullptr);
    UploadTo(device, features + first * data.features, *stored);
    UploadTo(device, labels + first, split.labels);
  };
  copy(data.train, 0);
  copy(data.test, train);
  const Affine& affine = data.affine;
  assert(affine.mean.size() == affine.scale.size());
  auto* mean = AllocateOn<float>(device, affine.mean.size());
  auto* scale = AllocateOn<float>(device, affine.scale.size());
  UploadTo(device, mean, std::span<const float>(affine.mean));
  UploadTo(device, scale, std::span<const float>(affine.scale));
  return {.features = features,
          .labels = labels,
          .mean = mean,
          .scale = scale,
          .width = static_cast<std::uint32_t>(data.features),
          .is_scaled_each = affine.mean.size() > 1};
}

}  // namespace

GpuDataShape ShapeOf(const GpuData& data) {
  const bool is_bytes = std::holds_alternative<std::span<const std::uint8_t>>(data.train.features);
  return {.rows = data.train.Rows() + data.test.Rows(),
          .features = data.features,
          .bytes_each = is_bytes ? sizeof(std::uint8_t) : sizeof(float),
          .scale_floats = data.affine.mean.size()};
}

GpuPlan::GpuPlan(GpuDevice& device, const GpuPlanSettings& settings, const GpuData& data)
    : device_(device), lanes_(settings.lanes), stretch_(settings.stretch) {
  CheckGpuShape(settings.shape);
  CheckLanes(settings);
  assert(data.features == settings.shape.features && data.train.Rows() > 0);
  model_ = BuildModel(GpuShape(settings.shape));
  const std::size_t rows = PassRows(model_.shape);
  const std::size_t batches = stretch_ * lanes_.size();
  steps_ = AllocateOn<LaneStep>(device, batches);
  order_ = AllocateOn<std::uint32_t>(device, batches * rows);
  places_.board = {.cursor = AllocateOn<std::uint32_t>(device, 1),
                   .steps = steps_,
                   .order = order_,
                   .scores = AllocateOn<LaneScore>(device, batches),
                   .lanes = static_cast<std::uint32_t>(lanes_.size()),
                   .order_rows = static_cast<std::uint32_t>(rows)};
  const std::size_t lane_floats = model_.layout.Floats();
  places_.arena = {.floats = AllocateOn<float>(device, lanes_.size() * lane_floats),
                   .lane_floats = lane_floats};
  places_.labels = AllocateOn<std::int32_t>(device, lanes_.size() * rows);
  places_.worth = AllocateOn<RowWorth>(device, lanes_.size() * rows);
  const std::vector<UpdatePart> parts = UpdateParts(model_);
  auto* device_parts = AllocateOn<UpdatePart>(device, parts.size());
  UploadTo(device, device_parts, std::span<const UpdatePart>(parts));
  places_.parts = device_parts;
  CopyData(data);
  // Compiling runs each program once: the tables are zero, so that all lanes stand still.
  const auto lanes = static_cast<std::uint32_t>(lanes_.size());
  training_ = device.Compile(TrainingOperations(model_, places_, settings.precision), lanes);
  UploadTo(device_, places_.board.cursor, std::span(&kBegin, 1));
  evaluation_ = device.Compile(EvaluationOperations(model_, places_, settings.precision), lanes);
}

void GpuPlan::CopyData(const GpuData& data) {
  data_rows_ = data.train.Rows() + data.test.Rows();
  if (std::holds_alternative<std::span<const std::uint8_t>>(data.train.features)) {
    places_.data = CopyRows<std::uint8_t>(device_, data);
  } else {
    places_.data = CopyRows<float>(device_, data);
  }
}

void GpuPlan::SetState(std::size_t lane, std::span<const float> state) {
  assert(lane < lanes_.size() && state.size() == model_.state_floats);
  UploadTo(device_, places_.arena.At(static_cast<std::uint32_t>(lane), 0), state);
}

std::vector<float> GpuPlan::State(std::size_t lane) {
  assert(lane < lanes_.size());
  std::vector<float> state(model_.state_floats);
  device_.Download(state.data(), places_.arena.At(static_cast<std::uint32_t>(lane), 0),
                   state.size() * sizeof(float));
  return state;
}

void GpuPlan::Train(std::span<const LaneBatch> batches) {
  Run(training_, batches, true);
}

void GpuPlan::Evaluate(std::span<const LaneBatch> batches) {
  Run(evaluation_, batches, false);
}

// In double and by the CPU's own functions, as DrawMask and Plan::SetStep do it.
LaneStep GpuPlan::StepOf(std::size_t lane, const LaneBatch& batch, bool is_training) const {
  constexpr double kTwoTo32 = 4294967296.0;
  constexpr unsigned kHigh = 32;
  const LaneSettings& own = lanes_[lane];
  LaneStep step;
  step.rows = static_cast<std::uint32_t>(batch.rows.size());
  if (!is_training || batch.rows.empty()) return step;
  step.number = static_cast<std::uint32_t>(batch.step);
  step.seed_low = static_cast<std::uint32_t>(own.seed);
  step.seed_high = static_cast<std::uint32_t>(own.seed >> kHigh);
  step.dropped_below = static_cast<std::uint32_t>(own.dropout * kTwoTo32);
  step.kept_factor = static_cast<float>(1.0 / (1.0 - own.dropout));
  step.label_smoothing = static_cast<float>(own.label_smoothing);
  step.average_rate = AverageRate(own.ema_decay, batch.step);
  step.rule = RuleAt(own.optimizer, batch.lr, batch.step);
  return step;
}

void GpuPlan::Run(std::size_t program, std::span<const LaneBatch> batches, bool is_training) {
  const std::size_t steps = batches.size() / lanes_.size();
  assert(steps * lanes_.size() == batches.size() && steps <= stretch_);
  const std::size_t most = is_training ? model_.shape.batch : model_.shape.evaluation_batch;
  const std::size_t order_rows = places_.board.order_rows;
  std::vector<LaneStep> table;
  std::vector<std::uint32_t> order(batches.size() * order_rows);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const LaneBatch& batch = batches[i];
    assert(batch.rows.size() <= most);
    assert(std::ranges::all_of(batch.rows, [&](std::uint32_t row) { return row < data_rows_; }));
    table.push_back(StepOf(i % lanes_.size(), batch, is_training));
    std::ranges::copy(batch.rows, order.begin() + static_cast<std::ptrdiff_t>(i * order_rows));
  }
  UploadTo(device_, places_.board.cursor, std::span(&kBegin, 1));
  UploadTo(device_, steps_, std::span<const LaneStep>(table));
  UploadTo(device_, order_, std::span<const std::uint32_t>(order));
  device_.Launch(program, steps);
  latest_ = batches.size();
}

std::vector<BatchScore> GpuPlan::Scores() {
  std::vector<LaneScore> scores(latest_);
  if (latest_ > 0) {
    device_.Download(scores.data(), places_.board.scores, latest_ * sizeof(LaneScore));
  }
  std::vector<BatchScore> told;
  for (const LaneScore& score : scores) {
    told.push_back(
        {.loss_sum = score.loss_sum, .correct = score.correct, .rows = score.rows, .errors = {}});
  }
  return told;
}

}  // namespace ddl
