// SPDX-License-Identifier: Apache-2.0
// The values of one metric report in a blob: three bytes of a name's id and the eight of a double
// each, little-endian.
#pragma once

#include <cassert>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ddl {

inline constexpr std::size_t kPackedValue = 11;

inline void PackValue(std::int64_t name_id, double value, std::string& out) {
  assert(name_id < (std::int64_t{1} << 24));
  out.append(reinterpret_cast<const char*>(&name_id), 3);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Calls visit(name id, value) for each.
template <class Visit>
void UnpackValues(std::string_view packed, Visit visit) {
  for (; packed.size() >= kPackedValue; packed.remove_prefix(kPackedValue)) {
    std::int64_t name_id = 0;
    double value = 0;
    std::memcpy(&name_id, packed.data(), 3);
    std::memcpy(&value, packed.data() + 3, sizeof value);
    visit(name_id, value);
  }
}

}  // namespace ddl
