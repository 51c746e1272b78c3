// SPDX-License-Identifier: Apache-2.0
// The memory of lanes on a device, known before the first byte of it is allocated, and how many
// lanes fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trainer/model.h"

namespace ddl {

// What is resident of a data set: rows of training and test, in the order of training, then test.
struct GpuDataShape {
  std::size_t rows = 0;
  std::size_t features = 0;
  std::size_t bytes_each = 1;    // of a stored feature
  std::size_t scale_floats = 1;  // of mean and of scale
  std::size_t labels_each = 1;   // none of a text, whose rows are its tokens
  bool is_handed_over = false;   // no rows lie there: each lane has those of a stretch
};

struct GpuMemory {
  std::size_t lane = 0;    // of each lane: its arena and its share of the tables
  std::size_t shared = 0;  // of all together: data, places of updates, the library's workspace

  [[nodiscard]] std::size_t Bytes(std::size_t lanes) const { return shared + lanes * lane; }
};

// For stretches of `stretch` steps. Bytes that are asked for; the driver rounds up each allocation.
[[nodiscard]] GpuMemory CountGpuMemory(const ModelShape& shape, const GpuDataShape& data,
                                       std::size_t stretch);

// What is left of free memory, if a tenth of it is less, to what asks for memory without saying how
// much: loaded kernels, graphs, the driver's rounding.
inline constexpr std::size_t kLeastGpuHeadroom = std::size_t{512} << 20U;

// Of a device: what nobody has taken of its memory now, and all of it.
struct GpuSpace {
  std::size_t free_bytes = 0;
  std::size_t total_bytes = ~std::size_t{0};
};

// The most lanes, `wanted` at most, that fit in nine tenths of what is free, or in less where
// kLeastGpuHeadroom is more. Throws GpuMemoryError, with both sizes, where not even one does: a GPU
// that is too small in other words than one that is taken, as configs/failure_rules.cc knows them.
[[nodiscard]] std::size_t LanesThatFit(const GpuMemory& memory, std::size_t wanted,
                                       const GpuSpace& space);

// Lanes that can be added to those of a plan.
[[nodiscard]] std::size_t MoreLanesThatFit(const GpuMemory& memory, std::size_t free_bytes);

// "64 lanes of 7.1 MiB and 89.2 MiB for all: 0.53 GiB", for logs.
[[nodiscard]] std::string DescribeGpuMemory(const GpuMemory& memory, std::size_t lanes);

}  // namespace ddl
