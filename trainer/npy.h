// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy files, versions 1.0 to 3.0, little-endian, C order.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <string>
#include <vector>

#include "trainer/dataset_memory.h"

namespace ddl {

struct NpyPair {
  std::string features;  // |u1, <f4, <f8, <i4 or <i8, [rows, …]
  std::string labels;    // |u1, <i4 or <i8, [rows]
};

// As ReadIdx. Throws Error with file and row or byte.
[[nodiscard]] Records ReadNpy(const NpyPair& files, std::vector<std::size_t>& shape,
                              bool& is_bytes);

}  // namespace ddl
