// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset_memory.h"

#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

FeatureView ViewOf(const Records& records, bool is_bytes) {
  if (is_bytes) return std::span<const std::uint8_t>(records.bytes);
  return std::span<const float>(records.reals);
}

void CheckPart(const ReadData& data, const Records& part, std::string_view name,
               const std::string& where) {
  const std::size_t features = data.Features();
  for (std::size_t row = 0; row < part.Rows(); ++row) {
    const std::int32_t label = part.labels[row];
    if (label < 0 || static_cast<std::size_t>(label) >= data.classes) {
      throw Error(
          fmt::format("label {} in {} row {} is not below {}", label, name, row + 1, data.classes),
          where, "labels are whole numbers from 0, the training part shows how many");
    }
    if (data.is_bytes) continue;
    for (std::size_t j = 0; j < features; ++j) {
      if (std::isfinite(part.reals[row * features + j])) continue;
      throw Error(fmt::format("feature {} in {} row {} is not finite", j + 1, name, row + 1), where,
                  "remove the row or mend the value");
    }
  }
}

}  // namespace

std::size_t ReadData::Features() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

DatasetMemory::DatasetMemory(Records train_part, Records test_part)
    : train(std::move(train_part)), test(std::move(test_part)) {}

Dataset::Dataset() = default;
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
  set.context = data.context;
  set.class_names = std::move(data.class_names);
  return set;
}

void CheckRead(const ReadData& data, const std::string& where) {
  if (data.train.Rows() == 0) throw Error("no training rows", where, "name data that has some");
  if (data.Features() == 0) throw Error("no features", where, "name data that has some");
  if (data.classes < 2) {
    throw Error(fmt::format("{} class", data.classes), where,
                "training a classifier needs labels of at least two classes");
  }
  CheckPart(data, data.train, "training", where);
  CheckPart(data, data.test, "test", where);
}

}  // namespace ddl
