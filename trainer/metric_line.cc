// SPDX-License-Identifier: Apache-2.0
#include "trainer/metric_line.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"

namespace ddl {

namespace {

std::string QualityFields(const char* prefix, const Quality& quality) {
  std::string text;
  const auto add = [&](const char* name, double value) {
    text += fmt::format(", \"{}_{}\": {}", prefix, name, FormatNumber(value));
  };
  add("loss", quality.loss);
  if (quality.accuracy) add("accuracy", *quality.accuracy);
  if (!quality.errors) return text;
  add("rmse", quality.errors->rmse);
  add("mae", quality.errors->mae);
  if (quality.errors->r2) add("r2", *quality.errors->r2);
  return text;
}

// Squares of the targets about their mean, or 0 where that is within what the sums may have been
// rounded by. Each of `count` additions of either sum is off by half an epsilon at most.
double SpreadOf(const ErrorSums& sums, double count) {
  const double spread = sums.target_squares - sums.targets * sums.targets / count;
  const double rounding = 2.0 * count * std::numeric_limits<double>::epsilon();
  return spread > rounding * sums.target_squares ? spread : 0.0;
}

}  // namespace

bool IsFinite(const Quality& quality) {
  if (!std::isfinite(quality.loss) || !std::isfinite(quality.accuracy.value_or(0.0))) return false;
  if (!quality.errors) return true;
  const ErrorQuality& errors = *quality.errors;
  return std::isfinite(errors.rmse) && std::isfinite(errors.mae) &&
         std::isfinite(errors.r2.value_or(0.0));
}

Quality ClassQuality(double loss_sum, std::uint64_t correct, std::uint64_t rows) {
  const auto count = static_cast<double>(rows);
  return {.loss = loss_sum / count, .accuracy = static_cast<double>(correct) / count};
}

Quality RegressionQuality(const BatchScore& score) {
  const auto count = static_cast<double>(score.rows);
  const ErrorSums& sums = score.errors;
  ErrorQuality errors{.rmse = std::sqrt(sums.squares / count), .mae = sums.distances / count};
  if (const double spread = SpreadOf(sums, count); spread > 0.0) {
    errors.r2 = 1.0 - sums.squares / spread;
  }
  return {.loss = score.loss_sum / count, .errors = errors};
}

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
