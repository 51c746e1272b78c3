// SPDX-License-Identifier: Apache-2.0
#include "runner/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace ddl {

namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// kTables[k][b] is the checksum of byte b followed by k zero bytes, so that eight bytes are looked
// up independently of each other.
constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    }
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 255U];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

std::uint32_t EightBytes(std::uint32_t crc, std::string_view bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  word ^= crc;
  std::uint32_t result = 0;
  for (unsigned k = 0; k < 8; ++k) {
    result ^= kTables[7 - k][(word >> (8 * k)) & 255U];
  }
  return result;
}

}  // namespace

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    crc = EightBytes(crc, bytes);
  }
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(byte)) & 255U];
  }
  return ~crc;
}

}  // namespace ddl
