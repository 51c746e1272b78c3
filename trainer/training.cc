// SPDX-License-Identifier: Apache-2.0
#include "trainer/training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/accounting.h"
#include "trainer/cpu_engine.h"
#include "trainer/probe.h"
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

// The sizes that the configuration or, without it, the data say.
std::optional<ImageShape> ImageOf(const ModelSettings& model, const TrainingBatches& batches) {
  if (!model.needs_image) return std::nullopt;
  std::vector<std::size_t> sizes = model.image.empty() ? batches.shape : model.image;
  if (sizes.size() == 2) sizes.push_back(1);
  const std::string shape = fmt::format("[{}]", fmt::join(batches.shape, ", "));
  if (sizes.size() != 3) {
    throw Error(fmt::format("rows of shape {} are no images", shape), "model.image",
                "say [height, width, channels], or use type: mlp");
  }
  if (sizes[0] * sizes[1] * sizes[2] == batches.features) {
    return ImageShape{.size = {.height = sizes[0], .width = sizes[1]}, .channels = sizes[2]};
  }
  throw Error(
      fmt::format("images of [{}] need {} numbers a row, and the data have {} {}",
                  fmt::join(sizes, ", "), sizes[0] * sizes[1] * sizes[2], batches.features, shape),
      "model.image", "give sizes whose product is that");
}

void CheckText(const ModelSettings& model, const TrainingBatches& batches) {
  if (model.needs_text == batches.is_text) return;
  if (model.needs_text) {
    throw Error(fmt::format("a transformer over {}", batches.name), "model.type",
                "name a text: data: {type: text, train: FILE}");
  }
  throw Error("a text needs a model of the next token", "model.type", "write type: transformer");
}

// Rows are what is counted: samples, or the tokens of a text.
double FlopsOfRow(const Model& model) {
  return StepFlops(model) / static_cast<double>(model.shape.batch * model.targets);
}

void CheckLoss(const TrainerConfig& config, const TrainingBatches& batches) {
  const bool is_regression = config.loss != LossKind::kCrossEntropy;
  if (is_regression == batches.is_regression) return;
  if (is_regression) {
    throw Error("a loss of real targets over classes", "loss.type",
                "say labels: real of the data, or leave the loss out");
  }
  throw Error("cross-entropy of real targets", "loss.type", "write mse, mae or huber");
}

// Which checkpoint is called best: the highest accuracy or, of a regression, the lowest loss.
bool IsBetter(const Quality& validation, const TrainingClock& clock) {
  if (validation.accuracy) return *validation.accuracy > clock.best_accuracy;
  return !clock.best_loss || validation.loss < *clock.best_loss;
}

void Remember(const Quality& validation, TrainingClock& clock) {
  if (validation.accuracy) {
    clock.best_accuracy = *validation.accuracy;
  } else {
    clock.best_loss = validation.loss;
  }
}

}  // namespace

ModelShape ShapeOf(const TrainerConfig& config, const TrainingBatches& batches) {
  if (config.device == DeviceKind::kCpu) {
    CheckPrecision(config.precision, HasBfloat16Products());
  }
  const std::optional<ImageShape> image = ImageOf(config.model, batches);
  CheckText(config.model, batches);
  CheckLoss(config, batches);
  const bool is_muon = config.optimizer.kind == OptimizerKind::kMuon;
  const bool is_wide = image || batches.is_text;  // a sample of many numbers
  return {.batch = config.batch_size,
          .evaluation_batch = is_wide ? config.batch_size : kEvaluationRows,
          .features = batches.features,
          .image = image,
          .classes = batches.classes,
          .layers = config.model.layers,
          .keeps_gradients = config.clip_norm > 0.0 || is_muon,
          .keeps_average = config.ema_decay > 0.0,
          .loss = config.loss,
          .precision = config.precision,
          .orthogonalises = is_muon,
          .state_tensors = StateTensors(config.optimizer)};
}

