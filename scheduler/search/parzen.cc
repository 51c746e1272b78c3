// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/parzen.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

namespace ddl {

namespace {

using Kind = KernelDimension::Kind;

// Beyond so many steps a cell is narrower than any bandwidth, and its middle stands for it.
constexpr std::int64_t kMostCells = 32;
// What is never drawn may yet have been tried, and its density is not 0.
constexpr double kNeverDrawn = 1e-12;

double NormalShare(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

Eigen::Index LevelAt(const KernelDimension& dimension, double coordinate) {
  if (dimension.kind == Kind::kCategorical) return static_cast<Eigen::Index>(coordinate);
  const auto above =
      std::upper_bound(dimension.edges.begin() + 1, dimension.edges.end() - 1, coordinate);
  return above - dimension.edges.begin() - 1;
}

double Middle(const KernelDimension& dimension, Eigen::Index level) {
  const auto at = static_cast<std::size_t>(level);
  return (dimension.edges[at] + dimension.edges[at + 1]) / 2;
}

// In (0, 1). Where a wide kernel misses it again and again, uniform.
double TruncatedNormal(double centre, double bandwidth, CounterDraws& draws) {
  for (int i = 0; i < 20; ++i) {
    const double drawn = centre + bandwidth * draws.Normal();
    if (drawn > 0 && drawn < 1) return drawn;
  }
  return draws.Uniform();
}

std::size_t Drawn(const std::vector<double>& probabilities, CounterDraws& draws) {
  double rest = draws.Uniform();
  std::size_t last = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] <= kNeverDrawn) continue;
    last = i;
    if (rest < probabilities[i]) break;
    rest -= probabilities[i];
  }
  return last;
}

std::vector<double> CellEdges(const Domain& domain, std::size_t dimension) {
  std::vector<double> edges{0};
  while (edges.back() < 1 && std::ssize(edges) <= kMostCells) {
    const double inside = edges.back() + 1e-9;
    edges.push_back(std::max(inside, domain.Cell(dimension, inside).second));
  }
  edges.back() = 1;
  return edges;
}

KernelDimension KernelDimensionOf(const Domain& domain, std::size_t dimension) {
  const Dimension& d = domain.Dimensions()[dimension];
  KernelDimension kernel;
  if (d.is_categorical) {
    kernel.kind = Kind::kCategorical;
    kernel.prior = domain.ParameterOf(dimension).probabilities;
    if (kernel.prior.empty()) {
      kernel.prior.assign(static_cast<std::size_t>(d.levels), 1 / static_cast<double>(d.levels));
    }
    for (double& probability : kernel.prior) {
      probability = std::max(probability, kNeverDrawn);
    }
  } else if (d.is_stepped && d.levels > 0 && d.levels <= kMostCells) {
    kernel.kind = Kind::kSteps;
    kernel.edges = CellEdges(domain, dimension);
    for (std::size_t i = 0; i + 1 < kernel.edges.size(); ++i) {
      kernel.prior.push_back(kernel.edges[i + 1] - kernel.edges[i]);
    }
  }
  return kernel;
}

// Of the mixture of points and prior, whose variance is that of a uniform distribution.
double SpreadOf(const KernelCentres& centres, std::size_t dimension) {
  double weight = centres.prior_weight;
  double sum = 0.5 * weight;
  for (std::size_t i = 0; i < centres.points.size(); ++i) {
    weight += centres.weights[i];
    sum += centres.weights[i] * centres.points[i][dimension];
  }
  const double mean = sum / weight;
  double squares = centres.prior_weight * (1.0 / 12 + (mean - 0.5) * (mean - 0.5));
  for (std::size_t i = 0; i < centres.points.size(); ++i) {
    const double away = centres.points[i][dimension] - mean;
    squares += centres.weights[i] * away * away;
  }
  return std::sqrt(squares / weight);
}

}  // namespace

