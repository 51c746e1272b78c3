// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "scheduler/admission.h"

namespace ddl {

// Reads the results that `warm_start` names and puts those that fit the spec's space into it; says
// on stderr how many there are. Throws Error where there are none.
void PrepareWarmStart(SweepRequest& request, const std::string& store_folder);

}  // namespace ddl
