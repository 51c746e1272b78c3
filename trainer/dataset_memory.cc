// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset_memory.h"

#include <atomic>
#include <functional>
#include <numeric>
#include <utility>

namespace ddl {

namespace {

FeatureView ViewOf(const Records& records, bool is_bytes) {
  if (is_bytes) return std::span<const std::uint8_t>(records.bytes);
  return std::span<const float>(records.reals);
}

}  // namespace

std::size_t ReadData::Features() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

DatasetMemory::DatasetMemory(Records train_part, Records test_part)
    : train(std::move(train_part)), test(std::move(test_part)) {}

Dataset::Dataset() {
  static std::atomic<std::uint64_t> made = 0;
  serial = ++made;
}

Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

Dataset KeepInMemory(ReadData data) {
  Dataset set;
  set.features = data.Features();
  auto memory = std::make_unique<DatasetMemory>(std::move(data.train), std::move(data.test));
  set.train = {ViewOf(memory->train, data.is_bytes), memory->train.labels};
  set.test = {ViewOf(memory->test, data.is_bytes), memory->test.labels};
  set.memory = std::move(memory);
  set.name = std::move(data.name);
  set.shape = std::move(data.shape);
  set.classes = data.classes;
  set.has_real_targets = data.has_real_targets;
  set.context = data.context;
  set.constants = std::move(data.constants);
  set.identity = std::move(data.identity);
  set.class_names = std::move(data.class_names);
  return set;
}

}  // namespace ddl
