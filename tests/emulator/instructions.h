// SPDX-License-Identifier: Apache-2.0
// What each instruction does, by its name in PTX.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/emulator/warp.h"

namespace ddl::emulator {

// Bits of the registers that an instruction names, for loads and stores, which may be wider than
// what is stored. Null where the name is not known.
[[nodiscard]] Execute ExecuteOf(std::string_view name, std::uint32_t register_bits);

}  // namespace ddl::emulator
