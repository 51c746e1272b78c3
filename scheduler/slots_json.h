// SPDX-License-Identifier: Apache-2.0
// Slots as the text that the store keeps of an attempt:
// {"cores":[[core,first,length],…],"gpus":[["uuid",index,first,length],…],"memory_mib":n}
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runner/launch.h"

namespace ddl {

[[nodiscard]] std::string SlotsToJson(const Slots& slots);
// Nothing when the text is not what SlotsToJson writes.
[[nodiscard]] std::optional<Slots> SlotsFromJson(std::string_view text);

// "core 3, 0.25 of gpu 1, 512 MiB".
[[nodiscard]] std::string DescribeSlots(const Slots& slots);

}  // namespace ddl
