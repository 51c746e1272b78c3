// SPDX-License-Identifier: Apache-2.0
#include "cli/schedule.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/sweep_json.h"
#include "cli/table.h"
#include "scheduler/json_fields.h"

namespace ddl {

std::vector<ScheduleSegment> ReadSchedule(const StoreReader& reader, const SweepLine& sweep,
                                          const SweepSpec& spec, std::int64_t trial) {
  std::vector<ScheduleSegment> schedule;
  if (!spec.pbt) return schedule;
  const std::map<std::int64_t, std::int64_t> parents = reader.Parents(sweep.id);
  for (std::int64_t number = trial; number > 0;) {
    const std::optional<TrialLine> line = reader.Trial(sweep.id, number);
    const auto parent = parents.find(number);
    const std::int64_t before = parent == parents.end() ? 0 : parent->second;
    if (line) {
      schedule.push_back({.trial = number,
                          .first = before == 0 ? 1 : spec.pbt->UntilOf(before - 1) + 1,
                          .last = spec.pbt->UntilOf(number - 1),
                          .objective = line->objective,
                          .parameters = ParametersOf(line->params_json)});
    }
    number = before < number ? before : 0;
  }
  std::ranges::reverse(schedule);
  return schedule;
}

Lines ScheduleLines(const std::vector<ScheduleSegment>& schedule,
                    const std::vector<std::string>& varying, const std::string& metric,
                    const Terminal& terminal) {
  if (schedule.size() < 2) return {};
  std::vector<Column> columns{{.title = "REPORTS", .is_number = true},
                              {.title = "TRIAL", .is_number = true},
                              {.title = OneLine(metric), .is_number = true}};
  int drop = static_cast<int>(varying.size());
  for (const std::string& name : varying) {
    columns.push_back({.title = OneLine(name), .is_number = true, .drop = drop--});
  }
  Table table(columns);
  for (const ScheduleSegment& segment : schedule) {
    std::vector<Cell> row{
        {segment.first == segment.last ? fmt::format("{}", segment.last)
                                       : fmt::format("{}-{}", segment.first, segment.last)},
        {fmt::format("{}", segment.trial)},
        {segment.objective ? FormatValue(*segment.objective) : "-"}};
    for (const std::string& name : varying) {
      row.push_back({segment.parameters.contains(name)
                         ? OneLine(FormatParameter(segment.parameters.at(name)))
                         : "-"});
    }
    table.AddRow(std::move(row));
  }
  return table.Lines(terminal);
}

Json ScheduleJson(const std::vector<ScheduleSegment>& schedule) {
  Json list = Json::array();
  for (const ScheduleSegment& segment : schedule) {
    list.push_back({{"trial", segment.trial},
                    {"first_report", segment.first},
                    {"last_report", segment.last},
                    {"value", OrNull(segment.objective)},
                    {"parameters", segment.parameters}});
  }
  return list;
}

}  // namespace ddl
