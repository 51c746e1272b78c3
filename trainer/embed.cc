// SPDX-License-Identifier: Apache-2.0
#include "trainer/embed.h"

#include <algorithm>

#include "trainer/activation_kernels.h"

namespace ddl {

namespace {

// Calls function(row of the output, row of the table, row of the positions), in floats from their
// starts, token by token.
template <class Function>
void ForEachToken(const EmbedStage& stage, const LaneRun& run, Function function) {
  const std::size_t length = stage.output.places;
  const std::size_t stride = stage.output.values.Stride();
  for (std::size_t sample = 0; sample < run.rows; ++sample) {
    const float* tokens = run.At(stage.tokens) + sample * stage.tokens.Stride();
    for (std::size_t t = 0; t < length; ++t) {
      function((sample * length + t) * stride, static_cast<std::size_t>(tokens[t]) * stride,
               t * stride);
    }
  }
}

}  // namespace

void Forward(const EmbedStage& stage, const LaneRun& run) {
  const std::size_t stride = stage.output.values.Stride();
  const float* table = run.At(stage.table.value);
  const float* positions = run.At(stage.positions.value);
  float* output = run.At(stage.output.values);
  ForEachToken(stage, run, [&](std::size_t row, std::size_t token, std::size_t position) {
    std::copy_n(table + token, stride, output + row);
    AddElements(stride, positions + position, output + row);
  });
}

void Backward(const EmbedStage& stage, const LaneRun& run) {
  const std::size_t stride = stage.output.values.Stride();
  const float* gradient = run.At(stage.output.gradient);
  float* table = run.At(stage.table.gradient);
  float* positions = run.At(stage.positions.gradient);
  std::fill_n(table, stage.table.value.Floats(), 0.0F);
  std::fill_n(positions, stage.positions.value.Floats(), 0.0F);
  ForEachToken(stage, run, [&](std::size_t row, std::size_t token, std::size_t position) {
    AddElements(stride, gradient + row, table + token);
    AddElements(stride, gradient + row, positions + position);
  });
}

}  // namespace ddl
