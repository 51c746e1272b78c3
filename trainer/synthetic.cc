// SPDX-License-Identifier: Apache-2.0
#include "trainer/synthetic.h"

#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "trainer/random.h"

namespace ddl {

namespace {

// Independent tables of one data set.
enum Part : std::uint8_t { kCentres = 1, kNoise = 2, kTestNoise = 3, kPlace = 4, kTestPlace = 5 };

RandomStream StreamOf(std::uint64_t seed, Part part) {
  return {.seed = seed, .purpose = RandomPurpose::kSynthetic, .part = part};
}

// Classes take turns, so every part has equally many of each.
std::int32_t ClassOf(std::size_t row, std::size_t classes) {
  return static_cast<std::int32_t>(row % classes);
}

Records BlobRows(const SyntheticSettings& settings, std::size_t rows, Part noise,
                 const std::vector<float>& centres) {
  Records records;
  records.reals.resize(rows * settings.features);
  FillNormal(StreamOf(settings.seed, noise), 0, static_cast<float>(settings.noise), records.reals);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::int32_t label = ClassOf(row, settings.classes);
    records.labels.push_back(label);
    for (std::size_t j = 0; j < settings.features; ++j) {
      records.reals[row * settings.features + j] +=
          centres[static_cast<std::size_t>(label) * settings.features + j];
    }
  }
  return records;
}

Records SpiralRows(const SyntheticSettings& settings, std::size_t rows, Part noise, Part place) {
  constexpr double kTurns = 1.75;
  Records records;
  records.reals.resize(rows * 2);
  FillNormal(StreamOf(settings.seed, noise), 0, static_cast<float>(settings.noise), records.reals);
  std::vector<float> along(rows);
  FillUniform(StreamOf(settings.seed, place), 0, {.low = 0.05F, .high = 1.0F}, along);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::int32_t label = ClassOf(row, settings.classes);
    records.labels.push_back(label);
    const double radius = along[row];
    const double angle =
        2.0 * std::numbers::pi * (kTurns * radius + label / static_cast<double>(settings.classes));
    records.reals[row * 2] += static_cast<float>(radius * std::cos(angle));
    records.reals[row * 2 + 1] += static_cast<float>(radius * std::sin(angle));
  }
  return records;
}

// All that the training rows depend on.
std::string OriginOf(const SyntheticSettings& settings, const ReadData& data) {
  return fmt::format("{} {} of {} numbers in {} classes, noise {}, seed {}", settings.rows,
                     data.name, data.Features(), settings.classes, settings.noise, settings.seed);
}

}  // namespace

ReadData MakeBlobs(const SyntheticSettings& settings) {
  std::vector<float> centres(settings.classes * settings.features);
  FillUniform(StreamOf(settings.seed, kCentres), 0, {.low = -3.0F, .high = 3.0F}, centres);
  ReadData data{.name = "blobs", .shape = {settings.features}, .classes = settings.classes};
  data.identity = OriginOf(settings, data);
  data.train = BlobRows(settings, settings.rows, kNoise, centres);
  data.test = BlobRows(settings, settings.test_rows, kTestNoise, centres);
  return data;
}

ReadData MakeSpirals(const SyntheticSettings& settings) {
  ReadData data{.name = "spirals", .shape = {2}, .classes = settings.classes};
  data.identity = OriginOf(settings, data);
  data.train = SpiralRows(settings, settings.rows, kNoise, kPlace);
  data.test = SpiralRows(settings, settings.test_rows, kTestNoise, kTestPlace);
  return data;
}

}  // namespace ddl
