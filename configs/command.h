// SPDX-License-Identifier: Apache-2.0
// From a configuration to what a trial is started with. No shell is ever involved.
#pragma once

#include <string>
#include <vector>

#include "configs/spec.h"

namespace ddl {

// The argument vector: the command of the spec with its macros replaced, as W&B replaces them.
// `interpreter` stands for ${interpreter}. ${args_json_file} stays: the host that runs the trial
// puts the path of the job's params.json there. Throws Error for an ${envvar:NAME} that is not set.
[[nodiscard]] std::vector<std::string> ExpandCommand(const SweepSpec& spec,
                                                     const Configuration& configuration,
                                                     const std::string& interpreter);

// Nested parameters as nested objects: what DDL_PARAMS holds.
[[nodiscard]] Json NestedConfiguration(const Space& space, const Configuration& configuration);

// The trainer's configuration with the parameters put at their dotted paths, and with the seed of
// this trial: the configured one (default 0) + seed_index.
[[nodiscard]] Json TrainerConfiguration(const SweepSpec& spec, const Configuration& configuration,
                                        int seed_index);

}  // namespace ddl
