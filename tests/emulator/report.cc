// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/report.h"

#include <fstream>

#include <nlohmann/json.hpp>

namespace ddl::emulator {

namespace {

using Json = nlohmann::ordered_json;

Json LinesOf(const KernelTotal& total) {
  Json lines = Json::object();
  for (std::size_t i = 0; i < total.counts.instruction_counts.size(); ++i) {
    const InstructionCounts& counts = total.counts.instruction_counts[i];
    Json& line = lines[total.module->SourceOf(total.kernel->instructions[i])];
    if (line.is_null()) line = {{"times", 0}, {"sectors", 0}, {"waves", 0}};
    line["times"] = line["times"].get<std::uint64_t>() + counts.times;
    line["sectors"] = line["sectors"].get<std::uint64_t>() + counts.sectors;
    line["waves"] = line["waves"].get<std::uint64_t>() + counts.waves;
  }
  return lines;
}

}  // namespace

void WriteReport(const std::filesystem::path& path, const KernelTotals& totals) {
  Json kernels = Json::object();
  for (const auto& [name, total] : totals) {
    const Counts& counts = total.counts;
    kernels[name] = {{"launches", total.launches},
                     {"instructions", counts.instructions},
                     {"lanes", counts.lanes},
                     {"matrices", counts.matrices},
                     {"shared", counts.shared},
                     {"shared_waves", counts.shared_waves},
                     {"read_bytes", counts.traffic.read},
                     {"written_bytes", counts.traffic.written},
                     {"read_sectors", counts.traffic.read_sectors},
                     {"written_sectors", counts.traffic.written_sectors},
                     {"lines", LinesOf(total)}};
  }
  std::ofstream file(path);
  file << Json{{"kernels", kernels}}.dump(1) << '\n';
}

}  // namespace ddl::emulator
