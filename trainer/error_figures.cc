// SPDX-License-Identifier: Apache-2.0
#include "trainer/error_figures.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "trainer/metric_line.h"

namespace ddl {

namespace {

// The farthest first; of equal ones the lower row.
std::vector<RowError> ByDistance(std::vector<RowError> errors) {
  std::ranges::stable_sort(
      errors, [](const RowError& a, const RowError& b) { return a.Distance() > b.Distance(); });
  return errors;
}

double Quantile(const std::vector<RowError>& by_distance, double share) {
  const auto count = static_cast<double>(by_distance.size());
  const auto within = static_cast<std::size_t>(std::ceil(share * count));
  return by_distance[by_distance.size() - within].Distance();
}

// Targets are taken about the first of them, as their own mean may be far from zero.
ErrorQuality QualityOfErrors(const std::vector<RowError>& errors) {
  BatchScore score;
  const auto middle = static_cast<double>(errors.front().target);
  for (const RowError& error : errors) {
    const double off = static_cast<double>(error.target) - middle;
    const double distance = error.Distance();
    score.Add({.rows = 1,
               .errors = {.distances = distance,
                          .squares = distance * distance,
                          .targets = off,
                          .target_squares = off * off}});
  }
  return RegressionQuality(score).errors.value();
}

}  // namespace

double RowError::Distance() const {
  return std::abs(static_cast<double>(predicted) - static_cast<double>(target));
}

Json ErrorFiguresJson(const std::string& part, const std::vector<RowError>& errors) {
  assert(!errors.empty());
  const std::vector<RowError> sorted = ByDistance(errors);
  const ErrorQuality quality = QualityOfErrors(errors);
  Json largest = Json::array();
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostLargestErrors); ++i) {
    largest.push_back(
        {{"row", sorted[i].row}, {"target", sorted[i].target}, {"predicted", sorted[i].predicted}});
  }
  return {{"part", part},
          {"rows", errors.size()},
          {"rmse", quality.rmse},
          {"mae", quality.mae},
          {"r2", quality.r2 ? Json(*quality.r2) : Json()},
          {"quantiles",
           {{"0.5", Quantile(sorted, 0.5)},
            {"0.9", Quantile(sorted, 0.9)},
            {"0.99", Quantile(sorted, 0.99)},
            {"1", Quantile(sorted, 1.0)}}},
          {"largest", std::move(largest)}};
}

std::string ErrorFiguresText(const std::string& part, const std::vector<RowError>& errors) {
  assert(!errors.empty());
  const std::vector<RowError> sorted = ByDistance(errors);
  const ErrorQuality quality = QualityOfErrors(errors);
  const RowError& worst = sorted.front();
  return fmt::format(
      "{} rows of {}: RMSE {:.6g}, MAE {:.6g}, R2 {}\n"
      "half of the rows are off by at most {:.6g}, nine tenths by {:.6g}, 99 % by {:.6g}\n"
      "the largest error is that of row {}: {:.6g}, predicted {:.6g}",
      errors.size(), part, quality.rmse, quality.mae,
      quality.r2 ? fmt::format("{:.4f}", *quality.r2) : "-", Quantile(sorted, 0.5),
      Quantile(sorted, 0.9), Quantile(sorted, 0.99), worst.row, worst.target, worst.predicted);
}

}  // namespace ddl
