// SPDX-License-Identifier: Apache-2.0
// What a sweep of the built-in trainer needs on a host that has nothing of it.
#pragma once

#include <map>
#include <string>

#include "configs/spec.h"

namespace ddl {

// The trainer with its libraries, and the data of the spec, prepared: where each file is to lie,
// and where it lies here. Prepares what is not prepared yet. Throws Error where data are missing.
[[nodiscard]] std::map<std::string, std::string> TrainerFiles(const SweepSpec& spec);

}  // namespace ddl
