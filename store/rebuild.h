// SPDX-License-Identifier: Apache-2.0
// Looking after a store's database: is it whole, does it agree with itself, and bringing it back
// from backup and journal. Metrics that came after the backup are in the spools: see
// scheduler/spool_rows.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/ids.h"

namespace ddl {

// Something that is not as it must be, and what to do.
struct Finding {
  std::string what;
  std::string remedy;
};

// Of a database file that need not be whole. Never throws for what the file holds; changes nothing.
struct DatabaseState {
  bool is_there = false;
  std::string problem;  // "": it opens, is ours and checks
  std::int64_t commits = 0;
};
[[nodiscard]] DatabaseState LookAtDatabase(const std::string& path);

// The logic of a database that checks: states and attempts, marks and rows, summaries and rows;
// what the journal and the backup say of it.
[[nodiscard]] std::vector<Finding> CheckStore(const std::string& folder);

// Spools that may hold more than the database: one a job.
struct SpoolMark {
  RankId rank;
  TrialId trial;
  int attempt = 1;
  std::string job_folder;
  std::int64_t committed = 0;
  bool has_ended = false;
};
[[nodiscard]] std::vector<SpoolMark> SpoolMarks(const std::string& folder);

struct Rebuilt {
  std::string from;        // the file that it began with; "": nothing but the journal
  std::string kept_aside;  // where the damaged file is now; "": there was none
  std::int64_t commits_replayed = 0;
  std::int64_t commits_missing = 0;  // known to have been made, and in no file
};
// The caller holds the store's lock. Throws Error when there is nothing to build from; changes
// nothing then. A kill leaves the old file or the new one, or none and all that it is made of.
[[nodiscard]] Rebuilt RebuildDatabase(const std::string& folder);

}  // namespace ddl
