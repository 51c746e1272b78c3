// SPDX-License-Identifier: Apache-2.0
// The targets by name, as CMakeLists.txt puts them together for the program replay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ddl {

using ReplayTarget = int(const std::uint8_t* bytes, std::size_t size);

// Null where there is no such target.
[[nodiscard]] ReplayTarget* FindReplayTarget(std::string_view name);

}  // namespace ddl
