// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "trainer/config.h"

namespace ddl {

// Throws Error naming the key of what no GPU trains, before any device or data are looked for.
void CheckGpuConfig(const TrainerConfig& config);

}  // namespace ddl
