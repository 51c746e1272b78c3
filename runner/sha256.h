// SPDX-License-Identifier: Apache-2.0
// SHA-256 as FIPS 180-4 has it; by the processor's own instructions where it has them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ddl {

class Sha256 {
 public:
  void Add(std::string_view bytes);
  // Of all that was added, in hex. Nothing may be added afterwards.
  [[nodiscard]] std::string Hex();

 private:
  void AddBlocks(std::string_view blocks);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string rest_;  // less than a block
  std::uint64_t bytes_ = 0;
};

[[nodiscard]] std::string Sha256Hex(std::string_view bytes);

}  // namespace ddl