std::vector<KernelDimension> KernelDimensions(const Domain& domain) {
  std::vector<KernelDimension> dimensions;
  for (std::size_t i = 0; i < domain.Dimensions().size(); ++i) {
    dimensions.push_back(KernelDimensionOf(domain, i));
  }
  return dimensions;
}

Parzen::Parzen(const std::vector<KernelDimension>& dimensions, const KernelCentres& centres,
               const BandwidthRule& rule)
    : dimensions_(dimensions), points_(centres.points) {
  assert(centres.points.size() == centres.weights.size() && centres.prior_weight > 0);
  double total = 0;
  for (const double weight : centres.weights) {
    total += weight;
    cumulative_.push_back(total);
  }
  total += centres.prior_weight;
  cumulative_.push_back(total);
  for (double& at : cumulative_) {
    at /= total;
  }
  log_prior_ = std::log(centres.prior_weight / total);
  constant_.resize(std::ssize(points_));
  for (std::size_t i = 0; i < points_.size(); ++i) {
    constant_[static_cast<Eigen::Index>(i)] = std::log(centres.weights[i] / total);
  }
  SetBandwidths(centres, rule);
  tables_.resize(dimensions_.size());
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    if (dimensions_[i].kind == Kind::kReal) SetReals(i);
    if (dimensions_[i].kind == Kind::kSteps) SetSteps(i);
    if (dimensions_[i].kind == Kind::kCategorical) SetCategories(i);
  }
}

void Parzen::SetBandwidths(const KernelCentres& centres, const BandwidthRule& rule) {
  const auto count = static_cast<double>(points_.size());
  const double kernels = std::max(count, 1.0);
  ordered_to_prior_ = rule.ordered_share / (kernels + rule.ordered_share);
  category_to_prior_ = rule.category_share / (kernels + rule.category_share);
  const double shrinking =
      std::pow(std::max(count, 1.0), -1 / (static_cast<double>(dimensions_.size()) + 4));
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    const KernelDimension& dimension = dimensions_[i];
    if (dimension.kind == Kind::kCategorical) {
      bandwidths_.push_back(0);
      continue;
    }
    const double cell = dimension.kind == Kind::kSteps
                            ? rule.least_cells / static_cast<double>(dimension.prior.size())
                            : 0;
    bandwidths_.push_back(std::clamp(rule.factor * SpreadOf(centres, i) * shrinking,
                                     std::max(rule.least, cell), 1.0));
  }
}

void Parzen::SetReals(std::size_t dimension) {
  const double bandwidth = bandwidths_[dimension];
  Tables& tables = tables_[dimension];
  tables.scaled.resize(std::ssize(points_));
  Eigen::ArrayXd log_height(std::ssize(points_));
  for (Eigen::Index i = 0; i < std::ssize(points_); ++i) {
    const double centre = points_[static_cast<std::size_t>(i)][dimension];
    const double inside = NormalShare((1 - centre) / bandwidth) - NormalShare(-centre / bandwidth);
    log_height[i] = -std::log(bandwidth * std::sqrt(2 * std::numbers::pi) * inside);
    tables.scaled[i] = centre / (std::numbers::sqrt2 * bandwidth);
  }
  if (ordered_to_prior_ > 0) {
    tables.height = (1 - ordered_to_prior_) * log_height.exp();
  } else {
    constant_ += log_height;
  }
}

void Parzen::SetSteps(std::size_t dimension) {
  const KernelDimension& d = dimensions_[dimension];
  Tables& tables = tables_[dimension];
  const double bandwidth = bandwidths_[dimension];
  const auto levels = std::ssize(d.prior);
  tables.log_mass.resize(levels, levels);
  for (Eigen::Index own = 0; own < levels; ++own) {
    const double centre = Middle(d, own);
    const auto below = [&](Eigen::Index edge) {
      return NormalShare((d.edges[static_cast<std::size_t>(edge)] - centre) / bandwidth);
    };
    const double inside = below(levels) - below(0);
    for (Eigen::Index at = 0; at < levels; ++at) {
      const double mass = (1 - ordered_to_prior_) * (below(at + 1) - below(at)) / inside +
                          ordered_to_prior_ * d.prior[static_cast<std::size_t>(at)];
      // What lies far off has the least mass that a double tells from nothing.
      tables.log_mass(own, at) = std::log(std::max(mass, 1e-300));
    }
  }
  for (const Point& point : points_) {
    tables.level.push_back(LevelAt(d, point[dimension]));
  }
}

