// SPDX-License-Identifier: Apache-2.0
// The trainer's word on its configuration before anything is written or started.
#pragma once

#include <string>

#include "configs/spec.h"

namespace ddl {

// Asks ddl-trainer about the first configuration of a spec that uses it; nothing otherwise. Where
// all trials run on this machine it also looks whether the data are there. Throws Error with what
// the trainer says, placed in `spec_file`.
void CheckTrainer(const SweepSpec& spec, const std::string& spec_file);

// A file in memory with that text; closed with the process.
[[nodiscard]] int MakeMemoryFile(const std::string& text);

}  // namespace ddl
