// SPDX-License-Identifier: Apache-2.0
// What a sweep of the built-in trainer needs on a host that has nothing of it.
#pragma once

#include "configs/spec.h"
#include "runner/code_snapshot.h"

namespace ddl {

// The trainer with its libraries, and the data of the spec, prepared: where each file is to lie,
// and where it lies here. For trials on GPUs what trains there too, and the libraries of CUDA that
// it needs and each host may have itself. Prepares what is not prepared yet. Throws Error where
// data are missing, or this ddl was built without CUDA.
[[nodiscard]] ListedCode TrainerFiles(const SweepSpec& spec);

}  // namespace ddl
