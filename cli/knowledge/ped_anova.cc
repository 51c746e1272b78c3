// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/ped_anova.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "cli/knowledge/resample.h"

namespace ddl {

namespace {

constexpr std::int64_t kGridCells = 50;  // of a continuum, as in the paper's own implementation
constexpr double kLeastMass = 1e-12;     // so that nothing is divided by zero

struct CellAxis {
  std::size_t cells = 0;
  bool is_categorical = false;
};

CellAxis CellsOf(const Axis& axis) {
  if (!axis.categories.empty()) {
    return {axis.categories.size() - (axis.is_conditional ? 1 : 0), true};
  }
  const bool is_counted = axis.levels > 0 && axis.levels <= kGridCells;
  return {static_cast<std::size_t>(is_counted ? axis.levels : kGridCells), false};
}

// The cell of a coordinate; `cells` where the row does not have the parameter.
std::size_t CellOf(const Axis& axis, const CellAxis& grid, double coordinate) {
  if (grid.is_categorical) return std::min(grid.cells, static_cast<std::size_t>(coordinate));
  if (coordinate < 0) return grid.cells;
  const auto last = static_cast<double>(grid.cells - 1);
  if (axis.levels == static_cast<std::int64_t>(grid.cells)) {
    return static_cast<std::size_t>(std::min(std::floor(coordinate * (last + 1)), last));
  }
  // The nearest of evenly spaced points from the least to the greatest value.
  const double place = std::ceil(coordinate * last - 0.5);
  return static_cast<std::size_t>(std::clamp(place, 0.0, last));
}

double Below(double z) {
  return std::erfc(-z / std::numbers::sqrt2) / 2;
}

// Scott (1992), on cells and how many fell into each.
double Bandwidth(const std::vector<double>& counts) {
  double total = 0;
  double mean = 0;
  for (std::size_t cell = 0; cell < counts.size(); ++cell) {
    total += counts[cell];
    mean += counts[cell] * static_cast<double>(cell);
  }
  mean /= total;
  double squares = 0;
  double cumulated = 0;
  double lower = -1;
  double upper = -1;
  double last = 0;
  for (std::size_t cell = 0; cell < counts.size(); ++cell) {
    if (counts[cell] == 0) continue;
    last = static_cast<double>(cell);
    squares += counts[cell] * (last - mean) * (last - mean);
    cumulated += counts[cell];
    if (lower < 0 && cumulated >= std::floor(total / 4)) lower = last;
    if (upper < 0 && cumulated > std::floor(total * 3 / 4)) upper = last;
  }
  const double between = (upper < 0 ? last : upper) - lower;
  const double deviation = std::sqrt(squares / std::max(1.0, total - 1));
  constexpr double kLeast = 0.5 / 1.64;  // 90 % within a cell
  return std::max(1.059 * std::min(between / 1.34, deviation) * std::pow(total, -0.2), kLeast);
}

// A normal distribution around a cell, cut to the grid: its mass in each.
class CellKernel {
 public:
  CellKernel(std::size_t cells, double deviation) : cells_(cells), edges_(2 * cells + 1) {
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      const double distance = static_cast<double>(i) - static_cast<double>(cells) - 0.5;
      edges_[i] = Below(distance / deviation);
    }
  }
  void Add(std::size_t center, double weight, std::vector<double>& masses) const {
    const std::size_t first = cells_ - center;  // of the edge below cell 0
    const double inside = edges_[first + cells_] - edges_[first];
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      masses[cell] += weight * (edges_[first + cell + 1] - edges_[first + cell]) / inside;
    }
  }

 private:
  std::size_t cells_;
  std::vector<double> edges_;  // edge i lies i - cells - 1/2 from the center
};

void AddPrior(std::size_t cells, double weight, std::vector<double>& masses) {
  const double middle = static_cast<double>(cells - 1) / 2;
  const auto deviation = static_cast<double>(cells);
  const auto edge = [&](double at) { return Below((at - 0.5 - middle) / deviation); };
  const double inside = edge(deviation) - edge(0);
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const auto at = static_cast<double>(cell);
    masses[cell] += weight * (edge(at + 1) - edge(at)) / inside;
  }
}

// A Parzen estimate on the grid out of how many rows fell into each cell; some did.
std::vector<double> Estimate(const CellAxis& grid, const std::vector<double>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  std::vector<double> masses(grid.cells, kLeastMass);
  if (grid.is_categorical) {
    const auto kernels =
        static_cast<double>(std::ranges::count_if(counts, [](double c) { return c > 0; }) + 1);
    const auto choices = static_cast<double>(grid.cells);
    const double rest = 1 / kernels;  // what a kernel gives to each choice beside its own
    for (std::size_t cell = 0; cell < grid.cells; ++cell) {
      masses[cell] += (total * rest + counts[cell]) / (1 + choices * rest) / (total + 1);
      masses[cell] += 1 / choices / (total + 1);
    }
    return masses;
  }
  const CellKernel kernel(grid.cells, Bandwidth(counts));
  for (std::size_t cell = 0; cell < grid.cells; ++cell) {
    if (counts[cell] > 0) kernel.Add(cell, counts[cell] / (total + 1), masses);
  }
  AddPrior(grid.cells, 1 / (total + 1), masses);
  return masses;
}

