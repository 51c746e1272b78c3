// SPDX-License-Identifier: Apache-2.0
// A data set in one file that is mapped as it is: the cache's prepared data, and what a user packs.
//
//   a line of JSON {"crc", "header"}, padded with spaces to a multiple of 4096 bytes
//   training features | training labels | test features | test labels, each at its offset
//
// The header has version, name, shape, classes, class_names, is_bytes, is_text, train_rows,
// test_rows, constants, has_real_targets (where it is true), bytes (of the file), offsets and crcs
// (CRC-32) of the four parts; `crc` is the header's own. Features are bytes or float32, labels
// int32 or float32, all little-endian and at multiples of 64. It holds nothing of where the sources
// lie: the same data are the same file everywhere.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "trainer/dataset.h"
#include "trainer/record_source.h"

namespace ddl {

inline constexpr int kPackedVersion = 2;

// Writes aside, syncs and renames, in the memory for a few rows. Throws Error for what RecordCheck
// refuses, and (infrastructure) where the disk does; what stood under the name before stays.
void WritePacked(const std::filesystem::path& path, RecordSource& source);

// Why a file is no good: "its header is damaged".
struct DamagedData {
  std::string why;
};

// Judges the header, all labels and the tokens of a text; the features are not looked at.
[[nodiscard]] std::variant<Dataset, DamagedData> MapPacked(const std::filesystem::path& path);

// Reads the whole file, in little memory, and compares the checksums of its parts, which say why
// where they differ; empty: whole. `set` is mapped from a packed file.
[[nodiscard]] std::string DamageOfParts(const Dataset& set);

}  // namespace ddl
