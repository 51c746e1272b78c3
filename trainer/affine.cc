// SPDX-License-Identifier: Apache-2.0
// The scale on which a training sees its features.
#include <cmath>
#include <string>

#include "configs/error.h"
#include "trainer/dataset.h"
#include "trainer/json_section.h"

namespace ddl {

namespace {

constexpr double kByteScale = 255.0;

Affine ByteAffine(double mean, double deviation) {
  return {{static_cast<float>(mean * kByteScale)},
          {static_cast<float>(1.0 / (deviation * kByteScale))}};
}

Affine Standardised(const Dataset& dataset, std::span<const float> values,
                    std::span<const std::uint32_t> rows) {
  const std::size_t features = dataset.features;
  std::vector<double> sum(features);
  std::vector<double> squares(features);
  for (const std::uint32_t row : rows) {
    for (std::size_t j = 0; j < features; ++j) {
      sum[j] += static_cast<double>(values[row * features + j]);
    }
  }
  const auto count = static_cast<double>(rows.size());
  for (const std::uint32_t row : rows) {
    for (std::size_t j = 0; j < features; ++j) {
      const double off = static_cast<double>(values[row * features + j]) - sum[j] / count;
      squares[j] += off * off;
    }
  }
  Affine affine{std::vector<float>(features), std::vector<float>(features)};
  for (std::size_t j = 0; j < features; ++j) {
    affine.mean[j] = static_cast<float>(sum[j] / count);
    const double deviation = std::sqrt(squares[j] / count);
    affine.scale[j] = deviation > 0.0 ? static_cast<float>(1.0 / deviation) : 0.0F;
  }
  return affine;
}

Affine DefaultAffine(const Dataset& dataset, std::span<const std::uint32_t> rows) {
  if (dataset.name == "fashion-mnist") return ByteAffine(0.2860, 0.3530);
  if (const auto* reals = std::get_if<std::span<const float>>(&dataset.train.features)) {
    return Standardised(dataset, *reals, rows);
  }
  return ByteAffine(0.0, 1.0);
}

}  // namespace

Affine MakeAffine(const Dataset& dataset, const Json& config,
                  std::span<const std::uint32_t> training_rows) {
  const bool is_bytes =
      std::holds_alternative<std::span<const std::uint8_t>>(dataset.train.features);
  if (config.is_null()) return DefaultAffine(dataset, training_rows);
  if (config == "none") return {};
  if (!config.is_object()) {
    throw Error(DumpJson(config) + " is no scale", "normalize",
                "write {mean: 0.286, std: 0.353}, none, or leave it away");
  }
  JsonSection section(config, "normalize");
  const double mean = section.Number("mean", 0.0, {.low = -1e30, .high = 1e30});
  const double deviation = section.Number("std", 1.0, {.excludes_low = true});
  section.Finish();
  if (is_bytes) return ByteAffine(mean, deviation);
  return {{static_cast<float>(mean)}, {static_cast<float>(1.0 / deviation)}};
}

}  // namespace ddl
