// SPDX-License-Identifier: Apache-2.0
// Whether the programs of a spec are there, before anything is written or started.
#pragma once

#include "configs/spec.h"
#include "configs/spec_places.h"

namespace ddl {

// Throws Error, placed in the spec, when the first word of the command is no program that can be
// executed from the spec's workdir, or the script of a default command, or of a Python that begins
// the command, is no file. The PATH is that of the caller and of the spec's env; words that only a
// host can tell are left to it.
void CheckProgram(const SweepSpec& spec, const SpecPlaces& places);
// The same of the program that `method: custom` asks.
void CheckSearchProgram(const SweepSpec& spec, const SpecPlaces& places);

}  // namespace ddl
