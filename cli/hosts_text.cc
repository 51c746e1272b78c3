// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/format.h"
#include "cli/hosts.h"
#include "cli/table.h"
#include "scheduler/json_fields.h"

namespace ddl {

namespace {

struct StateWord {
  const char* word;
  Style style;
};

StateWord StateOf(const HostLine& host) {
  if (std::holds_alternative<ProbeProblem>(host.answer)) return {"unreachable", Style::kBad};
  if (host.is_drained) return {"drained", Style::kWarning};
  if (host.is_set_aside) return {"set aside", Style::kWarning};
  return {"ok", Style::kGood};
}

// "8 of 16" where hosts.yaml allows less than there is.
std::string CoresText(const HostEntry& entry, const HostReport& report) {
  const auto have = static_cast<int>(report.facts.cores.size());
  if (!entry.cpus || *entry.cpus >= have) return fmt::format("{}", have);
  return fmt::format("{} of {}", *entry.cpus, have);
}

std::string MemoryText(const HostEntry& entry, const HostReport& report) {
  const std::int64_t have = report.facts.memory_mib;
  const std::int64_t used = entry.memory_mib > 0 ? std::min(entry.memory_mib, have) : have;
  return FormatBytes(used << 20);
}

std::string GpusText(const HostEntry& entry, const HostReport& report) {
  const std::vector<GpuFacts>& gpus = report.facts.gpus;
  if (gpus.empty()) return "-";
  const auto is_used = [&entry](const GpuFacts& gpu) {
    return !entry.gpus || std::ranges::count(*entry.gpus, gpu.index) > 0;
  };
  const auto used = std::ranges::count_if(gpus, is_used);
  const std::string all = used == std::ssize(gpus) ? "" : fmt::format(" of {}", gpus.size());
  return fmt::format("{}{} x {}", used, all, gpus.front().name);
}

std::string ClockText(const HostReport& report) {
  const double ms = static_cast<double>(report.clock_us) / 1000;
  if (std::abs(ms) < 1000) return fmt::format("{:+.0f} ms", ms);
  return fmt::format("{:+.1f} s", ms / 1000);
}

std::vector<Cell> RowOf(const HostLine& host) {
  const StateWord state = StateOf(host);
  std::vector<Cell> row{{host.entry.name, Style::kBold}, {state.word, state.style}};
  const auto* report = std::get_if<HostReport>(&host.answer);
  if (report == nullptr) {
    row.resize(9, {"-", Style::kDim});
  } else {
    row.insert(row.end(), {{CoresText(host.entry, *report)},
                           {MemoryText(host.entry, *report)},
                           {OneLine(GpusText(host.entry, *report))},
                           {report->driver.empty() ? "-" : OneLine(report->driver)},
                           {FormatBytes(report->free_bytes)},
                           {ClockText(*report)},
                           {FormatCount(report->ranks)}});
  }
  row.push_back({fmt::format("{}", fmt::join(host.entry.labels, " "))});
  return row;
}

Json ReportJson(const HostReport& report) {
  Json gpus = Json::array();
  for (const GpuFacts& gpu : report.facts.gpus) {
    gpus.push_back({{"index", gpu.index},
                    {"name", gpu.name},
                    {"memory_mib", gpu.memory_mib},
                    {"uuid", gpu.uuid},
                    {"used_by_others", gpu.used_by_others}});
  }
  return {{"hostname", report.facts.hostname},
          {"kernel", report.kernel},
          {"cores", report.facts.cores.size()},
          {"memory_mib", report.facts.memory_mib},
          {"gpus", std::move(gpus)},
          {"driver", OrNull(report.driver)},
          {"host_folder", report.host_folder},
          {"free_bytes", report.free_bytes},
          {"clock_offset_ms", static_cast<double>(report.clock_us) / 1000},
          {"trials", report.ranks}};
}

}  // namespace

std::vector<std::string> HostsLines(std::span<const HostLine> hosts, const Terminal& terminal) {
  Table table({{.title = "HOST", .least = 6},
               {.title = "STATE"},
               {.title = "CORES", .is_number = true},
               {.title = "MEMORY", .is_number = true},
               {.title = "GPUS"},
               {.title = "DRIVER", .drop = 5},
               {.title = "FREE DISK", .is_number = true, .drop = 2},
               {.title = "CLOCK", .is_number = true, .drop = 4},
               {.title = "TRIALS", .is_number = true, .drop = 1},
               {.title = "LABELS", .drop = 3}});
  for (const HostLine& host : hosts) {
    table.AddRow(RowOf(host));
  }
  std::vector<std::string> lines = table.Lines(terminal);
  for (const HostLine& host : hosts) {
    if (!host.why.empty()) lines.push_back(OneLine(host.why));
    const auto* problem = std::get_if<ProbeProblem>(&host.answer);
    if (problem == nullptr) continue;
    lines.push_back(OneLine(fmt::format("{}: {}{}{}", host.entry.name, problem->reason,
                                        problem->hint.empty() ? "" : "; ", problem->hint)));
  }
  return lines;
}

Json HostsJson(std::span<const HostLine> hosts) {
  Json list = Json::array();
  for (const HostLine& host : hosts) {
    Json line{{"host", host.entry.name},     {"address", host.entry.address},
              {"state", StateOf(host).word}, {"labels", host.entry.labels},
              {"drained", host.is_drained},  {"set_aside", host.is_set_aside},
              {"why", OrNull(host.why)},     {"uses", ToJson(host.entry)}};
    if (const auto* problem = std::get_if<ProbeProblem>(&host.answer)) {
      line["problem"] = problem->reason;
      line["hint"] = OrNull(problem->hint);
    } else {
      line["has"] = ReportJson(std::get<HostReport>(host.answer));
    }
    list.push_back(std::move(line));
  }
  return {{"hosts", std::move(list)}};
}

}  // namespace ddl
