// SPDX-License-Identifier: Apache-2.0
#include "store/summaries.h"

#include <cmath>

namespace ddl {

SummaryWriter::SummaryWriter(const Connection& connection)
    : merge_(connection,
             "INSERT INTO summary VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO UPDATE SET "
             "count = count + ?3, last = ?4, last_step = ?5, "
             "min_step = CASE WHEN min IS NULL OR ?6 < min THEN ?7 ELSE min_step END, "
             "min = CASE WHEN min IS NULL OR ?6 < min THEN ?6 ELSE min END, "
             "max_step = CASE WHEN max IS NULL OR ?8 > max THEN ?9 ELSE max_step END, "
             "max = CASE WHEN max IS NULL OR ?8 > max THEN ?8 ELSE max END"),
      set_objective_(connection,
                     "UPDATE trial SET objective = ?3 WHERE id = ?1 AND (SELECT name FROM "
                     "metric_name WHERE id = ?2) = (SELECT metric FROM sweep WHERE id = "
                     "trial.sweep)") {}

void SummaryWriter::Add(TrialId trial, std::int64_t name_id, std::int64_t step, double value) {
  Gathered& gathered = gathered_[{trial, name_id}];
  ++gathered.count;
  gathered.last = value;
  gathered.last_step = step;
  if (std::isnan(value)) return;
  if (!gathered.min || value < *gathered.min) {
    gathered.min = value;
    gathered.min_step = step;
  }
  if (!gathered.max || value > *gathered.max) {
    gathered.max = value;
    gathered.max_step = step;
  }
}

void SummaryWriter::Finish() {
  for (const auto& [key, gathered] : gathered_) {
    const auto& [trial, name_id] = key;
    const std::optional<double> last =
        std::isnan(gathered.last) ? std::nullopt : std::optional(gathered.last);
    merge_
        .Bind(trial.value, name_id, gathered.count, last, gathered.last_step, gathered.min,
              gathered.min_step, gathered.max, gathered.max_step)
        .Run();
    set_objective_.Bind(trial.value, name_id, last).Run();
  }
  gathered_.clear();
}

void SummaryWriter::Forget() {
  gathered_.clear();
}

}  // namespace ddl
