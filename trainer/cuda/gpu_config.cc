// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_config.h"

#include "configs/error.h"
#include "trainer/cuda/gpu_program.h"

namespace ddl {

void CheckGpuConfig(const TrainerConfig& config) {
  if (config.shuffle.kind == ShuffleKind::kBlocks) {
    throw Error("data that stay in their file, on a GPU", "shuffle.type",
                "write shuffle: full, so that they are read into memory, or device: cpu");
  }
  CheckGpuShape({.layers = config.model.layers,
                 .loss = config.loss,
                 .precision = config.precision,
                 .orthogonalises = config.optimizer.kind == OptimizerKind::kMuon});
}

}  // namespace ddl
