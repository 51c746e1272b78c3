// SPDX-License-Identifier: Apache-2.0
#include "trainer/parameter.h"

#include <cassert>

#include "trainer/muon.h"

namespace ddl {

void UpdateRange(const ModelParameter& parameter, const LaneRun& run, std::size_t start,
                 std::size_t count, const float* gradient) {
  const auto at = [&](const Tensor& tensor) {
    return tensor.IsEmpty() ? nullptr : run.At(tensor) + start;
  };
  UpdateWeights(run.rule, count, gradient,
                {.first = at(parameter.first), .second = at(parameter.second)},
                run.At(parameter.value) + start);
  if (parameter.average.IsEmpty()) return;
  MoveAverage(run.average_rate, count, run.At(parameter.value) + start, at(parameter.average));
}

void UpdateWhole(const ModelParameter& parameter, const LaneRun& run) {
  if (!parameter.orthogonal.product.IsEmpty()) return OrthogonalUpdate(parameter, run);
  assert(parameter.gradient.Floats() == parameter.value.Floats());
  UpdateRange(parameter, run, 0, parameter.value.Floats(), run.At(parameter.gradient));
}

}  // namespace ddl
