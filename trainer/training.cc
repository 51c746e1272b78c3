// SPDX-License-Identifier: Apache-2.0
#include "trainer/training.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/gemm.h"
#include "trainer/initial_weights.h"
#include "trainer/schedule.h"

namespace ddl {

namespace {

// Enough rows for full speed of the products, few enough for the cache.
constexpr std::size_t kEvaluationRows = 256;

std::uint64_t StepsPerEpoch(const TrainerConfig& config, std::size_t rows) {
  const std::uint64_t steps = config.drop_last ? rows / config.batch_size
                                               : (rows + config.batch_size - 1) / config.batch_size;
  if (steps > 0) return steps;
  throw Error(fmt::format("a batch of {} in {} training rows", config.batch_size, rows),
              "batch_size", "make it smaller, or set drop_last: false");
}

Quality MeanOf(double loss_sum, std::uint64_t correct, std::uint64_t rows) {
  const auto count = static_cast<double>(rows);
  return {.loss = loss_sum / count, .accuracy = static_cast<double>(correct) / count};
}

}  // namespace

ModelShape ShapeOf(const TrainerConfig& config, std::size_t features, std::size_t classes) {
  return {.batch = config.batch_size,
          .evaluation_batch = kEvaluationRows,
          .features = features,
          .classes = classes,
          .hidden = config.model.hidden,
          .activation = config.model.activation,
          .has_dropout = config.model.dropout > 0.0 && !config.model.hidden.empty(),
          .has_clipping = config.clip_norm > 0.0,
          .state_tensors = StateTensors(config.optimizer)};
}

LaneSettings LaneOf(const TrainerConfig& config) {
  return {.seed = config.seed,
          .optimizer = config.optimizer,
          .dropout = config.model.dropout,
          .label_smoothing = config.label_smoothing,
          .clip_norm = config.clip_norm};
}

Training::Training(const TrainerConfig& config, const TrainingBatches& batches,
                   const TrainingOutlets& outlets)
    : config_(config),
      batches_(batches),
      outlets_(outlets),
      steps_per_epoch_(StepsPerEpoch(config, batches.train.rows)),
      plan_(ShapeOf(config, batches.features, batches.classes), {LaneOf(config)}) {
  if (outlets.checkpoint_folder) {
    folder_.emplace(*outlets.checkpoint_folder, config.checkpoint.keep_last);
  }
  Start();
}

TrainingEnd Training::Run() {
  while (clock_.epoch < config_.epochs) {
    const TrainingEnd end = RunEpoch();
    if (end != TrainingEnd::kFinished) return end;
  }
  if (batches_.test.rows > 0) {
    outlets_.metrics(TestLine(clock_.epoch, Measure(batches_.test)));
  }
  return TrainingEnd::kFinished;
}

std::vector<float> Training::State() {
  const std::span<const float> state = plan_.State(0);
  return {state.begin(), state.end()};
}

// Continues from the newest checkpoint, else from drawn weights.
void Training::Start() {
  std::vector<std::string> notes;
  std::optional<Checkpoint> found;
  if (folder_) found = folder_->LoadNewest(Describe(), plan_.State(0).size(), notes);
  for (const std::string& note : notes) {
    outlets_.notes(note);
  }
  if (!found) {
    InitialiseWeights(plan_.Compiled(), config_.model.init, config_.seed, plan_.LaneBlock(0));
    return;
  }
  clock_ = found->header.clock;
  std::copy(found->state.begin(), found->state.end(), plan_.State(0).begin());
  outlets_.notes(
      fmt::format("continued after {} epochs and {} steps", clock_.epoch, clock_.step_in_epoch));
  if (found->header.arithmetic != DescribeArithmetic()) {
    outlets_.notes(fmt::format("it ran under {} before and runs under {} now: the bits may differ",
                               found->header.arithmetic, DescribeArithmetic()));
  }
}

TrainingEnd Training::RunEpoch() {
  const std::vector<std::uint32_t> order = batches_.order(clock_.epoch);
  assert(order.size() == batches_.train.rows);
  const auto start = std::chrono::steady_clock::now();
  const bool is_finite = TakeSteps(order);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  clock_.seconds += spent.count();
  if (!is_finite) return TrainingEnd::kDiverged;
  if (clock_.step_in_epoch == steps_per_epoch_) {
    FinishEpoch();
    return TrainingEnd::kFinished;
  }
  Save(false);
  return TrainingEnd::kStopped;
}

// Steps to the end of the epoch or until asked to stop; false when the loss is no number any more.
bool Training::TakeSteps(const std::vector<std::uint32_t>& order) {
  const std::span<const std::uint32_t> rows(order);
  while (clock_.step_in_epoch < steps_per_epoch_ && !outlets_.is_stop_asked()) {
    const std::size_t first = clock_.step_in_epoch * config_.batch_size;
    const std::size_t count = std::min<std::size_t>(config_.batch_size, rows.size() - first);
    TakeStep(rows.subspan(first, count));
    if (!has_stepped_) SayBegun();
    const BatchScore& score = plan_.Score(0);
    if (!std::isfinite(score.loss_sum)) return false;
    clock_.loss_sum += score.loss_sum;
    clock_.correct += score.correct;
    clock_.rows += score.rows;
    ++clock_.step_in_epoch;
  }
  return true;
}

// After the first step, when all that could fail at the start has not.
void Training::SayBegun() {
  has_stepped_ = true;
  outlets_.notes(fmt::format("training {}; {} weights, {} steps an epoch, {}", Describe(),
                             CountWeights(plan_.Compiled()), steps_per_epoch_,
                             DescribeArithmetic()));
}

void Training::TakeStep(std::span<const std::uint32_t> rows) {
  batches_.train.load(rows, plan_.Batch(0));
  const double lr = RateAt(clock_.iteration);
  ++clock_.iteration;
  plan_.SetStep(0, rows.size(), clock_.iteration, lr);
  plan_.Step();
}

// The line goes out before the checkpoint: a kill between the two repeats a line, never loses one.
void Training::FinishEpoch() {
  EpochMetrics metrics{.epoch = clock_.epoch + 1,
                       .iteration = clock_.iteration,
                       .train = MeanOf(clock_.loss_sum, clock_.correct, clock_.rows),
                       .samples_per_s = static_cast<double>(clock_.rows) / clock_.seconds,
                       .lr = RateAt(clock_.iteration - 1)};
  if (batches_.validation.rows > 0) metrics.validation = Measure(batches_.validation);
  const double accuracy = metrics.validation ? metrics.validation->accuracy : -1.0;
  const bool is_best = accuracy > clock_.best_accuracy;
  clock_ = {.epoch = clock_.epoch + 1,
            .iteration = clock_.iteration,
            .best_accuracy = std::max(accuracy, clock_.best_accuracy)};
  outlets_.metrics(EpochLine(metrics));
  const bool is_due = clock_.epoch % config_.checkpoint.every == 0;
  if (is_due || is_best || clock_.epoch == config_.epochs) Save(is_best);
}

Quality Training::Measure(const Batches& part) {
  std::vector<std::uint32_t> rows(part.rows);
  std::iota(rows.begin(), rows.end(), 0U);
  BatchScore sum;
  for (std::size_t first = 0; first < rows.size(); first += kEvaluationRows) {
    const std::size_t count = std::min(kEvaluationRows, rows.size() - first);
    part.load(std::span(rows).subspan(first, count), plan_.Batch(0));
    plan_.Evaluate(count);
    sum.loss_sum += plan_.Score(0).loss_sum;
    sum.correct += plan_.Score(0).correct;
  }
  return MeanOf(sum.loss_sum, sum.correct, rows.size());
}

void Training::Save(bool is_best) {
  if (!folder_) return;
  folder_->Save({.training = Describe(), .arithmetic = DescribeArithmetic(), .clock = clock_},
                plan_.State(0), is_best);
}

double Training::RateAt(std::uint64_t step) const {
  return LearningRate(
      config_.schedule, config_.optimizer.lr,
      {.step = step, .steps_per_epoch = steps_per_epoch_, .epochs = config_.epochs});
}

// What has to agree for a state to be continued. Rates and the like may be changed on the way.
std::string Training::Describe() const {
  constexpr const char* kOptimizers[] = {"sgd", "adam", "adamw"};
  constexpr const char* kActivations[] = {"identity", "relu", "tanh", "gelu"};
  const ModelShape& shape = plan_.Compiled().shape;
  return fmt::format("{} ({} training rows), {}-[{}]-{} {}, {}+{}, batch {}, seed {}",
                     batches_.name, batches_.train.rows, shape.features,
                     fmt::join(shape.hidden, ","), shape.classes,
                     kActivations[static_cast<std::size_t>(shape.activation)],
                     kOptimizers[static_cast<std::size_t>(config_.optimizer.kind)],
                     shape.state_tensors, config_.batch_size, config_.seed);
}

}  // namespace ddl
