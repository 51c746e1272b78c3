// SPDX-License-Identifier: Apache-2.0
// A convolution over images with its bias and activation: cross-correlation, as everywhere in the
// field.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "trainer/activation_kernels.h"
#include "trainer/convolution.h"
#include "trainer/image.h"
#include "trainer/parameter.h"
#include "trainer/pool.h"

namespace ddl {

struct ConvStage {
  static constexpr const char* kName = "conv";
  Window window;
  Activation activation = Activation::kIdentity;
  ImageLayout image;  // of the input
  ImageSize places;   // of the output
  Flow input;
  Tensor pre;  // the same place as the output's values unless kGelu
  Flow output;
  ModelParameter
      weight;  // [size * size * channels, outputs]: rows by window row, window column, channel
  ModelParameter bias;            // [1, outputs]; empty before a normalisation
  std::optional<PoolStage> pool;  // of the output, where one follows at once: done piece by piece
  std::shared_ptr<const Convolution> products;

  [[nodiscard]] std::array<const ModelParameter*, 2> Parameters() const { return {&weight, &bias}; }
  [[nodiscard]] double StepFlops(std::size_t samples) const;
};

void Forward(const ConvStage& stage, const LaneRun& run);

// From the gradient of the output: through the activation (in place), to bias, weight and input.
void Backward(const ConvStage& stage, const LaneRun& run);

}  // namespace ddl
