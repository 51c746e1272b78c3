// SPDX-License-Identifier: Apache-2.0
#include "trainer/initial_weights.h"

#include <algorithm>
#include <cmath>

#include "trainer/random_kernels.h"

namespace ddl {

namespace {

// The upper byte of a place's purpose; the layer is below. random.h numbers the others.
enum class Purpose : std::uint8_t { kWeight = 0x10, kBias = 0x11, kDropout = 0x12 };

RandomPlace PlaceOf(std::uint64_t seed, Purpose purpose, std::size_t layer) {
  constexpr unsigned kShift = 24;
  return {
      .seed = seed,
      .purpose = static_cast<std::uint32_t>(purpose) << kShift | static_cast<std::uint32_t>(layer)};
}

}  // namespace

void InitialiseWeights(const Model& model, Initialisation kind, std::uint64_t seed, float* lane) {
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const Tensor& weight = model.layers[layer].weight.value;
    const Tensor& bias = model.layers[layer].bias.value;
    const double share =
        (kind == Initialisation::kHe ? 6.0 : 1.0) / static_cast<double>(weight.rows);
    const auto bound = static_cast<float>(std::sqrt(share));
    DrawUniform(PlaceOf(seed, Purpose::kWeight, layer), weight, bound, lane + weight.offset);
    if (kind == Initialisation::kHe) {
      std::fill_n(lane + bias.offset, bias.Floats(), 0.0F);
    } else {
      DrawUniform(PlaceOf(seed, Purpose::kBias, layer), bias, bound, lane + bias.offset);
    }
  }
}

RandomPlace DropoutPlace(std::uint64_t seed, std::uint64_t step, std::size_t layer) {
  RandomPlace place = PlaceOf(seed, Purpose::kDropout, layer);
  place.step = static_cast<std::uint32_t>(step);
  return place;
}

}  // namespace ddl
