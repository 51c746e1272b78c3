// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_config.h"

#include <string_view>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/cuda/gpu_program.h"

namespace ddl {

namespace {

Error NotOnGpu(std::string_view what, std::string_view where) {
  return {fmt::format("{} on a GPU", what), where, "leave it out, or write device: cpu"};
}

}  // namespace

void CheckGpuConfig(const TrainerConfig& config) {
  if (config.model.needs_text) throw NotOnGpu("a transformer", "model.type");
  if (config.augment.IsOn()) throw NotOnGpu("augmentation", "augment");
  if (config.clip_norm > 0.0) throw NotOnGpu("a gradient that is clipped", "clip_norm");
  if (config.shuffle.kind == ShuffleKind::kBlocks) {
    throw NotOnGpu("data that stay in their file", "shuffle.type");
  }
  CheckGpuShape({.layers = config.model.layers,
                 .loss = config.loss,
                 .precision = config.precision,
                 .orthogonalises = config.optimizer.kind == OptimizerKind::kMuon});
}

}  // namespace ddl
