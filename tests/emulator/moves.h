// SPDX-License-Identifier: Apache-2.0
// Loads and stores: of global and shared memory, and of a kernel's parameters.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/emulator/warp.h"

namespace ddl::emulator {

// By its name, without v2 and v4. Registers may be wider than what is stored. Null where the name
// is not known.
[[nodiscard]] Execute MoveOf(std::string_view name, std::uint32_t register_bits);

}  // namespace ddl::emulator
