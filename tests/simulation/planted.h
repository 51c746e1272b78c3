// SPDX-License-Identifier: Apache-2.0
// Which planted bug is switched on, in the build that has them.
#pragma once

#include <span>
#include <string_view>

#include "configs/planted_bugs.h"

namespace ddl::simulation {

struct NamedBug {
  std::string_view name;
  Bug bug = Bug::kNone;
};
[[nodiscard]] std::span<const NamedBug> PlantedBugs();
void SwitchOn(Bug bug);

}  // namespace ddl::simulation