void Parzen::SetCategories(std::size_t dimension) {
  const KernelDimension& d = dimensions_[dimension];
  Tables& tables = tables_[dimension];
  for (const double probability : d.prior) {
    tables.log_own.push_back(std::log(1 - category_to_prior_ + category_to_prior_ * probability));
    tables.log_other.push_back(std::log(category_to_prior_ * probability));
  }
  for (const Point& point : points_) {
    tables.level.push_back(LevelAt(d, point[dimension]));
  }
}

Point Parzen::Sample(CounterDraws& draws, double widening) const {
  const auto chosen = std::ranges::upper_bound(cumulative_, draws.Uniform());
  const auto kernel = static_cast<std::size_t>(chosen - cumulative_.begin());
  const bool is_prior = kernel >= points_.size();
  Point point(dimensions_.size());
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    const KernelDimension& dimension = dimensions_[i];
    if (dimension.kind == Kind::kCategorical) {
      const bool is_kept =
          !is_prior && draws.Uniform() >= std::min(category_to_prior_ * widening, 1.0);
      const bool is_own =
          is_kept && dimension.prior[static_cast<std::size_t>(points_[kernel][i])] > kNeverDrawn;
      point[i] = is_own ? points_[kernel][i] : static_cast<double>(Drawn(dimension.prior, draws));
      continue;
    }
    const bool is_anywhere =
        is_prior || (ordered_to_prior_ > 0 && draws.Uniform() < ordered_to_prior_);
    const double drawn =
        is_anywhere ? draws.Uniform()
                    : TruncatedNormal(points_[kernel][i], bandwidths_[i] * widening, draws);
    point[i] =
        dimension.kind == Kind::kSteps ? Middle(dimension, LevelAt(dimension, drawn)) : drawn;
  }
  return point;
}

void Parzen::AddLogs(std::size_t dimension, double coordinate, Eigen::ArrayXd& logs) const {
  const KernelDimension& d = dimensions_[dimension];
  const Tables& tables = tables_[dimension];
  if (d.kind == Kind::kReal) {
    const double scaled = coordinate / (std::numbers::sqrt2 * bandwidths_[dimension]);
    if (ordered_to_prior_ > 0) {
      logs +=
          (tables.height * (-(scaled - tables.scaled).square()).exp() + ordered_to_prior_).log();
    } else {
      logs -= (scaled - tables.scaled).square();
    }
    return;
  }
  const Eigen::Index level = LevelAt(d, coordinate);
  const auto at = static_cast<std::size_t>(level);
  for (Eigen::Index kernel = 0; kernel < logs.size(); ++kernel) {
    const Eigen::Index own = tables.level[static_cast<std::size_t>(kernel)];
    logs[kernel] += d.kind == Kind::kSteps ? tables.log_mass(own, level)
                    : own == level         ? tables.log_own[at]
                                           : tables.log_other[at];
  }
}

double Parzen::LogDensity(const Point& point) const {
  Eigen::ArrayXd logs = constant_;
  double prior = log_prior_;
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    AddLogs(i, point[i], logs);
    if (dimensions_[i].kind == Kind::kReal) continue;
    prior +=
        std::log(dimensions_[i].prior[static_cast<std::size_t>(LevelAt(dimensions_[i], point[i]))]);
  }
  const double highest = logs.size() > 0 ? std::max(prior, logs.maxCoeff()) : prior;
  return highest + std::log((logs - highest).exp().sum() + std::exp(prior - highest));
}

}  // namespace ddl