LaneSettings LaneOf(const TrainerConfig& config, const TrainingBatches& batches) {
  return {.seed = config.seed,
          .optimizer = config.optimizer,
          .dropout = config.model.dropout,
          .label_smoothing = config.label_smoothing,
          .huber_delta = config.huber_delta,
          .target = batches.target,
          .clip_norm = config.clip_norm,
          .ema_decay = config.ema_decay};
}

Training::Training(const TrainerConfig& config, const TrainingBatches& batches,
                   const TrainingOutlets& outlets)
    : Training(
          config, batches, outlets,
          std::make_unique<CpuEngine>(ShapeOf(config, batches), LaneOf(config, batches), batches)) {
}

Training::Training(const TrainerConfig& config, const TrainingBatches& batches,
                   const TrainingOutlets& outlets, std::unique_ptr<Engine> engine)
    : config_(config),
      batches_(batches),
      outlets_(outlets),
      steps_per_epoch_(StepsPerEpoch(config, batches.train.rows)),
      engine_(std::move(engine)),
      report_(config, batches, outlets.output_folder) {
  if (config.early_stopping.patience > 0 && batches.validation.rows == 0) {
    throw Error("early stopping without validation rows", "early_stopping",
                "give a validation share above 0");
  }
  if (outlets.checkpoint_folder) {
    checkpoints_.emplace(*outlets.checkpoint_folder, config.checkpoint);
  }
  Start();
}

TrainingEnd Training::Run() {
  while (clock_.epoch < LastEpoch() && !HasStalled(config_.early_stopping, clock_.progress)) {
    const TrainingEnd end = RunEpoch();
    if (end == TrainingEnd::kDiverged && checkpoints_) checkpoints_->Finish();
    if (end != TrainingEnd::kFinished) return end;
  }
  if (LastEpoch() < config_.epochs && clock_.epoch >= LastEpoch()) {
    outlets_.notes(fmt::format("done with its part, {} of {} epochs; another trial goes on",
                               clock_.epoch, config_.epochs));
    return TrainingEnd::kFinished;
  }
  if (clock_.epoch < config_.epochs) SayStalled();
  return FinishTraining() ? TrainingEnd::kFinished : TrainingEnd::kDiverged;
}

std::uint64_t Training::LastEpoch() const {
  return std::min(config_.epochs, outlets_.until.value_or(config_.epochs));
}

std::vector<float> Training::State() {
  const std::span<const float> state = engine_->State();
  return {state.begin(), state.end()};
}

// Continues from the newest checkpoint, else from drawn weights.
void Training::Start() {
  std::vector<std::string> notes;
  std::optional<Checkpoint> found;
  if (checkpoints_) {
    found = checkpoints_->LoadNewest(Describe(), engine_->Compiled().state_floats, notes);
  }
  for (const std::string& note : notes) {
    outlets_.notes(note);
  }
  if (!found) {
    engine_->Initialise(config_.model.init, config_.seed);
    return;
  }
  RefuseOtherData(found->header);
  clock_ = found->header.clock;
  engine_->SetState(found->state);
  outlets_.notes(
      fmt::format("continued after {} epochs and {} steps", clock_.epoch, clock_.step_in_epoch));
  if (found->header.arithmetic != engine_->Arithmetic()) {
    outlets_.notes(fmt::format("it ran under {} before and runs under {} now: the bits may differ",
                               found->header.arithmetic, engine_->Arithmetic()));
  }
}

// Rows that the state has not seen would pass for those that it has, held-out ones among them.
void Training::RefuseOtherData(const CheckpointHeader& header) const {
  const bool is_known = !header.data.empty() && !batches_.identity.empty();
  if (!is_known || header.data == batches_.identity) return;
  throw Error(
      fmt::format("the checkpoint is of other data: {}; not {}", header.data, batches_.identity),
      outlets_.checkpoint_folder->string(), "name another checkpoint folder, or empty this one");
}

