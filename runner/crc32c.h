// SPDX-License-Identifier: Apache-2.0
// The checksum of frames and spool records: CRC-32C (Castagnoli), as in iSCSI, ext4 and LevelDB.
#pragma once

#include <cstdint>
#include <string_view>

namespace ddl {

// `seed` is the checksum of what came before: Crc32c(b, Crc32c(a)) == Crc32c(a + b).
[[nodiscard]] std::uint32_t Crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace ddl
