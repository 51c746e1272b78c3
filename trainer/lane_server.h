// SPDX-License-Identifier: Apache-2.0
// A worker: a process that runs trials as lanes, each on a thread of its own and each bit for bit
// what it would have been alone. Lanes share loaded data and compiled kernels, nothing else.
//
// A lane comes over the listening socket: two descriptors for its standard output and error, and a
// line {"environment": {…}} with the variables that a process of its own would have had; its
// configuration is the file DDL_PARAMS. It is told "begun", and at its end "end CODE CPU_MS". A
// line "stop", or the end of the connection, stops it: at the next step, with a checkpoint.
#pragma once

#include <cstddef>

namespace ddl {

// The descriptor that a worker is started with.
inline constexpr int kLaneListener = 3;

// Serves until it had no lane for two seconds. A lane that goes on for five seconds without its
// client takes the process along: the others go on elsewhere from their checkpoints; so does a GPU
// that fails. `most_lanes` of a shape are trained together on a GPU. The exit code.
int ServeLanes(int listener, std::size_t most_lanes);

}  // namespace ddl
