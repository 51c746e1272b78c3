// SPDX-License-Identifier: Apache-2.0
#include "trainer/metric_line.h"

#include <cstdio>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"

namespace ddl {

namespace {

std::string QualityFields(const char* prefix, const Quality& quality) {
  return fmt::format(", \"{0}_loss\": {1}, \"{0}_accuracy\": {2}", prefix,
                     FormatNumber(quality.loss), FormatNumber(quality.accuracy));
}

}  // namespace

std::string EpochLine(const EpochMetrics& metrics) {
  std::string line =
      fmt::format("{{\"step\": {}, \"iteration\": {}", metrics.epoch, metrics.iteration);
  line += QualityFields("train", metrics.train);
  if (metrics.validation) line += QualityFields("val", *metrics.validation);
  line += fmt::format(", \"samples_per_s\": {:.0f}, \"gflops\": {:.2f}", metrics.samples_per_s,
                      metrics.gflops);
  if (metrics.limit_gflops > 0.0) {
    line += fmt::format(", \"percent_of_limit\": {:.1f}",
                        100.0 * metrics.gflops / metrics.limit_gflops);
  }
  line += fmt::format(", \"lr\": {}}}\n", FormatNumber(metrics.lr));
  return line;
}

std::string TestLine(std::uint64_t epoch, const Quality& test) {
  return fmt::format("{{\"step\": {}{}}}\n", epoch, QualityFields("test", test));
}

void WriteLine(const std::string& line) {
  const std::size_t written = std::fwrite(line.data(), 1, line.size(), stdout);
  if (written == line.size() && std::fflush(stdout) == 0) return;
  throw SystemError("cannot write metrics", "stdout", "check what reads them");
}

}  // namespace ddl
