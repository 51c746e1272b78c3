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

// Mean and sum of squared deviations of the rows taken so far, a feature at a time.
struct Moments {
  double rows = 0.0;
  std::vector<double> mean;
  std::vector<double> squares;

  void Take(std::span<const float> values, std::size_t features, const RowRun& run) {
    if (run.count == 0) return;
    const std::span<const float> own = values.subspan(run.first * features, run.count * features);
    const auto count = static_cast<double>(run.count);
    std::vector<double> sum(features);
    std::vector<double> off(features);
    for (std::size_t row = 0; row < own.size(); row += features) {
      for (std::size_t j = 0; j < features; ++j) {
        sum[j] += static_cast<double>(own[row + j]);
      }
    }
    for (std::size_t row = 0; row < own.size(); row += features) {
      for (std::size_t j = 0; j < features; ++j) {
        const double far = static_cast<double>(own[row + j]) - sum[j] / count;
        off[j] += far * far;
      }
    }
    mean.resize(features);
    squares.resize(features);
    for (std::size_t j = 0; j < features; ++j) {
      const double apart = sum[j] / count - mean[j];
      squares[j] += off[j] + apart * apart * (rows * count / (rows + count));
      mean[j] += apart * (count / (rows + count));
    }
    rows += count;
  }
};

Affine AffineOf(const Moments& moments) {
  Affine affine{{}, {}};
  for (std::size_t j = 0; j < moments.mean.size(); ++j) {
    const double deviation = std::sqrt(moments.squares[j] / moments.rows);
    affine.mean.push_back(static_cast<float>(moments.mean[j]));
    affine.scale.push_back(deviation > 0.0 ? static_cast<float>(1.0 / deviation) : 0.0F);
  }
  return affine;
}

// `standardise` gives the scale of real features.
template <class Standardise>
Affine AffineFor(const Dataset& dataset, const Json& config, const Standardise& standardise) {
  const auto* reals = std::get_if<std::span<const float>>(&dataset.train.features);
  if (config.is_null()) {
    if (dataset.name == "fashion-mnist") return ByteAffine(0.2860, 0.3530);
    return reals != nullptr ? standardise(*reals) : ByteAffine(0.0, 1.0);
  }
  if (config == "none") return {};
  if (!config.is_object()) {
    throw Error(DumpJson(config) + " is no scale", "normalize",
                "write {mean: 0.286, std: 0.353}, none, or leave it away");
  }
  JsonSection section(config, "normalize");
  const double mean = section.Number("mean", 0.0, {.low = -1e30, .high = 1e30});
  const double deviation = section.Number("std", 1.0, {.excludes_low = true});
  section.Finish();
  if (reals == nullptr) return ByteAffine(mean, deviation);
  return {{static_cast<float>(mean)}, {static_cast<float>(1.0 / deviation)}};
}

}  // namespace

Affine MakeAffine(const Dataset& dataset, const Json& config,
                  std::span<const std::uint32_t> training_rows) {
  return AffineFor(dataset, config, [&](std::span<const float> values) {
    return Standardised(dataset, values, training_rows);
  });
}

Affine MakeStreamedAffine(const Dataset& dataset, const Json& config, const RowVisit& visit) {
  return AffineFor(dataset, config, [&](std::span<const float> values) {
    Moments moments;
    visit([&](const RowRun& run) { moments.Take(values, dataset.features, run); });
    return AffineOf(moments);
  });
}

}  // namespace ddl
