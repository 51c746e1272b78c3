// SPDX-License-Identifier: Apache-2.0
#include "trainer/shared_scratch.h"

#include <algorithm>
#include <cstddef>

namespace ddl {

namespace {

// Calls function(ModelParameter&) for the weights of dense layers and convolutions.
template <class Function>
void ForEachWeight(std::vector<Stage>& stages, Function function) {
  for (Stage& stage : stages) {
    if (auto* dense = std::get_if<DenseStage>(&stage)) function(dense->weight);
    if (auto* conv = std::get_if<ConvStage>(&stage)) function(conv->weight);
  }
}

bool IsOrthogonalised(const ModelParameter& weight) {
  return weight.second.IsEmpty();
}

std::size_t ShorterSide(const Tensor& matrix) {
  return std::min(matrix.rows, matrix.cols);
}

}  // namespace

void ShareStrip(std::vector<Stage>& stages, ModelMemory& memory) {
  std::size_t most = 0;
  for (const Stage& stage : stages) {
    const auto* dense = std::get_if<DenseStage>(&stage);
    if (dense != nullptr) most = std::max(most, StripFloats(dense->weight.value));
  }
  const Tensor strip = memory.Scratch("strip", 1, most);
  for (Stage& stage : stages) {
    if (auto* dense = std::get_if<DenseStage>(&stage)) dense->weight.gradient = strip;
  }
}

void ShareOrthogonalScratch(std::vector<Stage>& stages, ModelMemory& memory) {
  std::size_t most = 0;
  std::size_t side = 0;
  ForEachWeight(stages, [&](const ModelParameter& weight) {
    if (!IsOrthogonalised(weight)) return;
    most = std::max(most, weight.value.Floats());
    side = std::max(side, ShorterSide(weight.value));
  });
  const Tensor product = memory.Scratch("product", 1, most);
  const Tensor gram = memory.Scratch("gram", side, side);
  const Tensor square = memory.Scratch("square", side, side);
  ForEachWeight(stages, [&](ModelParameter& weight) {
    if (!IsOrthogonalised(weight)) return;
    const Tensor& w = weight.value;
    const std::size_t own = ShorterSide(w);
    weight.orthogonal = {.product = {.offset = product.offset, .rows = w.rows, .cols = w.cols},
                         .gram = {.offset = gram.offset, .rows = own, .cols = own},
                         .square = {.offset = square.offset, .rows = own, .cols = own}};
  });
}

}  // namespace ddl
