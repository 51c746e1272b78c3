// SPDX-License-Identifier: Apache-2.0
#include "configs/space.h"

#include <fmt/format.h>

namespace ddl {

std::string Parameter::Name() const {
  return fmt::format("{}", fmt::join(path, "."));
}

}  // namespace ddl
