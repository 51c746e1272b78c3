// SPDX-License-Identifier: Apache-2.0
// A batch of each lane from data that stay in the memory of the device: features as they are
// stored, scaled as trainer/gather_kernels.cc does it, bit for bit; labels beside them.
#pragma once

#include "trainer/cuda/kernel_body.h"
#include "trainer/cuda/lane_step.h"

namespace ddl {

// The data set in device memory.
template <class Stored>
struct StoredRows {
  const Stored* features = nullptr;      // [rows, width]
  const std::int32_t* labels = nullptr;  // [rows]
  const float* mean = nullptr;           // one for all features, or one each
  const float* scale = nullptr;          // as many
  std::uint32_t width = 0;
  bool is_scaled_each = false;
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
  std::size_t out = 0;  // [rows, stride] of the lane
  std::uint32_t stride = 0;
  std::uint32_t rows = 0;          // of the place
  std::int32_t* labels = nullptr;  // [lanes, label_rows]
  std::uint32_t label_rows = 0;

  DDL_INLINE void Run(std::uint32_t /*phase*/, const ThreadPlace& at, void* /*shared*/) const {
    const std::uint32_t row = at.block * kBlockRows + at.thread / kRowThreads;
    if (row >= rows) return;
    const std::uint32_t worker = at.thread % kRowThreads;
    const bool is_used = row < board.Step(at.lane).rows;
    const std::size_t source =
        is_used ? board.order[board.Entry(at.lane) * board.order_rows + row] : 0;
    float* line = arena.At(at.lane, out + std::size_t{row} * stride);
    for (std::uint32_t col = worker * kFour; col < stride; col += kRowThreads * kFour) {
      FourFloats four{};
      for (std::uint32_t i = 0; i < kFour; ++i) {
        if (is_used && col + i < data.width) four.at[i] = Scaled(source, col + i);
      }
      *reinterpret_cast<FourFloats*>(line + col) = four;
    }
    if (worker != 0) return;
    labels[std::size_t{at.lane} * label_rows + row] = is_used ? data.labels[source] : 0;
  }

 private:
  [[nodiscard]] DDL_INLINE float Scaled(std::size_t row, std::uint32_t col) const {
    const std::uint32_t own = data.is_scaled_each ? col : 0;
    const auto stored = static_cast<float>(data.features[row * data.width + col]);
    return (stored - data.mean[own]) * data.scale[own];
  }
};

}  // namespace ddl
