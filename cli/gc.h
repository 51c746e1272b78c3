// SPDX-License-Identifier: Apache-2.0
// `ddl gc` in its parts: facts, plan (gc_plan.h), what is shown, and the doing.
//
// It runs beside a coordinator, which may start an ended trial again (`retry`) at any moment. Job
// folders and logs are of one attempt and never used again. A trial's checkpoints are: they are set
// aside by one rename, then the database is asked again, which has a retry committed before
// anything is started; a trial that has not ended any more gets its folder back.
#pragma once

#include <string>
#include <vector>

#include "cli/gc_place.h"
#include "cli/gc_plan.h"
#include "cli/terminal.h"
#include "configs/json.h"
#include "runner/job_folder.h"
#include "store/reader.h"

namespace ddl {

struct GcFacts {
  std::vector<GcSweep> sweeps;
  std::vector<OtherStore> others;
  std::int64_t jobs_elsewhere = 0;  // of this machine, whose folder is not below this host folder
};
// Of all sweeps, or the newest of that name; without other stores.
[[nodiscard]] GcFacts ReadGcFacts(const StoreReader& reader, const std::string& store_folder,
                                  const GcPlace& place, const std::string& sweep);
// Addresses of other hosts on which attempts of these sweeps ran.
[[nodiscard]] std::vector<std::string> OtherHosts(const StoreReader& reader,
                                                  const std::string& sweep);

struct GcResult {
  std::int64_t done = 0;
  std::int64_t left = 0;     // started again meanwhile
  std::int64_t refused = 0;  // by the disk
  std::int64_t freed_bytes = 0;
};
// After GcPlace::BeginRemovals.
[[nodiscard]] GcResult CarryOut(const std::vector<GcStep>& steps, GcPlace& place,
                                const std::string& store_folder);

// Where folders lie below the store's folder on their host.
[[nodiscard]] std::string JobName(RankId rank);
[[nodiscard]] std::string CheckpointsName(TrialId trial);
[[nodiscard]] std::string FolderOfStep(const GcStep& step);

[[nodiscard]] std::vector<std::string> GcLines(const GcPlan& plan, const GcFacts& facts,
                                               const Terminal& terminal);
// Steps and what stays at one place.
[[nodiscard]] Json GcJson(const GcPlan& plan, const GcPlace& place);
[[nodiscard]] Json OtherStoresJson(const std::vector<OtherStore>& others);

}  // namespace ddl
