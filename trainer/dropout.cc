// SPDX-License-Identifier: Apache-2.0
#include "trainer/dropout.h"

#include "trainer/random_kernels.h"

namespace ddl {

void DropoutForward(const DropoutStage& stage, float* lane, std::size_t rows,
                    const RandomPlace& place, double rate) {
  const std::size_t stride = stage.mask.Stride();
  DrawMask(place, rows, stride, rate, lane + stage.mask.offset);
  MultiplyElements(rows * stride, lane + stage.input.offset, lane + stage.mask.offset,
                   lane + stage.output.offset);
}

void DropoutBackward(const DropoutStage& stage, float* lane, std::size_t rows) {
  float* gradient = lane + stage.gradient.offset;
  MultiplyElements(rows * stage.mask.Stride(), gradient, lane + stage.mask.offset, gradient);
}

}  // namespace ddl
