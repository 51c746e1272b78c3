// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runner/job_folder.h"
#include "runner/launch.h"

namespace ddl {

struct InheritedCheckpoint {
  std::string problem;          // "", or why there is none, for the user
  bool is_hosts_fault = false;  // the host lacks something: the same may work another time
};

// Where a trial goes on from another one's checkpoints and has none of its own yet, its folder
// becomes a copy of that one's, or of what was brought here of them; where its own were brought
// from another host, a copy of those. Whole or not at all, whatever is killed meanwhile. Not links:
// a program may write over what it finds.
[[nodiscard]] InheritedCheckpoint InheritCheckpoint(const LaunchRecord& launch,
                                                    const HostPaths& paths);

}  // namespace ddl