TrainingEnd Training::RunEpoch() {
  const RowOrder order = batches_.order(clock_.epoch);
  const auto start = std::chrono::steady_clock::now();
  const bool is_finite = TakeSteps(order);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  clock_.seconds += spent.count();
  if (!is_finite) return TrainingEnd::kDiverged;
  if (clock_.step_in_epoch == steps_per_epoch_) {
    return FinishEpoch() ? TrainingEnd::kFinished : TrainingEnd::kDiverged;
  }
  Save(false);
  return TrainingEnd::kStopped;
}

// Steps to the end of the epoch or until asked to stop; false when the loss is no number any more.
bool Training::TakeSteps(const RowOrder& order) {
  while (clock_.step_in_epoch < steps_per_epoch_ && !outlets_.is_stop_asked()) {
    const std::span<const BatchScore> scores = TakeStretch(order);
    if (!has_stepped_) SayBegun();
    if (!Count(scores)) return false;
  }
  return true;
}

std::span<const BatchScore> Training::TakeStretch(const RowOrder& order) {
  const std::uint64_t count =
      std::min<std::uint64_t>(engine_->Stretch(), steps_per_epoch_ - clock_.step_in_epoch);
  const std::size_t first = clock_.step_in_epoch * config_.batch_size;
  const std::size_t rows =
      std::min<std::size_t>(count * config_.batch_size, batches_.train.rows - first);
  rows_.clear();
  steps_.clear();
  rows_.reserve(rows);  // so that what the steps refer to stays where it is
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t begin = rows_.size();
    const auto own = order(first + begin, std::min<std::size_t>(config_.batch_size, rows - begin));
    rows_.insert(rows_.end(), own.begin(), own.end());
    steps_.push_back({.rows = std::span<const std::uint32_t>(rows_).subspan(begin),
                      .epoch = clock_.epoch,
                      .number = clock_.iteration + i + 1,
                      .lr = RateAt(clock_.iteration + i)});
  }
  return engine_->Train(steps_);
}

// Up to the first loss that is no number; false where there is one.
bool Training::Count(std::span<const BatchScore> scores) {
  for (const BatchScore& score : scores) {
    ++clock_.iteration;
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
                             CountWeights(engine_->Compiled()), steps_per_epoch_,
                             engine_->Arithmetic()));
}

void Training::SayStalled() {
  const EarlyStoppingSettings& stopping = config_.early_stopping;
  outlets_.notes(fmt::format("stopped early after {} of {} epochs: {} was best, {}, {} epochs ago",
                             clock_.epoch, config_.epochs,
                             stopping.watches_loss ? "val_loss" : "val_accuracy",
                             *clock_.progress.best, clock_.progress.stale));
}

// The line goes out before the checkpoint: a kill between the two repeats a line, never loses one.
bool Training::FinishEpoch() {
  EpochMetrics metrics{.epoch = clock_.epoch + 1,
                       .iteration = clock_.iteration,
                       .train = ClassQuality(clock_.loss_sum, clock_.correct, clock_.rows),
                       .samples_per_s = static_cast<double>(clock_.rows) / clock_.seconds,
                       .limit_gflops = outlets_.limit_flops / kGiga,
                       .lr = RateAt(clock_.iteration - 1)};
  metrics.gflops = metrics.samples_per_s * FlopsOfRow(engine_->Compiled()) / kGiga;
  if (batches_.validation.rows > 0) metrics.validation = Measure(batches_.validation);
  if (metrics.validation && !IsFinite(*metrics.validation)) return false;
  if (batches_.is_regression) metrics.train.accuracy.reset();
  const bool is_best = metrics.validation && IsBetter(*metrics.validation, clock_);
  clock_ = {.epoch = clock_.epoch + 1,
            .iteration = clock_.iteration,
            .best_accuracy = clock_.best_accuracy,
            .best_loss = clock_.best_loss,
            .progress = metrics.validation
                            ? Advance(config_.early_stopping, clock_.progress, *metrics.validation)
                            : Progress{}};
  if (is_best) Remember(*metrics.validation, clock_);
  outlets_.metrics(EpochLine(metrics));
  const bool is_due = clock_.epoch % config_.checkpoint.every == 0;
  const bool is_last =
      clock_.epoch == LastEpoch() || HasStalled(config_.early_stopping, clock_.progress);
  if (is_due || is_best || is_last) Save(is_best, !is_last);
  return true;
}

