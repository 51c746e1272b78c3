// SPDX-License-Identifier: Apache-2.0
#include "scheduler/spool_rows.h"

#include <array>
#include <utility>

#include <unistd.h>

#include "runner/spool.h"

namespace ddl {

namespace {

// Calls take(mark, reports) for each piece of what the database lacks.
template <class Take>
SpoolRows ReadSpools(const std::vector<SpoolMark>& marks, Take take) {
  SpoolRows found;
  for (const SpoolMark& mark : marks) {
    if (::access(mark.job_folder.c_str(), F_OK) != 0) continue;
    ++found.spools;
    SpoolReader reader(mark.job_folder, mark.rank, mark.committed);
    for (auto reports = reader.Read(); !reports.empty(); reports = reader.Read()) {
      (mark.has_ended ? found.rows : found.waiting) += std::ssize(reports);
      take(mark, std::move(reports));
    }
  }
  return found;
}

}  // namespace

SpoolRows CountSpoolRows(const std::vector<SpoolMark>& marks) {
  return ReadSpools(marks, [](const SpoolMark&, const std::vector<MetricReport>&) {});
}

SpoolRows TakeSpoolRows(Store& store, const std::vector<SpoolMark>& marks) {
  return ReadSpools(marks, [&store](const SpoolMark& mark, std::vector<MetricReport> reports) {
    const std::array<Change, 1> change{
        MetricsAdded{mark.rank, mark.trial, mark.attempt, std::move(reports)}};
    store.Commit(change);
  });
}

}  // namespace ddl
