// SPDX-License-Identifier: Apache-2.0
// What files that outlive a training have in common: who wrote them stands in front, a checksum
// behind.
//
//   8 bytes of magic | u32 format version | u32 bytes of JSON | JSON header | body | u32 CRC-32
//
// All little-endian; the CRC (zlib's) is of everything before it. Pure: files are the callers'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "configs/json.h"

namespace ddl {

struct SealKind {
  std::string_view magic;  // 8 bytes
  std::uint32_t version = 1;
  std::string_view what;  // for people: "checkpoint"
};

// Magic, version and header, with room for `body_bytes` more. Append the body, then Seal.
[[nodiscard]] std::string BeginSealed(const SealKind& kind, const Json& header,
                                      std::size_t body_bytes);
void AppendBytes(std::string& bytes, const void* from, std::size_t count);
void Seal(std::string& bytes);

struct SealedContent {
  std::string_view header;  // JSON, not yet read
  std::string_view body;
};

// Why a file is no good: "the checksum is wrong".
struct BrokenSeal {
  std::string why;
};

// Views into `bytes`. Never throws for what they hold.
[[nodiscard]] std::variant<SealedContent, BrokenSeal> OpenSealed(const SealKind& kind,
                                                                 std::string_view bytes);

}  // namespace ddl
