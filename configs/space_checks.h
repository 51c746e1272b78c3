// SPDX-License-Identifier: Apache-2.0
// What can be told of a space as a whole, before anything runs.
#pragma once

#include "configs/parameter_reader.h"
#include "configs/space_reader.h"
#include "configs/spec.h"
#include "configs/spec_errors.h"

namespace ddl {

// Grids take constants, lists and what has steps.
void CheckGridCounts(const SpaceReading& reading, SpecErrors& errors);

// Of a space that is right part by part: that its expressions have results, that something is
// allowed, and that a grid has an end. What cannot be counted is tried by draws: 10,000, or fewer
// where the space is so large that they would take more than a moment.
void CheckSpace(const SpaceKeys& keys, const SpaceReading& reading, const SweepSpec& spec,
                SpecErrors& errors);

}  // namespace ddl
