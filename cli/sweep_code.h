// SPDX-License-Identifier: Apache-2.0
// The code that a sweep's trials run in, before it is handed to a coordinator.
#pragma once

#include <string>

#include "scheduler/admission.h"

namespace ddl {

// Takes the snapshot that the spec asks for and puts its name into the request. A sweep that goes
// on keeps the one that it began with; how much has changed since is said on stderr. Throws Error
// where the code cannot be kept, or is gone.
void PrepareCode(SweepRequest& request, const std::string& store_folder);

}  // namespace ddl
