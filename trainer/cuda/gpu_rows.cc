// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_rows.h"

#include <cassert>
#include <variant>

namespace ddl {

namespace {

// What is stored: of a text its tokens.
std::size_t CountStored(const GpuData& data, const Split& split) {
  if (!data.is_text) return split.Rows();
  const auto* tokens = std::get_if<std::span<const std::uint8_t>>(&split.features);
  return tokens == nullptr ? 0 : tokens->size();
}

std::size_t CountStored(const GpuData& data) {
  return CountStored(data, data.train) + CountStored(data, data.test);
}

template <class Stored>
StoredRows<Stored> CopyRows(GpuDevice& device, const GpuData& data) {
  const std::size_t rows = CountStored(data);
  const std::size_t width = data.is_text ? 1 : data.features;
  auto* features = AllocateOn<Stored>(device, rows * width);
  auto* labels = data.is_text ? nullptr : AllocateOn<std::int32_t>(device, rows);
  const auto copy = [&](const Split& split, std::size_t first) {
    if (CountStored(data, split) == 0) return;
    const auto* stored = std::get_if<std::span<const Stored>>(&split.features);
    assert(stored != nullptr);
    UploadTo(device, features + first * width, *stored);
    if (!data.is_text) UploadTo(device, labels + first, split.labels);
  };
  copy(data.train, 0);
  copy(data.test, CountStored(data, data.train));
  return {.features = features, .labels = labels, .width = static_cast<std::uint32_t>(width)};
}

bool HasBytes(const GpuData& data) {
  return std::holds_alternative<std::span<const std::uint8_t>>(data.train.features);
}

}  // namespace

GpuData DataFrom(const Dataset& dataset, const Affine& affine) {
  return {.train = dataset.train,
          .test = dataset.test,
          .features = dataset.features,
          .affine = affine,
          .is_text = dataset.context > 0};
}

GpuDataShape ShapeOf(const GpuData& data) {
  return {.rows = CountStored(data),
          .features = data.is_text ? 1 : data.features,
          .bytes_each = HasBytes(data) ? sizeof(std::uint8_t) : sizeof(float),
          .scale_floats = data.affine.mean.size(),
          .labels_each = data.is_text ? 0U : 1U};
}

GpuRows::GpuRows(GpuDevice& device, const GpuData& data)
    : rows_(CountStored(data)), features_(data.features), is_text_(data.is_text) {
  if (is_text_) {  // the last window has a token behind it
    assert(rows_ > features_);
    rows_ -= features_;
  }
  if (HasBytes(data)) {
    places_ = CopyRows<std::uint8_t>(device, data);
  } else {
    places_ = CopyRows<float>(device, data);
  }
}

}  // namespace ddl
