// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_plan.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "trainer/optimizer.h"

namespace ddl {

namespace {

constexpr std::uint32_t kBegin = 0;  // of the cursor

void CheckLanes(const GpuPlanSettings& settings) {
  assert(!settings.lanes.empty() && settings.stretch > 0);
  for (const LaneSettings& lane : settings.lanes) {
    assert(StateTensors(lane.optimizer) <= settings.shape.state_tensors);
    assert(settings.shape.keeps_average || lane.ema_decay == 0.0);
    assert(settings.shape.keeps_gradients || lane.clip_norm == 0.0);
  }
}

ImageChanges ChangesOf(const Augmentation& augmentation) {
  const auto narrow = [](std::size_t count) { return static_cast<std::uint32_t>(count); };
  const AugmentSettings& settings = augmentation.settings;
  return {.is_on = settings.IsOn(),
          .height = narrow(augmentation.size.height),
          .width = narrow(augmentation.size.width),
          .channels = narrow(augmentation.channels),
          .crop = narrow(settings.crop),
          .has_flips = settings.has_flips ? 1U : 0U,
          .cutout = narrow(settings.cutout)};
}

}  // namespace

GpuPlan::GpuPlan(GpuDevice& device, const GpuPlanSettings& settings)
    : device_(device),
      lanes_(settings.lanes),
      affines_(lanes_.size()),
      stretch_(settings.stretch),
      precision_(settings.precision) {
  CheckLanes(settings);
  model_ = BuildModel(GpuShape(settings.shape));
}

GpuPlan::GpuPlan(GpuDevice& device, const GpuPlanSettings& settings, const GpuRows& rows,
                 std::size_t scale_floats)
    : GpuPlan(device, settings) {
  Allocate(settings, scale_floats);
  UseRows(rows);
}

GpuPlan::GpuPlan(GpuDevice& device, const GpuPlanSettings& settings, const GpuData& data)
    : GpuPlan(device, settings) {
  Allocate(settings, data.affine.mean.size());
  UseRows(GpuRows(device, data));
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    SetLane(lane, lanes_[lane], data.affine);
  }
}

void GpuPlan::Allocate(const GpuPlanSettings& settings, std::size_t scale_floats) {
  const std::size_t rows = PassRows(model_.shape);
  const std::size_t lanes = lanes_.size();
  const std::size_t batches = stretch_ * lanes;
  steps_ = AllocateOn<LaneStep>(device_, batches);
  order_ = AllocateOn<std::uint32_t>(device_, batches * rows);
  staged_steps_ = static_cast<LaneStep*>(device_.AllocateStaging(batches * sizeof(LaneStep)));
  staged_order_ =
      static_cast<std::uint32_t*>(device_.AllocateStaging(batches * rows * sizeof(std::uint32_t)));
  places_.board = {.cursor = AllocateOn<std::uint32_t>(device_, 1),
                   .steps = steps_,
                   .order = order_,
                   .scores = AllocateOn<LaneScore>(device_, batches),
                   .lanes = static_cast<std::uint32_t>(lanes)};
  const std::size_t lane_floats = ScratchBehind(model_).end;
  places_.arena = {.floats = AllocateOn<float>(device_, lanes * lane_floats),
                   .lane_floats = lane_floats};
  places_.labels = AllocateOn<std::int32_t>(device_, lanes * LabelRows(model_));
  places_.worth = AllocateOn<RowWorth>(device_, lanes * LabelRows(model_));
  mean_ = AllocateOn<float>(device_, lanes * scale_floats);
  scale_ = AllocateOn<float>(device_, lanes * scale_floats);
  places_.scales = {
      .mean = mean_, .scale = scale_, .floats = static_cast<std::uint32_t>(scale_floats)};
  const std::size_t kept = ddl::KeptSteps(model_, stretch_);
  places_.kept = {.at = AllocateOn<float>(device_, lanes * kept * LogitFloats(model_)),
                  .steps = static_cast<std::uint32_t>(kept)};
  const std::vector<UpdatePart> parts = UpdateParts(model_);
  auto* device_parts = AllocateOn<UpdatePart>(device_, parts.size());
  UploadTo(device_, device_parts, std::span<const UpdatePart>(parts));
  places_.parts = device_parts;
  places_.changes = ChangesOf(settings.augmentation);
  if (!settings.shape.keeps_gradients) return;
  places_.squares = AllocateOn<double>(device_, lanes * parts.size());
  places_.clips = AllocateOn<float>(device_, lanes);
}

