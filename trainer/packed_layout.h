// SPDX-License-Identifier: Apache-2.0
// What the writer and the reader of packed files agree on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ddl {

inline constexpr std::size_t kPackedPage = 4096;  // the header fills whole ones
inline constexpr std::size_t kPackedAlign = 64;   // of each part
inline constexpr std::size_t kMostHeaderBytes = std::size_t{64} << 20U;
inline constexpr std::size_t kMostPackedBytes = std::size_t{1} << 46U;  // of a part

// CRC-32 of what came before, of which `before` is the value, and `bytes`.
[[nodiscard]] std::uint32_t PackedCrc(std::string_view bytes, std::uint32_t before = 0);

template <class Element>
[[nodiscard]] std::string_view BytesIn(std::span<const Element> elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size_bytes()};
}

// Dataset::identity of training rows whose features and labels have these CRCs.
[[nodiscard]] std::string IdentityOf(std::uint32_t features, std::uint32_t labels);

}  // namespace ddl
