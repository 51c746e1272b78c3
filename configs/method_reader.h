// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "configs/spec.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// `method`, with W&B's names: bayes is gp.
[[nodiscard]] std::optional<Method> ReadMethod(const SpecNode& node, SpecErrors& errors);

}  // namespace ddl
