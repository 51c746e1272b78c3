// SPDX-License-Identifier: Apache-2.0
#include "trainer/flatten.h"

#include <algorithm>

namespace ddl {

namespace {

// Calls function(image's pixel, row's part) in floats from the two starts, pixel by pixel.
template <class Function>
void ForEachPixel(const FlattenStage& stage, const LaneRun& run, Function function) {
  const Flow& images = stage.input;
  for (std::size_t sample = 0; sample < run.rows; ++sample) {
    for (std::size_t place = 0; place < images.places; ++place) {
      function((sample * images.places + place) * images.values.Stride(),
               sample * stage.output.values.Stride() + place * images.Width());
    }
  }
}

}  // namespace

void Forward(const FlattenStage& stage, const LaneRun& run) {
  const float* images = run.At(stage.input.values);
  float* rows = run.At(stage.output.values);
  ForEachPixel(stage, run, [&](std::size_t from, std::size_t to) {
    std::copy_n(images + from, stage.input.Width(), rows + to);
  });
}

void Backward(const FlattenStage& stage, const LaneRun& run) {
  const float* rows = run.At(stage.output.gradient);
  float* images = run.At(stage.input.gradient);
  ForEachPixel(stage, run, [&](std::size_t to, std::size_t from) {
    std::copy_n(rows + from, stage.input.Width(), images + to);
  });
}

}  // namespace ddl
