// SPDX-License-Identifier: Apache-2.0
#include "trainer/task.h"

#include <memory>
#include <utility>
#include <vector>

#include "trainer/split.h"

namespace ddl {

namespace {

// What the loading functions share and keep alive.
struct Source {
  const Dataset& dataset;
  SplitIndices split;
  Affine affine;
};

void LoadRows(const Split& split, const Affine& affine, std::span<const std::uint32_t> rows,
              const BatchPlace& place) {
  const std::size_t floats = rows.size() * place.stride;
  GatherRows(split, rows, affine, std::span(place.features, floats), place.stride);
  GatherLabels(split, rows, place.labels.first(rows.size()));
}

Batches ValidationOf(const std::shared_ptr<const Source>& source) {
  const auto load = [source](std::span<const std::uint32_t> rows, const BatchPlace& place) {
    std::vector<std::uint32_t> own;
    own.reserve(rows.size());
    for (const std::uint32_t row : rows) {
      own.push_back(source->split.validation[row]);
    }
    LoadRows(source->dataset.train, source->affine, own, place);
  };
  return {.rows = source->split.validation.size(), .load = load};
}

}  // namespace

TrainingBatches MakeBatches(const TrainerConfig& config, const Dataset& dataset) {
  const std::size_t rows = dataset.train.Rows();
  SplitIndices split = MakeSplit(rows, ValidationRows(config.validation, rows), config.seed);
  Affine affine = MakeAffine(dataset, config.normalize, split.train);
  const auto source =
      std::make_shared<const Source>(Source{dataset, std::move(split), std::move(affine)});
  TrainingBatches batches{.name = dataset.name,
                          .features = dataset.features,
                          .shape = dataset.shape,
                          .classes = dataset.classes};
  batches.train = {
      .rows = source->split.train.size(),
      .load = [source](std::span<const std::uint32_t> wanted, const BatchPlace& place) {
        LoadRows(source->dataset.train, source->affine, wanted, place);
      }};
  batches.validation = ValidationOf(source);
  batches.test = {.rows = dataset.test.Rows(),
                  .load = [source](std::span<const std::uint32_t> wanted, const BatchPlace& place) {
                    LoadRows(source->dataset.test, source->affine, wanted, place);
                  }};
  batches.order = [source, seed = config.seed](std::uint64_t epoch) {
    std::vector<std::uint32_t> order(source->split.train.size());
    EpochRows(seed, epoch, source->split.train, order);
    return order;
  };
  return batches;
}

}  // namespace ddl
