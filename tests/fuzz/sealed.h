// SPDX-License-Identifier: Apache-2.0
// What gets a target past the checksum of trainer/sealed_file.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <zlib.h>

#include "tests/fuzz/fuzz.h"

namespace ddl {

// `rest` is two bytes of header length, header and body; preamble and checksum are added.
inline std::string Sealed(std::string_view magic, std::string_view rest) {
  const std::size_t low = TakeByte(rest);
  const std::size_t length = low + std::size_t{TakeByte(rest)} * 256;
  const std::uint32_t numbers[2] = {1, static_cast<std::uint32_t>(length)};
  std::string file(magic);
  file.append(reinterpret_cast<const char*>(numbers), sizeof numbers).append(rest);
  const auto crc = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(file.data()), file.size()));
  return file.append(reinterpret_cast<const char*>(&crc), sizeof crc);
}

}  // namespace ddl
