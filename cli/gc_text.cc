// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/gc.h"
#include "cli/table.h"

namespace ddl {

namespace {

std::string_view ActionText(GcAction action) {
  switch (action) {
    case GcAction::kCompressLogs:
      return "compress logs";
    case GcAction::kRemoveCheckpoints:
      return "remove checkpoints";
    case GcAction::kRemoveJob:
      return "remove job folders";
  }
  return "";
}

std::string_view ActionWord(GcAction action) {
  switch (action) {
    case GcAction::kCompressLogs:
      return "compress_logs";
    case GcAction::kRemoveCheckpoints:
      return "remove_checkpoints";
    case GcAction::kRemoveJob:
      return "remove_job";
  }
  return "";
}

Table NewGcTable(const std::string& title) {
  return Table({{.title = title},
                {.title = "SWEEP", .drop = 2, .least = 8},
                {.title = "FOLDERS", .is_number = true, .drop = 3},
                {.title = "FILES", .is_number = true, .drop = 4},
                {.title = "BYTES", .is_number = true},
                {.title = "WHY", .drop = 1, .least = 12}});
}

void AddGcRow(Table& table, const std::string& what, const GcKept& row) {
  table.AddRow({{what},
                {OneLine(row.sweep_name)},
                {FormatCount(row.folders)},
                {FormatCount(row.size.files)},
                {FormatBytes(row.size.bytes)},
                {row.why}});
}

void Append(std::vector<std::string>& lines, const Table& table, const Terminal& terminal) {
  if (table.IsEmpty()) return;
  if (!lines.empty()) lines.emplace_back();
  for (std::string& line : table.Lines(terminal)) {
    lines.push_back(std::move(line));
  }
}

// Steps of one kind, sweep and reason in one line.
Table StepTable(const std::vector<GcStep>& steps) {
  std::map<std::tuple<std::string, GcAction, std::string>, GcKept> rows;
  for (const GcStep& step : steps) {
    GcKept& row = rows[{step.sweep_name, step.action, step.why}];
    row.sweep_name = step.sweep_name;
    row.why = step.why;
    ++row.folders;
    row.size += step.size;
  }
  Table table = NewGcTable("WOULD");
  for (const auto& [key, row] : rows) {
    AddGcRow(table, std::string(ActionText(std::get<1>(key))), row);
  }
  return table;
}

Json SizeInto(Json json, const FolderSize& size) {
  json["files"] = size.files;
  json["bytes"] = size.bytes;
  return json;
}

}  // namespace

std::vector<std::string> GcLines(const GcPlan& plan, const GcFacts& facts,
                                 const Terminal& terminal) {
  std::vector<std::string> lines;
  Append(lines, StepTable(plan.steps), terminal);
  if (plan.steps.empty()) lines.emplace_back("there is nothing to remove or to compress");
  Table kept = NewGcTable("KEEPS");
  for (const GcKept& row : plan.kept) {
    AddGcRow(kept, row.what, row);
  }
  Append(lines, kept, terminal);
  if (!facts.others.empty()) lines.emplace_back();
  for (const OtherStore& other : facts.others) {
    const std::string whose =
        other.is_orphaned ? fmt::format("of a store that is gone ({})", OneLine(other.holder))
                          : std::string("another store's");
    lines.push_back(fmt::format("left alone, {}: {}  {}", whose, OneLine(other.folder),
                                FormatBytes(other.size.bytes)));
  }
  if (facts.jobs_elsewhere > 0) {
    lines.push_back(fmt::format("{} jobs lie below another host folder (DDL_HOST_DIR)",
                                FormatCount(facts.jobs_elsewhere)));
  }
  return lines;
}

Json GcJson(const GcPlan& plan, const GcPlace& place) {
  Json steps = Json::array();
  for (const GcStep& step : plan.steps) {
    steps.push_back(SizeInto({{"host", place.Host()},
                              {"action", ActionWord(step.action)},
                              {"sweep", step.sweep_name},
                              {"trial", step.number},
                              {"folder", place.PathOf(FolderOfStep(step))},
                              {"why", step.why}},
                             step.size));
  }
  Json kept = Json::array();
  for (const GcKept& row : plan.kept) {
    kept.push_back(SizeInto({{"host", place.Host()},
                             {"what", row.what},
                             {"sweep", row.sweep_name},
                             {"why", row.why},
                             {"folders", row.folders}},
                            row.size));
  }
  return {{"steps", std::move(steps)}, {"kept", std::move(kept)}};
}

Json OtherStoresJson(const std::vector<OtherStore>& stores) {
  Json others = Json::array();
  for (const OtherStore& other : stores) {
    others.push_back(SizeInto({{"folder", other.folder},
                               {"store", other.holder.empty() ? Json(nullptr) : Json(other.holder)},
                               {"store_is_gone", other.is_orphaned}},
                              other.size));
  }
  return others;
}

}  // namespace ddl
