// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_config.h"

#include "configs/error.h"

namespace ddl {

void CheckGpuConfig(const TrainerConfig& config) {
  if (config.shuffle.kind == ShuffleKind::kBlocks) {
    throw Error("data that stay in their file, on a GPU", "shuffle.type",
                "write shuffle: full, so that they are read into memory, or device: cpu");
  }
}

}  // namespace ddl
