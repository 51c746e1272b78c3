// SPDX-License-Identifier: Apache-2.0
// A batch of each lane from data that stay in the memory of the device: features as they are
// stored, scaled as trainer/gather_kernels.cc does it, bit for bit; labels beside them.
#pragma once

#include "trainer/cuda/augment_body.h"
#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_numbers.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

// The data set in device memory.
template <class Stored>
struct StoredRows {
  const Stored* features = nullptr;      // [rows, width]
  const std::int32_t* labels = nullptr;  // [rows]
  std::uint32_t width = 0;
};

// What each lane makes of a feature: (x - mean) * scale. Lanes that validate on other rows have
// other means.
struct LaneScales {
  const float* mean = nullptr;   // [lanes, floats]
  const float* scale = nullptr;  // the same
  std::uint32_t floats = 1;      // one for all features, or one each
};

// Thirty-two threads a row, four columns a thread at a time. Rows behind the batch and padding
// columns become zero: what is computed of them adds zero to every gradient.
template <class Stored>
struct GatherBody {
  static constexpr std::uint32_t kThreads = 256;
  static constexpr std::uint32_t kPhases = 1;
  static constexpr std::size_t kSharedBytes = 0;
  static constexpr std::uint32_t kRowThreads = 32;
  static constexpr std::uint32_t kBlockRows = kThreads / kRowThreads;

  std::uint32_t blocks = 0;  // BlocksFor(rows, kBlockRows)
  StepBoard board;
  LaneFloats arena;
  StoredRows<Stored> data;
  LaneScales scales;
  LaneNumbers out;  // [rows, stride]
  std::uint32_t stride = 0;
  std::uint32_t rows = 0;          // of the place
  std::int32_t* labels = nullptr;  // [lanes, label_rows]
  std::uint32_t label_rows = 0;
  ImageChanges changes = {};  // of training images

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t row = at.block * kBlockRows + at.thread / kRowThreads;
    if (row >= rows) return;
    const std::uint32_t worker = at.thread % kRowThreads;
    const bool is_used = row < board.Step(at.lane).rows;
    const std::size_t source =
        is_used ? board.order[board.Entry(at.lane) * board.order_rows + row] : 0;
    const DrawnChange change =
        changes.is_on && is_used
            ? DrawImageChange(changes, board.Step(at.lane), static_cast<std::uint32_t>(source))
            : DrawnChange{};
    const bool has_whole_fours = !changes.is_on && data.width % kFour == 0;
    const Scale common = ScaleOf(at.lane, 0);
    for (std::uint32_t col = worker * kFour; col < stride; col += kRowThreads * kFour) {
      FourFloats four{};
      if (is_used && has_whole_fours && col < data.width) {
        four = WholeFour(at.lane, source, col, common);
      } else if (is_used) {
        for (std::uint32_t i = 0; i < kFour; ++i) {
          if (col + i < data.width) four.at[i] = Value(at.lane, source, change, col + i);
        }
      }
      out.PutFour(arena, at.lane, std::size_t{row} * stride + col, four);
    }
    if (worker != 0) return;
    labels[std::size_t{at.lane} * label_rows + row] = is_used ? data.labels[source] : 0;
  }

 private:
  struct Scale {
    float mean = 0.0F;
    float factor = 0.0F;
  };

  [[nodiscard]] DDL_INLINE float Value(std::uint32_t lane, std::size_t row,
                                       const DrawnChange& change, std::uint32_t col) const {
    if (!changes.is_on) return Scaled(lane, ValueAt(row, col), col);
    const ChangedSource from = SourceOf(changes, change, col);
    if (from.is_blank) return 0.0F;
    return Scaled(lane, from.is_outside ? 0.0F : ValueAt(row, from.col), col);
  }

  [[nodiscard]] DDL_INLINE float ValueAt(std::size_t row, std::uint32_t col) const {
    return static_cast<float>(data.features[row * data.width + col]);
  }

  struct alignas(kFour * sizeof(Stored)) StoredFour {
    Stored at[kFour];
  };
  [[nodiscard]] DDL_INLINE FourFloats WholeFour(std::uint32_t lane, std::size_t row,
                                                std::uint32_t col, const Scale& common) const {
    const auto stored =
        *reinterpret_cast<const StoredFour*>(data.features + row * data.width + col);
    FourFloats four{};
    DDL_UNROLL
    for (std::uint32_t i = 0; i < kFour; ++i) {
      const Scale own = scales.floats > 1 ? ScaleOf(lane, col + i) : common;
      four.at[i] = (static_cast<float>(stored.at[i]) - own.mean) * own.factor;
    }
    return four;
  }

  // A mean and scale for each feature are those of the place that a value comes to.
  [[nodiscard]] DDL_INLINE Scale ScaleOf(std::uint32_t lane, std::uint32_t col) const {
    const std::size_t own = std::size_t{lane} * scales.floats + (scales.floats > 1 ? col : 0);
    return {scales.mean[own], scales.scale[own]};
  }
  [[nodiscard]] DDL_INLINE float Scaled(std::uint32_t lane, float stored, std::uint32_t col) const {
    const Scale own = ScaleOf(lane, col);
    return (stored - own.mean) * own.factor;
  }
};

}  // namespace ddl
