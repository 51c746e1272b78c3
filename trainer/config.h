// SPDX-License-Identifier: Apache-2.0
// What a training is told: the `trainer:` mapping of a spec, typed and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "configs/json.h"
#include "trainer/activation_kernels.h"
#include "trainer/augment.h"
#include "trainer/bfloat16.h"
#include "trainer/early_stopping.h"
#include "trainer/initial_weights.h"
#include "trainer/layer.h"
#include "trainer/optimizer.h"
#include "trainer/regression.h"
#include "trainer/schedule.h"

namespace ddl {

struct ModelSettings {
  std::vector<Layer> layers;  // empty: softmax regression
  bool needs_image = false;
  bool needs_text = false;
  std::vector<std::size_t> image;  // height, width, channels; empty: as the data say
  Activation activation = Activation::kRelu;
  double dropout = 0.0;
  Initialisation init = Initialisation::kUniform;
};

enum class ShuffleKind : std::uint8_t { kBySize, kFull, kBlocks, kNone };

struct ShuffleSettings {
  ShuffleKind kind = ShuffleKind::kBySize;
  std::uint64_t block_mib = 4;    // rows that lie side by side
  std::uint64_t window_mib = 64;  // blocks that are shuffled together, a multiple of block_mib
};

struct CheckpointSettings {
  std::uint64_t every = 1;      // epochs between two
  std::uint64_t keep_last = 2;  // besides the best
  double min_interval_s = 0.0;  // none is written sooner after another, but at ends and on a stop
};

enum class DeviceKind : std::uint8_t { kCpu, kGpu };

struct TrainerConfig {
  Json data;        // read by the data set's loader
  Json validation;  // read with the data set's size: a share below 1, or a count
  Json normalize;   // read with the data set: null is its own scale
  AugmentSettings augment;
  ShuffleSettings shuffle;
  ModelSettings model;
  OptimizerSettings optimizer;
  ScheduleSettings schedule;
  LossKind loss = LossKind::kCrossEntropy;
  double huber_delta = 1.0;
  double label_smoothing = 0.0;
  double clip_norm = 0.0;  // 0: off
  double ema_decay = 0.0;  // 0: no moving average of the weights
  EarlyStoppingSettings early_stopping;
  std::uint64_t epochs = 1;
  std::uint64_t steps_per_epoch = 0;  // 0: as many as the data have
  std::uint64_t batch_size = 128;
  bool drop_last = false;
  std::uint64_t seed = 0;
  int threads = 1;  // of the matrix library
  DeviceKind device = DeviceKind::kCpu;
  Precision precision = Precision::kFloat32;
  bool has_tf32 = false;  // products of float32 factors that are rounded to TensorFloat-32
  CheckpointSettings checkpoint;
  bool keeps_predictions = false;  // of the last weights, for validation and test rows
};

// Throws Error naming the key for anything unknown, of another type, out of range or contradictory.
// Nothing is clipped and nothing is ignored.
[[nodiscard]] TrainerConfig ReadTrainerConfig(const Json& mapping);

// Sets a dotted path ("optimizer.lr") in a mapping, making the mappings on the way; where a text
// stands on the way ("optimizer: adam"), it becomes the `type` of a mapping. Throws Error where a
// list or number is in the way.
void SetPath(Json& mapping, std::string_view path, const Json& value);

// Lays `parameters` over `mapping`: keys are dotted paths, mappings are merged key by key.
void Override(Json& mapping, const Json& parameters);

}  // namespace ddl
