// SPDX-License-Identifier: Apache-2.0
// A small classification problem in memory, as a training reads it: points around class centres.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "trainer/batches.h"

namespace ddl {

struct BlobRows {
  std::vector<float> features;
  std::vector<std::int32_t> labels;
};

inline Batches MakeBlobs(std::size_t rows, std::size_t features, std::size_t classes,
                         unsigned seed) {
  auto blobs = std::make_shared<BlobRows>();
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0.0F, 0.6F);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t label = row % classes;
    blobs->labels.push_back(static_cast<std::int32_t>(label));
    for (std::size_t i = 0; i < features; ++i) {
      blobs->features.push_back(noise(random) + (i % classes == label ? 2.0F : 0.0F));
    }
  }
  return {
      .rows = rows,
      .load = [blobs, features](std::span<const std::uint32_t> wanted, const BatchPlace& place) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
          std::copy_n(blobs->features.begin() + static_cast<std::ptrdiff_t>(wanted[i] * features),
                      features, place.features + i * place.stride);
          place.labels[i] = blobs->labels[wanted[i]];
        }
      }};
}

// 100 training, 30 validation and 30 test rows of 6 features in 3 classes.
inline TrainingBatches MakeBlobTraining() {
  return {.train = MakeBlobs(100, 6, 3, 1),
          .validation = MakeBlobs(30, 6, 3, 2),
          .test = MakeBlobs(30, 6, 3, 3),
          .order =
              [](std::uint64_t epoch) {
                std::vector<std::uint32_t> order(100);
                for (std::uint32_t i = 0; i < 100; ++i)
                  order[i] = i;
                std::shuffle(order.begin(), order.end(),
                             std::mt19937(static_cast<unsigned>(epoch)));
                return WholeOrder(std::move(order));
              },
          .name = "blobs",
          .features = 6,
          .classes = 3};
}

}  // namespace ddl
