// SPDX-License-Identifier: Apache-2.0
// The one block of memory a training uses: K lanes of equal layout, one after the other. Offsets
// are fixed when the plan is compiled; nothing is allocated afterwards.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trainer/tensor.h"

namespace ddl {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// Hands out offsets within a lane, in order, each on a cache line.
class LaneLayout {
 public:
  explicit LaneLayout(std::size_t start = 0) : floats_(start) {}

  Tensor Add(std::string name, std::size_t rows, std::size_t cols, bool is_bfloat16 = false);
  // What was laid out to begin where this one ends.
  void Append(const LaneLayout& next);
  [[nodiscard]] std::size_t Floats() const { return floats_; }
  [[nodiscard]] std::span<const NamedTensor> Tensors() const { return tensors_; }

 private:
  std::vector<NamedTensor> tensors_;
  std::size_t floats_;  // where the next tensor begins
};

// Move-only owner of lanes x floats, zeroed, aligned to cache lines.
class Arena {
 public:
  // Throws Error when the memory cannot be had.
  Arena(std::size_t lanes, std::size_t lane_floats);

  [[nodiscard]] std::size_t Lanes() const { return lanes_; }
  [[nodiscard]] std::size_t Bytes() const { return lanes_ * lane_floats_ * sizeof(float); }
  [[nodiscard]] float* Lane(std::size_t lane);
  [[nodiscard]] const float* Lane(std::size_t lane) const;

 private:
  struct Free {
    void operator()(float* block) const;
  };

  std::size_t lanes_;
  std::size_t lane_floats_;
  std::unique_ptr<float, Free> floats_;
};

}  // namespace ddl
