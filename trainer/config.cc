// SPDX-License-Identifier: Apache-2.0
#include "trainer/config.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/json_section.h"

namespace ddl {

namespace {

using Names = std::array<std::string_view, 3>;
using NamePair = std::array<std::string_view, 2>;

constexpr NumberRange kNotNegative{};
constexpr NumberRange kPositive{.excludes_low = true};
constexpr NumberRange kFactor{.low = 1.0};
constexpr NumberRange kBelowOne{.high = 1.0, .excludes_high = true};

void ReadCnn(JsonSection& section, ModelSettings& model) {
  constexpr NamePair kNorms{"none", "batch"};
  model.needs_image = true;
  model.image = section.Counts("image");
  if (!model.image.empty() && model.image.size() != 3) {
    throw Error(fmt::format("{} sizes of an image", model.image.size()), section.Name("image"),
                "write [height, width, channels]");
  }
  const bool has_norm = section.Choice("norm", 0, kNorms) == 1;
  if (has_norm && model.activation == Activation::kGelu) {
    throw Error("gelu behind a normalisation", section.Name("activation"), "use relu or tanh");
  }
  model.layers = ParseLayers(
      section.Text("layers", "32c3-p-64c3-p-fc128"),
      {.activation = model.activation, .has_norm = has_norm, .has_dropout = model.dropout > 0.0});
}

void ReadTransformer(JsonSection& section, ModelSettings& model) {
  model.needs_text = true;
  model.activation = Activation::kGelu;
  const std::uint64_t depth = section.Count("depth", 4, 1);
  const std::uint64_t heads = section.Count("heads", 4, 1);
  const std::uint64_t width = section.Count("width", 128, 1);
  if (width % heads != 0) {
    throw Error(fmt::format("{} heads of a width of {}", heads, width), section.Name("heads"),
                "give a number that divides the width");
  }
  model.layers = TransformerLayers(depth, heads, width, model.dropout > 0.0);
}

ModelSettings ReadModel(JsonSection section) {
  constexpr std::array<std::string_view, 4> kTypes{"softmax", "mlp", "cnn", "transformer"};
  constexpr Names kActivations{"relu", "tanh", "gelu"};
  constexpr std::array kByName{Activation::kRelu, Activation::kTanh, Activation::kGelu};
  constexpr NamePair kInits{"uniform", "he"};
  ModelSettings model;
  const std::size_t type = section.Choice("type", 1, kTypes);
  if (type == 3) {
    model.dropout = section.Number("dropout", 0.0, kBelowOne);
    ReadTransformer(section, model);
  } else if (type != 0) {
    model.activation = kByName[section.Choice("activation", 0, kActivations)];
    model.dropout = section.Number("dropout", 0.0, kBelowOne);
  }
  if (type == 1) {
    std::vector<std::size_t> hidden = section.Counts("hidden");
    if (!section.Has("hidden")) hidden = {256, 128};
    if (hidden.empty()) {
      throw Error("an mlp without hidden layers", section.Name("hidden"),
                  "give at least one width, or write type: softmax");
    }
    model.layers = DenseLayers(hidden, model.activation, model.dropout > 0.0);
  }
  if (type == 2) ReadCnn(section, model);
  model.init =
      section.Choice("init", 0, kInits) == 0 ? Initialisation::kUniform : Initialisation::kHe;
  section.Finish();
  return model;
}

AugmentSettings ReadAugment(JsonSection section) {
  AugmentSettings augment;
  augment.crop = section.Count("crop", 0);
  augment.has_flips = section.Flag("flip", false);
  augment.cutout = section.Count("cutout", 0);
  section.Finish();
  return augment;
}

void ReadSgd(JsonSection& section, OptimizerSettings& optimizer) {
  optimizer.momentum = section.Number("momentum", 0.0, kBelowOne);
  optimizer.is_nesterov = section.Flag("nesterov", false);
  if (optimizer.is_nesterov && optimizer.momentum == 0.0) {
    throw Error("Nesterov without momentum", section.Name("nesterov"),
                "give a momentum above 0, or nesterov: false");
  }
}

void ReadBetas(JsonSection& section, OptimizerSettings& optimizer) {
  const bool is_lion = optimizer.kind == OptimizerKind::kLion;
  const auto betas = section.NumberPair("betas", {0.9, is_lion ? 0.99 : 0.999}, kBelowOne);
  optimizer.beta1 = betas.first;
  optimizer.beta2 = betas.second;
  if (!is_lion) optimizer.epsilon = section.Number("eps", 1e-8, kPositive);
}

// Hidden matrices, and by AdamW all else.
void ReadMuon(JsonSection& section, OptimizerSettings& optimizer) {
  optimizer.momentum = section.Number("momentum", 0.95, kBelowOne);
  optimizer.is_nesterov = section.Flag("nesterov", true);
  optimizer.adam_lr = section.Number("adam_lr", 3e-4, kNotNegative);
  const auto betas = section.NumberPair("betas", {0.9, 0.95}, kBelowOne);
  optimizer.beta1 = betas.first;
  optimizer.beta2 = betas.second;
  optimizer.epsilon = section.Number("eps", 1e-8, kPositive);
}

OptimizerSettings ReadOptimizer(JsonSection section) {
  constexpr std::array<std::string_view, 5> kTypes{"sgd", "adam", "adamw", "lion", "muon"};
  constexpr std::array kKinds{OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW,
                              OptimizerKind::kLion, OptimizerKind::kMuon};
  constexpr std::array kRates{0.1, 1e-3, 1e-3, 1e-4, 0.02};
  constexpr double kAdamWDecay = 0.01;
  OptimizerSettings optimizer;
  const std::size_t type = section.Choice("type", 0, kTypes);
  optimizer.kind = kKinds[type];
  const bool is_sgd = optimizer.kind == OptimizerKind::kSgd;
  const bool is_muon = optimizer.kind == OptimizerKind::kMuon;
  optimizer.lr = section.Number("lr", kRates[type], is_muon ? kPositive : kNotNegative);
  optimizer.weight_decay = section.Number(
      "weight_decay", optimizer.kind == OptimizerKind::kAdamW ? kAdamWDecay : 0.0, kNotNegative);
  if (is_sgd) {
    ReadSgd(section, optimizer);
  } else if (is_muon) {
    ReadMuon(section, optimizer);
  } else {
    ReadBetas(section, optimizer);
  }
  section.Finish();
  return optimizer;
}

ScheduleSettings ReadSchedule(JsonSection section) {
  constexpr std::array<std::string_view, 4> kTypes{"constant", "step", "cosine", "one-cycle"};
  constexpr std::array kKinds{ScheduleKind::kConstant, ScheduleKind::kStep, ScheduleKind::kCosine,
                              ScheduleKind::kOneCycle};
  ScheduleSettings schedule;
  schedule.kind = kKinds[section.Choice("type", 0, kTypes)];
  if (schedule.kind == ScheduleKind::kOneCycle) {  // has a warm-up of its own
    schedule.rise = section.Number("rise", 0.3, kBelowOne);
    schedule.start_factor = section.Number("start_factor", 25.0, kFactor);
    schedule.end_factor = section.Number("end_factor", 1e4, kFactor);
  } else {
    schedule.warmup_epochs = section.Number("warmup", 0.0, kNotNegative);
  }
  if (schedule.kind == ScheduleKind::kStep) {
    schedule.step_size = section.Number("step_size", 1.0, kPositive);
    schedule.gamma = section.Number("gamma", 0.1, kPositive);
  }
  if (schedule.kind == ScheduleKind::kCosine) {
    schedule.min_lr = section.Number("min_lr", 0.0, kNotNegative);
  }
  section.Finish();
  return schedule;
}

ShuffleSettings ReadShuffle(JsonSection section) {
  constexpr std::array<std::string_view, 4> kTypes{"by-size", "full", "blocks", "none"};
  constexpr std::array kKinds{ShuffleKind::kBySize, ShuffleKind::kFull, ShuffleKind::kBlocks,
                              ShuffleKind::kNone};
  constexpr std::uint64_t kMostMib = std::uint64_t{1} << 20U;
  ShuffleSettings shuffle;
  shuffle.kind = kKinds[section.Choice("type", 0, kTypes)];
  if (shuffle.kind != ShuffleKind::kFull) {
    shuffle.block_mib = section.Count("block_mib", shuffle.block_mib, 1);
    shuffle.window_mib =
        section.Count("window_mib",
                      std::max(shuffle.window_mib / shuffle.block_mib, std::uint64_t{1}) *
                          std::min(shuffle.block_mib, kMostMib),
                      1);
  }
  section.Finish();
  if (shuffle.window_mib % shuffle.block_mib != 0 || shuffle.window_mib > kMostMib) {
    throw Error(fmt::format("a window of {} MiB in blocks of {} MiB", shuffle.window_mib,
                            shuffle.block_mib),
                section.Name("window_mib"),
                fmt::format("give a multiple of block_mib, at most {}", kMostMib));
  }
  return shuffle;
}

// Dozens of trainings on one GPU may have an epoch each in a tenth of a second.
CheckpointSettings ReadCheckpoint(JsonSection section, DeviceKind device) {
  constexpr double kOnGpu = 2.0;
  CheckpointSettings checkpoint;
  checkpoint.every = section.Count("every", 1, 1);
  checkpoint.keep_last = section.Count("keep_last", 2, 1);
  checkpoint.min_interval_s =
      section.Number("min_interval_s", device == DeviceKind::kGpu ? kOnGpu : 0.0, kNotNegative);
  section.Finish();
  return checkpoint;
}

EarlyStoppingSettings ReadEarlyStopping(JsonSection section, LossKind loss) {
  constexpr NamePair kFigures{"val_accuracy", "val_loss"};
  const bool has_classes = loss == LossKind::kCrossEntropy;
  EarlyStoppingSettings stopping;
  stopping.patience = section.Count("patience", 0);
  stopping.watches_loss = section.Choice("metric", has_classes ? 0 : 1, kFigures) == 1;
  if (!has_classes && !stopping.watches_loss) {
    throw Error("the accuracy of a regression", section.Name("metric"), "write val_loss");
  }
  stopping.min_delta = section.Number("min_delta", 0.0, kNotNegative);
  section.Finish();
  return stopping;
}

void ReadLoss(JsonSection section, TrainerConfig& config) {
  constexpr std::array<std::string_view, 4> kTypes{"cross-entropy", "mse", "mae", "huber"};
  constexpr std::array kKinds{LossKind::kCrossEntropy, LossKind::kSquares, LossKind::kDistances,
                              LossKind::kHuber};
  config.loss = kKinds[section.Choice("type", 0, kTypes)];
  if (config.loss == LossKind::kCrossEntropy) {
    config.label_smoothing = section.Number("label_smoothing", 0.0, kBelowOne);
  }
  if (config.loss == LossKind::kHuber) config.huber_delta = section.Number("delta", 1.0, kPositive);
  section.Finish();
}

// What a training leaves behind when it has ended.
bool ReadKeep(JsonSection& section) {
  constexpr NamePair kThings{"none", "predictions"};
  return section.Choice("keep", 0, kThings) == 1;
}

int ReadThreads(JsonSection& section) {
  constexpr std::uint64_t kMost = 1024;
  const std::uint64_t threads = section.Count("threads", 1, 1);
  if (threads <= kMost) return static_cast<int>(threads);
  throw Error(fmt::format("{} threads", threads), section.Name("threads"),
              fmt::format("give at most {}", kMost));
}

void ReadDevice(JsonSection& section, TrainerConfig& config) {
  constexpr NamePair kDevices{"cpu", "gpu"};
  constexpr std::array<std::string_view, 4> kPrecisions{"float32", "tf32", "bf16", "fp32"};
  config.device = section.Choice("device", 0, kDevices) == 0 ? DeviceKind::kCpu : DeviceKind::kGpu;
  const std::size_t precision = section.Choice("precision", 0, kPrecisions);
  config.precision = precision == 2 ? Precision::kBfloat16 : Precision::kFloat32;
  config.has_tf32 = precision == 1;
  if (config.has_tf32 && config.device == DeviceKind::kCpu) {
    throw Error("tf32 on a processor", section.Name("precision"), "write float32, or device: gpu");
  }
  if (config.threads > 1 && config.device == DeviceKind::kGpu) {
    throw Error(fmt::format("{} threads for a training on a GPU", config.threads),
                section.Name("threads"), "leave it out: its products are the GPU's");
  }
}

void CheckMuon(const TrainerConfig& config) {
  const auto has_matrix = [](const Layer& layer) {
    return !std::holds_alternative<PoolLayer>(layer) &&
           !std::holds_alternative<EmbedLayer>(layer) &&
           !std::holds_alternative<LayerNormLayer>(layer);
  };
  const bool is_muon = config.optimizer.kind == OptimizerKind::kMuon;
  if (!is_muon || std::ranges::any_of(config.model.layers, has_matrix)) return;
  throw Error("muon without a hidden matrix", "optimizer.type",
              "use adamw, or give the model hidden layers");
}

// A warm-up that outlasts the training would never reach the asked rate.
void CheckWarmup(const TrainerConfig& config) {
  if (config.schedule.warmup_epochs <= static_cast<double>(config.epochs)) return;
  throw Error(fmt::format("warm-up of {} epochs in a training of {}",
                          FormatNumber(config.schedule.warmup_epochs), config.epochs),
              "schedule.warmup", "make it shorter, or train for more epochs");
}

}  // namespace

TrainerConfig ReadTrainerConfig(const Json& mapping) {
  JsonSection section(mapping, "");
  TrainerConfig config;
  config.data = section.Raw("data");
  if (config.data.is_null()) {
    throw Error("no data", "data", "name a data set, such as fashion-mnist or blobs");
  }
  config.normalize = section.Raw("normalize");
  config.validation = section.Raw("validation");
  config.augment = ReadAugment(section.Below("augment"));
  config.shuffle = ReadShuffle(section.Below("shuffle"));
  config.model = ReadModel(section.Below("model"));
  config.optimizer = ReadOptimizer(section.Below("optimizer"));
  config.schedule = ReadSchedule(section.Below("schedule"));
  ReadLoss(section.Below("loss"), config);
  config.clip_norm = section.Number("clip_norm", 0.0, kNotNegative);
  config.ema_decay = section.Number("ema_decay", 0.0, kBelowOne);
  config.early_stopping = ReadEarlyStopping(section.Below("early_stopping"), config.loss);
  config.epochs = section.Count("epochs", 1, 1);
  config.steps_per_epoch = section.Count("steps_per_epoch", 0);
  config.batch_size = section.Count("batch_size", 128, 1);
  config.drop_last = section.Flag("drop_last", false);
  config.seed = section.Count("seed", 0);
  config.threads = ReadThreads(section);
  ReadDevice(section, config);
  config.checkpoint = ReadCheckpoint(section.Below("checkpoint"), config.device);
  config.keeps_predictions = ReadKeep(section);
  section.Finish();
  CheckWarmup(config);
  CheckMuon(config);
  return config;
}

void SetPath(Json& mapping, std::string_view path, const Json& value) {
  if (!mapping.is_object() && !mapping.is_null()) {
    throw Error(fmt::format("{} is not a mapping", DumpJson(mapping)), path,
                "write keys and values: {key: value}");
  }
  Json* at = &mapping;
  std::string_view rest = path;
  for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    Json& below = (*at)[std::string(rest.substr(0, dot))];
    if (below.is_string()) below = Json{{"type", below}};
    if (!below.is_null() && !below.is_object()) {
      throw Error(fmt::format("{} stands in the way", DumpJson(below)), path,
                  "only keys of mappings can be set");
    }
    at = &below;
    rest.remove_prefix(dot + 1);
  }
  if (rest.empty()) throw Error("empty key", path, "write key or section.key");
  (*at)[std::string(rest)] = value;
}

void Override(Json& mapping, const Json& parameters) {
  if (!parameters.is_object()) {
    throw Error("parameters are not a mapping", "", "write {\"optimizer.lr\": 0.1}");
  }
  for (const auto& [key, value] : parameters.items()) {
    if (!value.is_object()) {
      SetPath(mapping, key, value);
      continue;
    }
    Json flat = Json::object();
    for (const auto& [inner, inner_value] : value.items()) {
      flat[fmt::format("{}.{}", key, inner)] = inner_value;
    }
    Override(mapping, flat);
  }
}

}  // namespace ddl
