// SPDX-License-Identifier: Apache-2.0
#include "trainer/row_loader.h"

#include <utility>

namespace ddl {

RowLoader::RowLoader(const TrainerConfig& config, const Dataset& dataset, Affine affine)
    : affine_(std::move(affine)) {
  if (!config.augment.IsOn()) return;
  const auto& sizes = config.model.image.empty() ? dataset.shape : config.model.image;
  augmentation_ = MakeAugmentation(config.augment, sizes, dataset.features, config.seed);
}

void RowLoader::Load(const Split& split, std::span<const std::uint32_t> rows,
                     const BatchPlace& place) const {
  GatherRows(split, rows, affine_, std::span(place.features, rows.size() * place.stride),
             place.stride);
  GatherLabels(split, rows, place.labels.first(rows.size()));
}

void RowLoader::LoadForTraining(const Split& split, std::span<const std::uint32_t> rows,
                                const BatchPlace& place) const {
  if (!augmentation_) return Load(split, rows, place);
  GatherChanged(split, rows, affine_, *augmentation_, place.epoch,
                std::span(place.features, rows.size() * place.stride), place.stride);
  GatherLabels(split, rows, place.labels.first(rows.size()));
}

}  // namespace ddl