void GpuPlan::UseRows(const GpuRows& rows) {
  assert(rows.Features() == model_.shape.features);
  if (rows.IsHandedOver()) return AllocateHandedOver();
  data_rows_ = rows.Rows();
  places_.data = rows.Places();
  places_.is_text = rows.IsText();
}

void GpuPlan::AllocateHandedOver() {
  const std::size_t rows = stretch_ * lanes_.size() * PassRows(model_.shape);
  const std::size_t width = model_.input.Stride();
  features_ = AllocateOn<float>(device_, rows * width);
  labels_ = AllocateOn<std::int32_t>(device_, rows);
  staged_features_ = static_cast<float*>(device_.AllocateStaging(rows * width * sizeof(float)));
  staged_labels_ = static_cast<std::int32_t*>(device_.AllocateStaging(rows * sizeof(std::int32_t)));
  places_.data = StoredRows<float>{
      .features = features_, .labels = labels_, .width = static_cast<std::uint32_t>(width)};
  data_rows_ = rows;
}

// The number of a row is where it lies on its way.
void GpuPlan::Stage(std::size_t batch, const LaneBatch& rows, std::size_t most) {
  const std::size_t first = batch * most;
  if (staged_features_ == nullptr) {
    assert(std::ranges::all_of(rows.rows, [&](std::uint32_t row) { return row < data_rows_; }));
    std::ranges::copy(rows.rows, staged_order_ + first);
    return;
  }
  assert(rows.features.size() == rows.rows.size() * model_.input.Stride());
  assert(rows.labels.size() == rows.rows.size());
  std::ranges::copy(rows.features, staged_features_ + first * model_.input.Stride());
  std::ranges::copy(rows.labels, staged_labels_ + first);
  std::iota(staged_order_ + first, staged_order_ + first + rows.rows.size(),
            static_cast<std::uint32_t>(first));
}

// Compiling runs a program once: the first step's table is zero, so that all lanes stand still.
const GpuPlan::Programs& GpuPlan::ProgramsOf(std::size_t width) {
  const auto known = programs_.find(width);
  if (known != programs_.end()) return known->second;
  GpuPlaces places = places_;
  places.board.lanes = static_cast<std::uint32_t>(width);
  const std::vector<LaneStep> still(width);
  UploadTo(device_, steps_, std::span<const LaneStep>(still));
  const auto compile = [&](auto operations_of, std::size_t rows) {
    places.board.order_rows = static_cast<std::uint32_t>(rows);
    UploadTo(device_, places_.board.cursor, std::span(&kBegin, 1));
    return device_.Compile(operations_of(model_, places, precision_),
                           static_cast<std::uint32_t>(width));
  };
  const Programs programs{
      .training = compile(TrainingOperations, model_.shape.batch),
      .evaluation = compile(EvaluationOperations, model_.shape.evaluation_batch)};
  return programs_.emplace(width, programs).first->second;
}

void GpuPlan::SetLane(std::size_t lane, const LaneSettings& settings, const Affine& affine) {
  const std::size_t floats = places_.scales.floats;
  assert(lane < lanes_.size());
  assert(affine.mean.size() == floats && affine.scale.size() == floats);
  lanes_[lane] = settings;
  affines_[lane] = affine;
  UploadTo(device_, mean_ + lane * floats, std::span<const float>(affine.mean));
  UploadTo(device_, scale_ + lane * floats, std::span<const float>(affine.scale));
}

GpuPlan::LaneCopy GpuPlan::Take(std::size_t lane) {
  return {.settings = lanes_[lane], .affine = affines_[lane], .state = State(lane)};
}

