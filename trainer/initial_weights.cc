// SPDX-License-Identifier: Apache-2.0
#include "trainer/initial_weights.h"

#include <algorithm>
#include <cmath>

#include "trainer/random_kernels.h"

namespace ddl {

namespace {

// The upper byte of a place's purpose; the layer is below. random.h numbers the others.
enum class Purpose : std::uint8_t {
  kWeight = 0x10,
  kBias = 0x11,
  kDropout = 0x12,
  kTable = 0x13,
  kScores = 0x14
};

constexpr float kTableBound = 0.034641016F;  // of a uniform number whose deviation is 0.02

RandomPlace PlaceOf(std::uint64_t seed, Purpose purpose, std::size_t layer,
                    std::uint64_t step = 0) {
  constexpr unsigned kShift = 24;
  return {
      .seed = seed,
      .step = static_cast<std::uint32_t>(step),
      .purpose = static_cast<std::uint32_t>(purpose) << kShift | static_cast<std::uint32_t>(layer)};
}

void FillColumns(const Tensor& tensor, float value, float* at) {
  for (std::size_t row = 0; row < tensor.rows; ++row) {
    std::fill_n(at + row * tensor.Stride(), tensor.cols, value);
  }
}

}  // namespace

void InitialiseWeights(const Model& model, Initialisation kind, std::uint64_t seed, float* lane) {
  ForEachParameter(model.stages, [&](const ModelParameter& parameter) {
    const Tensor& value = parameter.value;
    float* at = lane + value.offset;
    const bool is_he = kind == Initialisation::kHe;
    const auto bound =
        static_cast<float>(std::sqrt((is_he ? 6.0 : 1.0) / static_cast<double>(parameter.fan_in)));
    switch (parameter.role) {
      case ParameterRole::kWeight:
        return DrawUniform(PlaceOf(seed, Purpose::kWeight, parameter.number), value, bound, at);
      case ParameterRole::kBias:
        if (!is_he) DrawUniform(PlaceOf(seed, Purpose::kBias, parameter.number), value, bound, at);
        return;
      case ParameterRole::kTable:
        return DrawUniform(PlaceOf(seed, Purpose::kTable, parameter.number), value, kTableBound,
                           at);
      case ParameterRole::kScale:
        return FillColumns(value, 1.0F, at);
      case ParameterRole::kShift:
        return;
    }
  });
  ForEachParameter(model.stages, [lane](const ModelParameter& parameter) {
    if (parameter.average.IsEmpty()) return;
    std::copy_n(lane + parameter.value.offset, parameter.value.Floats(),
                lane + parameter.average.offset);
  });
  for (const Stage& stage : model.stages) {
    const auto* norm = std::get_if<BatchNormStage>(&stage);
    if (norm == nullptr) continue;
    FillColumns(norm->running_variance, 1.0F, lane + norm->running_variance.offset);
  }
}

RandomPlace DropoutPlace(std::uint64_t seed, std::uint64_t step, std::size_t layer) {
  return PlaceOf(seed, Purpose::kDropout, layer, step);
}

RandomPlace ScoreMaskPlace(std::uint64_t seed, std::uint64_t step, std::size_t layer) {
  return PlaceOf(seed, Purpose::kScores, layer, step);
}

}  // namespace ddl
