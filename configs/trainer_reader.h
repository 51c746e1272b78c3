// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "configs/spec.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// What the built-in trainer and `resources` say of each other. A sweep that asks for GPUs trains on
// them, unless it says otherwise; a trial on a share of one takes as small a share of a core where
// no cores are asked for.
void CompleteTrainer(const SpecNode& root, SweepSpec& spec, SpecErrors& errors);

}  // namespace ddl
