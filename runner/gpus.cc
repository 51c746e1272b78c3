// SPDX-License-Identifier: Apache-2.0
#include "runner/gpus.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "runner/command_output.h"
#include "runner/process.h"

namespace ddl {

namespace {

std::string_view Trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(Trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "[N/A]" and the like are none, and so is what is below 0.
std::optional<std::int64_t> Count(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

struct Listed {
  std::string bus_id;
  GpuFacts facts;
};

std::optional<Listed> ParseLine(std::string_view line) {
  const std::vector<std::string_view> fields = Split(line, ',');
  if (fields.size() != 6 || !fields[1].starts_with("GPU-") || !Count(fields[0])) {
    return std::nullopt;
  }
  Listed listed{std::string(fields[5]), {}};
  listed.facts.uuid = fields[1];
  listed.facts.name = fields[2];
  // Boards that share the host's memory do not tell theirs.
  listed.facts.memory_mib = Count(fields[3]).value_or(0);
  listed.facts.memory_used_mib = Count(fields[4]).value_or(0);
  return listed;
}

std::set<std::string_view> BusyUuids(std::string_view processes, const IsTrial& is_trial) {
  std::set<std::string_view> busy;
  for (const std::string_view line : Split(processes, '\n')) {
    const std::vector<std::string_view> fields = Split(line, ',');
    if (fields.size() < 2 || !fields[0].starts_with("GPU-")) continue;
    const std::optional<std::int64_t> pid = Count(fields[1]);
    const bool is_ours = pid && is_trial && is_trial(*pid);
    if (!is_ours) busy.insert(fields[0]);
  }
  return busy;
}

}  // namespace

GpuDiscovery ParseGpus(std::string_view gpus, std::string_view processes, const IsTrial& is_trial) {
  GpuDiscovery discovery;
  std::vector<Listed> listed;
  for (const std::string_view line : Split(gpus, '\n')) {
    if (line.empty()) continue;
    std::optional<Listed> gpu = ParseLine(line);
    const auto is_it = [&gpu](const Listed& other) { return other.facts.uuid == gpu->facts.uuid; };
    if (gpu && std::ranges::none_of(listed, is_it)) {
      listed.push_back(*std::move(gpu));
    } else {  // one GPU twice would be two devices to hand out
      discovery.note = fmt::format("nvidia-smi said: {}", line);
    }
  }
  std::ranges::sort(listed, {}, &Listed::bus_id);
  const std::set<std::string_view> busy = BusyUuids(processes, is_trial);
  for (Listed& gpu : listed) {
    gpu.facts.index = static_cast<int>(discovery.gpus.size());
    gpu.facts.used_by_others = busy.contains(gpu.facts.uuid);
    discovery.gpus.push_back(std::move(gpu.facts));
  }
  return discovery;
}

// Without persistence mode each question takes a second or more, as the driver is loaded for it.
GpuDiscovery DiscoverGpus(std::chrono::milliseconds patience) {
  constexpr std::size_t kMaxText = 1U << 20U;
  const auto question = [](const char* query) -> std::vector<std::string> {
    return {"nvidia-smi", query, "--format=csv,noheader,nounits"};
  };
  const std::vector<CommandOutput> answers =
      RunCommands({question("--query-gpu=index,uuid,name,memory.total,memory.used,pci.bus_id"),
                   question("--query-compute-apps=gpu_uuid,pid")},
                  patience, kMaxText);
  const CommandOutput& gpus = answers[0];
  if (gpus.is_late) {
    const std::chrono::duration<double> seconds = patience;
    return {{}, fmt::format("{} within {:g} s", kNvidiaSmiIsLate, seconds.count())};
  }
  if (gpus.exit_code == -1) return {{}, std::string(kNoNvidiaSmi)};
  if (gpus.exit_code != 0) {
    const std::string_view first = Split(gpus.text, '\n').front();
    return {{}, fmt::format("nvidia-smi failed ({}): {}", gpus.exit_code, first)};
  }
  return ParseGpus(gpus.text, answers[1].text, IsOfDdl);
}

}  // namespace ddl
