// SPDX-License-Identifier: Apache-2.0
// Whether two jobs' shares of a host meet.
#pragma once

#include "runner/launch.h"

namespace ddl::simulation {

// Of cores and of GPUs; memory is not held in places.
[[nodiscard]] inline bool Overlap(const Slots& a, const Slots& b) {
  const auto meet = [](const auto& x, const auto& y) {
    return x.first < y.first + y.length && y.first < x.first + x.length;
  };
  for (const CoreShare& x : a.cores) {
    for (const CoreShare& y : b.cores) {
      if (x.core == y.core && meet(x, y)) return true;
    }
  }
  for (const GpuShare& x : a.gpus) {
    for (const GpuShare& y : b.gpus) {
      if (x.uuid == y.uuid && meet(x, y)) return true;
    }
  }
  return false;
}

}  // namespace ddl::simulation