void GpuPlan::Put(std::size_t lane, const LaneCopy& copy) {
  SetLane(lane, copy.settings, copy.affine);
  SetState(lane, copy.state);
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

void GpuPlan::Train(std::span<const LaneBatch> batches, std::size_t width) {
  Run(batches, width == 0 ? lanes_.size() : width, true);
}

void GpuPlan::Evaluate(std::span<const LaneBatch> batches, std::size_t width) {
  Run(batches, width == 0 ? lanes_.size() : width, false);
}

// In double and by the CPU's own functions, as DrawMask and Plan::SetStep do it.
LaneStep GpuPlan::StepOf(std::size_t lane, const LaneBatch& batch, bool is_training) const {
  constexpr unsigned kHigh = 32;
  const LaneSettings& own = lanes_[lane];
  LaneStep step;
  step.rows = static_cast<std::uint32_t>(batch.rows.size());
  step.huber_delta = own.huber_delta;
  step.target = own.target;
  if (!is_training || batch.rows.empty()) return step;
  step.number = static_cast<std::uint32_t>(batch.step);
  step.seed_low = static_cast<std::uint32_t>(own.seed);
  step.seed_high = static_cast<std::uint32_t>(own.seed >> kHigh);
  step.epoch_low = static_cast<std::uint32_t>(batch.epoch);
  step.epoch_high = static_cast<std::uint32_t>(batch.epoch >> kHigh);
  step.dropout = DropoutRuleOf(own.dropout);
  step.label_smoothing = static_cast<float>(own.label_smoothing);
  step.clip_norm = own.clip_norm;
  step.average_rate = AverageRate(own.ema_decay, batch.step);
  step.rule = RuleAt(own.optimizer, batch.lr, batch.step);
  return step;
}

void GpuPlan::Run(std::span<const LaneBatch> batches, std::size_t width, bool is_training) {
  const std::size_t steps = batches.size() / width;
  assert(width <= lanes_.size() && steps * width == batches.size() && steps <= stretch_);
  const Programs& programs = ProgramsOf(width);
  const std::size_t rows = is_training ? model_.shape.batch : model_.shape.evaluation_batch;
  device_.Wait();  // for what may still be on its way from the staging memory
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const LaneBatch& batch = batches[i];
    assert(batch.rows.size() <= rows);
    staged_steps_[i] = StepOf(i % width, batch, is_training);
    Stage(i, batch, rows);
  }
  UploadTo(device_, places_.board.cursor, std::span(&kBegin, 1));
  device_.Upload(steps_, staged_steps_, batches.size() * sizeof(LaneStep));
  device_.Upload(order_, staged_order_, batches.size() * rows * sizeof(std::uint32_t));
  if (staged_features_ != nullptr) {
    const std::size_t staged = batches.size() * rows;
    device_.Upload(features_, staged_features_, staged * model_.input.Stride() * sizeof(float));
    device_.Upload(labels_, staged_labels_, staged * sizeof(std::int32_t));
  }
  device_.Launch(is_training ? programs.training : programs.evaluation, steps);
  latest_ = batches.size();
}

std::vector<float> GpuPlan::Outputs(std::size_t lane, std::size_t steps) {
  assert(lane < lanes_.size() && steps <= KeptSteps());
  const std::size_t floats = LogitFloats(model_);
  std::vector<float> outputs(steps * floats);
  device_.Download(outputs.data(), places_.kept.at + lane * KeptSteps() * floats,
                   outputs.size() * sizeof(float));
  return outputs;
}

std::vector<BatchScore> GpuPlan::Scores() {
  std::vector<LaneScore> scores(latest_);
  if (latest_ > 0) {
    device_.Download(scores.data(), places_.board.scores, latest_ * sizeof(LaneScore));
  }
  std::vector<BatchScore> told;
  for (const LaneScore& score : scores) {
    told.push_back({.loss_sum = score.loss_sum,
                    .correct = score.correct,
                    .rows = score.rows,
                    .errors = score.errors});
  }
  return told;
}

}  // namespace ddl
