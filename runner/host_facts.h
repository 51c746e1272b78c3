// SPDX-License-Identifier: Apache-2.0
// What a host is and has, read from the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/messages.h"

namespace ddl {

// /etc/machine-id, else the host name; "" when it is there and cannot be read.
[[nodiscard]] std::string MachineId();
[[nodiscard]] std::vector<int> UsableCores();
[[nodiscard]] std::int64_t MemoryMib();  // of the host, or of the cgroup where that is less

// Everything but folder and epoch, which belong to a store.
[[nodiscard]] HostFacts ReadHostFacts();

}  // namespace ddl
