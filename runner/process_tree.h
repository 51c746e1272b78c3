// SPDX-License-Identifier: Apache-2.0
// Every process that came from a trial. The supervisor is their subreaper: whatever forks, forks
// twice or makes a session of its own stays a descendant of the supervisor until it is gone.
#pragma once

#include <cstdint>
#include <vector>

namespace ddl {

// Makes this process the one that orphans of its descendants come to.
void BecomeSubreaper();

// All that is left of the trial's tree, zombies too; children come after their parents.
[[nodiscard]] std::vector<std::int64_t> Descendants();

// To all descendants of this process but zombies; who that was.
std::vector<std::int64_t> SignalDescendants(int signal);

// Resident memory of all descendants, in KiB.
[[nodiscard]] std::int64_t DescendantsMemoryKib();

}  // namespace ddl
