// SPDX-License-Identifier: Apache-2.0
// How rows of a data set become a batch: scaled and, in a training, changed as the configuration
// asks. The same for data in memory and for data larger than it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "trainer/augment.h"
#include "trainer/batches.h"
#include "trainer/config.h"
#include "trainer/dataset.h"

namespace ddl {

class RowLoader {
 public:
  // Throws Error for an augmentation of what are no images. Nothing is kept of the arguments but
  // the scale.
  RowLoader(const TrainerConfig& config, const Dataset& dataset, Affine affine);

  // Of training images; without any, one that changes nothing.
  [[nodiscard]] Augmentation OfTraining() const { return augmentation_.value_or(Augmentation{}); }

  void Load(const Split& split, std::span<const std::uint32_t> rows, const BatchPlace& place) const;
  // Of training rows, in the epoch that the place names.
  void LoadForTraining(const Split& split, std::span<const std::uint32_t> rows,
                       const BatchPlace& place) const;

 private:
  Affine affine_;
  std::optional<Augmentation> augmentation_;
};

}  // namespace ddl
