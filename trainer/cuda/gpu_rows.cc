// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_rows.h"

#include <cassert>
#include <variant>

namespace ddl {

namespace {

template <class Stored>
StoredRows<Stored> CopyRows(GpuDevice& device, const GpuData& data) {
  const std::size_t train = data.train.Rows();
  const std::size_t test = data.test.Rows();
  auto* features = AllocateOn<Stored>(device, (train + test) * data.features);
  auto* labels = AllocateOn<std::int32_t>(device, train + test);
  const auto copy = [&](const Split& split, std::size_t first) {
    if (split.Rows() == 0) return;
    const auto* stored = std::get_if<std::span<const Stored>>(&split.features);
    assert(stored != nullptr);
    UploadTo(device, features + first * data.features, *stored);
    UploadTo(device, labels + first, split.labels);
  };
  copy(data.train, 0);
  copy(data.test, train);
  return {
      .features = features, .labels = labels, .width = static_cast<std::uint32_t>(data.features)};
}

bool HasBytes(const GpuData& data) {
  return std::holds_alternative<std::span<const std::uint8_t>>(data.train.features);
}

}  // namespace

GpuDataShape ShapeOf(const GpuData& data) {
  return {.rows = data.train.Rows() + data.test.Rows(),
          .features = data.features,
          .bytes_each = HasBytes(data) ? sizeof(std::uint8_t) : sizeof(float),
          .scale_floats = data.affine.mean.size()};
}

GpuRows::GpuRows(GpuDevice& device, const GpuData& data)
    : rows_(data.train.Rows() + data.test.Rows()), features_(data.features) {
  if (HasBytes(data)) {
    places_ = CopyRows<std::uint8_t>(device, data);
  } else {
    places_ = CopyRows<float>(device, data);
  }
}

}  // namespace ddl
