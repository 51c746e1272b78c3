// SPDX-License-Identifier: Apache-2.0
// IDX files, the format of MNIST and its kin: plain or gzip. The only door to zlib's inflate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/dataset_memory.h"

namespace ddl {

struct IdxPair {
  std::string features;  // unsigned bytes or 32-bit floats, [rows, …]
  std::string labels;    // unsigned bytes or 32-bit integers, [rows]
};

// `shape` is set from the file when empty, else must be the file's. Throws Error with the file and
// the byte for a wrong magic, a truncated or corrupt file, bytes left over, or rows that differ.
[[nodiscard]] Records ReadIdx(const IdxPair& files, std::vector<std::size_t>& shape,
                              bool& is_bytes);

}  // namespace ddl