double PearsonDivergence(const std::vector<double>& of, const std::vector<double>& from) {
  double sum = 0;
  for (std::size_t cell = 0; cell < of.size(); ++cell) {
    const double ratio = of[cell] / from[cell] - 1;
    sum += from[cell] * ratio * ratio;
  }
  return sum;
}

// The value that the best share reaches: the least one with that share at or below it.
double Cutoff(std::vector<double> values, double best) {
  const double place = std::ceil(best * static_cast<double>(values.size())) - 1;
  const auto cut = values.begin() + static_cast<std::ptrdiff_t>(std::max(place, 0.0));
  std::ranges::nth_element(values, cut);
  return *cut;
}

double ImportanceOf(const Observations& o, std::size_t axis, const std::vector<std::size_t>& rows,
                    double cutoff) {
  const CellAxis grid = CellsOf(o.axes[axis]);
  if (grid.cells < 2) return 0;
  std::vector<double> best(grid.cells + 1);  // the last: rows without the parameter
  std::vector<double> all(grid.cells + 1);
  double best_rows = 0;
  for (const std::size_t row : rows) {
    const std::size_t cell = CellOf(o.axes[axis], grid, o.columns[axis][row]);
    ++all[cell];
    if (o.values[row] > cutoff) continue;
    ++best[cell];
    ++best_rows;
  }
  const auto count = static_cast<double>(rows.size());
  const double best_share = 1 - best.back() / best_rows;  // that have the parameter
  const double share = 1 - all.back() / count;
  if (best_share <= 0 || share * count < 2) return 0;
  best.pop_back();
  all.pop_back();
  return best_share * best_share / share *
         PearsonDivergence(Estimate(grid, best), Estimate(grid, all));
}

// By axis; not yet as shares.
std::vector<double> ImportancesOf(const Observations& o, const std::vector<std::size_t>& rows,
                                  double best) {
  std::vector<double> values;
  for (const std::size_t row : rows) {
    values.push_back(o.values[row]);
  }
  const double cutoff = Cutoff(std::move(values), best);
  std::vector<double> importances;
  for (std::size_t axis = 0; axis < o.axes.size(); ++axis) {
    importances.push_back(ImportanceOf(o, axis, rows, cutoff));
  }
  return importances;
}

double SumOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

std::vector<double> AsShares(std::vector<double> importances) {
  const double sum = SumOf(importances);
  for (double& share : importances) {
    share = sum > 0 ? share / sum : 0;
  }
  return importances;
}

std::vector<std::size_t> AllRows(const Observations& observations) {
  std::vector<std::size_t> rows(observations.values.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

// The values in another order; Fisher and Yates.
void Shuffle(std::vector<double>& values, std::uint64_t key) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[DrawBelow(i, key, i)]);
  }
}

double ShuffledAsFar(const Observations& observations, double best, int shuffles,
                     std::uint64_t seed) {
  const std::vector<std::size_t> rows = AllRows(observations);
  const double found = SumOf(ImportancesOf(observations, rows, best));
  Observations shuffled = observations;
  int as_far = 1;  // as they are
  for (int i = 0; i < shuffles; ++i) {
    Shuffle(shuffled.values, StreamKey(~seed, static_cast<std::uint64_t>(i)));
    as_far += SumOf(ImportancesOf(shuffled, rows, best)) >= found * (1 - 1e-9) ? 1 : 0;
  }
  return static_cast<double>(as_far) / (shuffles + 1);
}

}  // namespace

std::vector<double> PedAnova(const Observations& observations, double best) {
  assert(observations.values.size() > 1 && best > 0 && best < 1);
  return AsShares(ImportancesOf(observations, AllRows(observations), best));
}

TopShares PedAnovaWithSpread(const Observations& observations, double best, int resamples,
                             std::uint64_t seed) {
  std::vector<std::size_t> rows = AllRows(observations);
  TopShares result{.p = ShuffledAsFar(observations, best, resamples, seed)};
  for (const double share : PedAnova(observations, best)) {
    result.axes.push_back({.share = share});
  }
  std::vector<double> means(result.axes.size());
  std::vector<double> squares(result.axes.size());  // around the means
  for (int i = 0; i < resamples; ++i) {
    const std::uint64_t key = StreamKey(seed, static_cast<std::uint64_t>(i));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      rows[row] = DrawBelow(rows.size(), key, row);
    }
    const std::vector<double> drawn = AsShares(ImportancesOf(observations, rows, best));
    for (std::size_t axis = 0; axis < drawn.size(); ++axis) {
      const double off = drawn[axis] - means[axis];
      means[axis] += off / (i + 1);
      squares[axis] += off * (drawn[axis] - means[axis]);
    }
  }
  for (std::size_t axis = 0; axis < result.axes.size(); ++axis) {
    result.axes[axis].deviation = resamples > 1 ? std::sqrt(squares[axis] / (resamples - 1)) : 0;
  }
  return result;
}

}  // namespace ddl
