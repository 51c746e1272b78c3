// SPDX-License-Identifier: Apache-2.0
#include "trainer/dropout.h"

#include <algorithm>

#include "trainer/initial_weights.h"
#include "trainer/random_kernels.h"

namespace ddl {

void Forward(const DropoutStage& stage, const LaneRun& run) {
  const std::size_t rows = run.Rows(stage.output);
  const std::size_t stride = stage.mask.Stride();
  DrawMask(DropoutPlace(run.settings.seed, run.step, stage.number), rows, stride,
           run.settings.dropout, run.At(stage.mask));
  MultiplyElements(rows * stride, run.At(stage.input.values), run.At(stage.mask),
                   run.At(stage.output.values));
}

void Evaluate(const DropoutStage& stage, const LaneRun& run) {
  std::copy_n(run.At(stage.input.values), run.Rows(stage.output) * stage.input.values.Stride(),
              run.At(stage.output.values));
}

void Backward(const DropoutStage& stage, const LaneRun& run) {
  MultiplyElements(run.Rows(stage.output) * stage.mask.Stride(), run.At(stage.output.gradient),
                   run.At(stage.mask), run.At(stage.input.gradient));
}

}  // namespace ddl
