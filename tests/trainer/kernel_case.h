// SPDX-License-Identifier: Apache-2.0
// What a kernel's body runs on in tests: memory of two lanes, and the tables of a stretch.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "tests/trainer/host_device.h"

namespace ddl {

inline constexpr std::uint32_t kLanes = 2;

inline std::vector<float> Normal(std::size_t count, unsigned seed, float deviation = 1.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, deviation);
  std::vector<float> values(count);
  for (float& value : values)
    value = normal(random);
  return values;
}

// Memory of two lanes as bodies want it, aligned for four floats at a time.
struct Memory {
  explicit Memory(std::size_t lane_floats)
      : lines(kLanes * lane_floats / kFour), floats(lane_floats) {}
  [[nodiscard]] LaneFloats Arena() { return {.floats = lines.data()->at, .lane_floats = floats}; }
  [[nodiscard]] std::span<float> Lane(std::uint32_t lane) { return {Arena().At(lane, 0), floats}; }

  std::vector<FourFloats> lines;
  std::size_t floats;
};

struct Board {
  [[nodiscard]] StepBoard View() {
    return {.cursor = &cursor,
            .steps = steps.data(),
            .order = order.data(),
            .scores = scores.data(),
            .lanes = kLanes,
            .order_rows = order_rows};
  }

  std::uint32_t cursor = 1;  // the tables' second step
  std::vector<LaneStep> steps = std::vector<LaneStep>(2 * kLanes);
  std::vector<std::uint32_t> order;
  std::vector<LaneScore> scores = std::vector<LaneScore>(2 * kLanes);
  std::uint32_t order_rows = 0;
};

}  // namespace ddl
