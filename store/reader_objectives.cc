// SPDX-License-Identifier: Apache-2.0
// What sweeps with several objectives have beside the others.
#include <limits>

#include "store/reader_state.h"

namespace ddl {

void StoreReader::State::ReadObjectives(SweepLine& line) const {
  Statement read(connection,
                 "SELECT json_extract(m.value, '$.name'), json_extract(m.value, '$.goal') FROM "
                 "sweep w, json_each(w.spec_json, '$.metrics') m WHERE w.id = ? ORDER BY m.key");
  read.Bind(line.id.value);
  while (read.Step()) {
    line.objectives.push_back({read.Text(0), read.Text(1) == "maximize"});
  }
}

std::vector<ObjectiveLine> StoreReader::Objectives(const SweepLine& sweep) const {
  const double none = std::numeric_limits<double>::quiet_NaN();
  Statement read(state_->connection,
                 "SELECT number, state, coalesce(ended_ms, 0), objective, id FROM trial WHERE "
                 "sweep = ? ORDER BY number");
  read.Bind(sweep.id.value);
  std::vector<ObjectiveLine> lines;
  std::vector<std::int64_t> ids;
  while (read.Step()) {
    ObjectiveLine line{.number = read.Int(0),
                       .state = static_cast<TrialState>(read.Int(1)),
                       .ended_ms = read.Int(2),
                       .values = std::vector<double>(sweep.objectives.size(), none)};
    if (!line.values.empty() && !read.IsNull(3)) line.values.front() = read.Real(3);
    lines.push_back(std::move(line));
    ids.push_back(read.Int(4));
  }
  Statement name(state_->connection, "SELECT id FROM metric_name WHERE name = ?");
  Statement last(state_->connection, "SELECT last FROM summary WHERE trial = ? AND name = ?");
  for (std::size_t place = 1; place < sweep.objectives.size(); ++place) {
    if (!name.Bind(sweep.objectives[place].name).Step()) continue;
    const std::int64_t wanted = name.Int(0);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!last.Bind(ids[i], wanted).Step() || last.IsNull(0)) continue;
      lines[i].values[place] = last.Real(0);
    }
  }
  return lines;
}

}  // namespace ddl