bool Training::FinishTraining() {
  if (report_.WantsValidation()) {
    (void)Measure(batches_.validation, [this](auto rows, const OutputView& outputs) {
      report_.TakeValidation(rows, outputs);
    });
  }
  if (batches_.test.rows > 0) {
    const Quality test = Measure(batches_.test, [this](auto rows, const OutputView& outputs) {
      report_.TakeTest(rows, outputs);
    });
    if (!IsFinite(test)) return false;
    outlets_.metrics(TestLine(clock_.epoch, test));
  }
  const std::string table = report_.Finish({.training = Describe(),
                                            .arithmetic = engine_->Arithmetic(),
                                            .epoch = clock_.epoch,
                                            .iteration = clock_.iteration});
  if (!table.empty()) outlets_.notes(table);
  return true;
}

Quality Training::Measure(const Batches& part, const OutputWatcher& watcher) {
  const BatchScore sum = engine_->Evaluate(part, watcher);
  return batches_.is_regression ? RegressionQuality(sum)
                                : ClassQuality(sum.loss_sum, sum.correct, sum.rows);
}

void Training::Save(bool is_best, bool may_wait) {
  if (!checkpoints_ || (may_wait && !checkpoints_->Takes(is_best))) return;
  const Model& model = engine_->Compiled();
  CheckpointHeader header{.training = Describe(),
                          .arithmetic = engine_->Arithmetic(),
                          .clock = clock_,
                          .data = batches_.identity};
  for (const NamedTensor& named : model.layout.Tensors()) {
    if (named.tensor.offset < model.state_floats) header.tensors.push_back(named);
  }
  const std::span<const float> state = engine_->State();
  may_wait ? checkpoints_->Offer(header, state, is_best)
           : checkpoints_->Write(header, state, is_best);
}

double Training::RateAt(std::uint64_t step) const {
  return LearningRate(
      config_.schedule, config_.optimizer.lr,
      {.step = step, .steps_per_epoch = steps_per_epoch_, .epochs = config_.epochs});
}

// What has to agree for a state to be continued. Rates and the like may be changed on the way.
std::string Training::Describe() const {
  constexpr const char* kOptimizers[] = {"sgd", "adam", "adamw", "lion", "muon"};
  constexpr const char* kLosses[] = {"", " mse", " mae", " huber"};
  constexpr const char* kActivations[] = {"identity", "relu", "tanh", "gelu"};
  const ModelShape& shape = engine_->Compiled().shape;
  std::vector<std::string> layers;
  for (const Layer& layer : shape.layers) {
    layers.push_back(NameOf(layer));
  }
  const std::string input = shape.image
                                ? fmt::format("{}x{}x{}", shape.image->size.height,
                                              shape.image->size.width, shape.image->channels)
                                : fmt::format("{}", shape.features);
  return fmt::format("{} ({} training rows), {}-[{}]-{}{} {}, {}+{}{}, batch {}, seed {}",
                     batches_.name, batches_.train.rows, input, fmt::join(layers, ","),
                     shape.classes, kLosses[static_cast<std::size_t>(shape.loss)],
                     kActivations[static_cast<std::size_t>(config_.model.activation)],
                     kOptimizers[static_cast<std::size_t>(config_.optimizer.kind)],
                     shape.state_tensors, shape.keeps_average ? "+average" : "", config_.batch_size,
                     config_.seed);
}

}  // namespace ddl
