// SPDX-License-Identifier: Apache-2.0
// What a step on a GPU reads and writes of its memory, counted from its operations.
#pragma once

#include <cstddef>
#include <vector>

#include "trainer/cuda/gpu_program.h"

namespace ddl {

struct StepBytes {
  double bytes = 0.0;  // of one lane
  std::size_t operations = 0;
};

// Of a training step with a whole batch, for a model of GpuShape over rows of bytes: what each
// operation reads and writes, each matrix once, padding included, as if nothing stayed in a cache
// from one operation to the next. Tables of a step, statistics of columns, losses of rows and what
// `augment` changes are left out.
[[nodiscard]] StepBytes CountStepBytes(const Model& model, ProductPrecision precision);

}  // namespace ddl
