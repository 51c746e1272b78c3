// SPDX-License-Identifier: Apache-2.0
// Metric rows that lie in this host's spools and not in the database: none are lost when the
// database was, as segments stay until their rows are in a verified backup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/rebuild.h"
#include "store/store.h"

namespace ddl {

struct SpoolRows {
  std::int64_t spools = 0;   // that were found on this host
  std::int64_t rows = 0;     // beyond what the database has, of attempts that have ended
  std::int64_t waiting = 0;  // the same, of open attempts: the next coordinator asks for them
};

// How many there are. Reads only.
[[nodiscard]] SpoolRows CountSpoolRows(const std::vector<SpoolMark>& marks);
// Commits them all. The caller holds the store's lock.
SpoolRows TakeSpoolRows(Store& store, const std::vector<SpoolMark>& marks);

}  // namespace ddl
