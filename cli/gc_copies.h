// SPDX-License-Identifier: Apache-2.0
// Copies of checkpoints that a kill left unfinished: runner/parent_checkpoint.h. The next start of
// their trial removes them, if there is one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/gc_place.h"

namespace ddl {

struct LeftCopies {
  std::vector<std::string> folders;  // "checkpoints/trial-9.aside-40"
  FolderSize size;
};

// Nobody has written to them for an hour.
[[nodiscard]] LeftCopies FindLeftCopies(const PlaceHere& place, std::int64_t now_ms);
[[nodiscard]] LeftCopies FindLeftCopies(const PlaceThere& place);
// How many were removed.
[[nodiscard]] std::int64_t RemoveLeftCopies(const LeftCopies& copies, GcPlace& place);

}  // namespace ddl
