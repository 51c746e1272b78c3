// SPDX-License-Identifier: Apache-2.0
// Rows of a data set into a batch. Subtraction and product are rounded one by one everywhere, so
// every processor gives the same bits.
#include <cassert>

#include "trainer/clones.h"
#include "trainer/dataset.h"

namespace ddl {

namespace {

template <class Stored>
DDL_INLINE void ScaleRow(const Stored* row, std::size_t features, float mean, float scale,
                         float* out) {
  for (std::size_t j = 0; j < features; ++j) {
    out[j] = (static_cast<float>(row[j]) - mean) * scale;
  }
}

DDL_CLONES void ScaleBytes(const std::uint8_t* row, std::size_t features, float mean, float scale,
                           float* out) {
  ScaleRow(row, features, mean, scale, out);
}

DDL_CLONES void ScaleReals(const float* row, std::size_t features, float mean, float scale,
                           float* out) {
  ScaleRow(row, features, mean, scale, out);
}

template <class Stored>
void ScaleEach(const Stored* row, std::size_t features, const Affine& affine, float* out) {
  for (std::size_t j = 0; j < features; ++j) {
    out[j] = (static_cast<float>(row[j]) - affine.mean[j]) * affine.scale[j];
  }
}

// Rows lie anywhere: without being asked for, each would be waited for.
void Prefetch(const void* row, std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  const auto* at = static_cast<const char*>(row);
  for (std::size_t byte = 0; byte < bytes; byte += kLine)
    __builtin_prefetch(at + byte);
}

}  // namespace

void GatherRows(const Split& split, std::span<const std::uint32_t> rows, const Affine& affine,
                std::span<float> out, std::size_t stride) {
  if (split.Rows() == 0) return;
  std::visit(
      [&](const auto& values) {
        const std::size_t features = values.size() / split.Rows();
        const std::size_t step = stride == 0 ? features : stride;
        assert(step >= features && out.size() >= rows.size() * step);
        for (std::size_t i = 0; i < rows.size(); ++i) {
          constexpr std::size_t kAhead = 4;
          const auto* row = values.data() + std::size_t{rows[i]} * features;
          if (i + kAhead < rows.size()) {
            Prefetch(values.data() + std::size_t{rows[i + kAhead]} * features,
                     features * sizeof(*row));
          }
          float* place = out.data() + i * step;
          if (affine.mean.size() > 1) {
            ScaleEach(row, features, affine, place);
          } else if constexpr (sizeof(*row) == 1) {
            ScaleBytes(row, features, affine.mean[0], affine.scale[0], place);
          } else {
            ScaleReals(row, features, affine.mean[0], affine.scale[0], place);
          }
        }
      },
      split.features);
}

void GatherLabels(const Split& split, std::span<const std::uint32_t> rows,
                  std::span<std::int32_t> out) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out[i] = split.labels[rows[i]];
  }
}

}  // namespace ddl
