// SPDX-License-Identifier: Apache-2.0
// Whether the program of a spec is there, before anything is written or started.
#pragma once

#include <string>

#include "configs/spec.h"

namespace ddl {

// Throws Error, placed in `spec_file`, when the first word of the command is no program that can be
// executed from the spec's workdir, or the script of a default command is no file. The PATH is that
// of the caller and of the spec's env; words that only a host can tell are left to it.
void CheckProgram(const SweepSpec& spec, const std::string& spec_file);

}  // namespace ddl
