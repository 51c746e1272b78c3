// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/cma_distribution.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include <Eigen/Eigenvalues>
#include <boost/math/distributions/normal.hpp>

namespace ddl {

namespace {

// Of the length of a standard normal vector.
double ExpectedNormalLength(double n) {
  return std::sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
}

double NormalQuantile(double share) {
  return boost::math::quantile(boost::math::normal(), share);
}

}  // namespace

CmaDistribution::CmaDistribution(Eigen::VectorXd mean, double sigma, int population)
    : population_(population), mean_(std::move(mean)), sigma_(sigma) {
  assert(mean_.size() > 0 && sigma > 0 && population >= 4);
  const Eigen::Index n = mean_.size();
  scale_ = Eigen::VectorXd::Ones(n);
  covariance_ = Eigen::MatrixXd::Identity(n, n);
  axes_ = covariance_;
  lengths_ = scale_;
  path_sigma_ = path_ = Eigen::VectorXd::Zero(n);
  SetWeights();
}

// Table 1 of the tutorial, and its defaults for the rates.
void CmaDistribution::SetWeights() {
  const auto n = static_cast<double>(mean_.size());
  const int half = population_ / 2;
  double sum = 0;
  double squares = 0;
  double negative = 0;
  double negative_squares = 0;
  for (int i = 0; i < population_; ++i) {
    const double weight = std::log((population_ + 1) / 2.0) - std::log(i + 1.0);
    weights_.push_back(weight);
    (i < half ? sum : negative) += std::abs(weight);
    (i < half ? squares : negative_squares) += weight * weight;
  }
  selected_mass_ = sum * sum / squares;
  rate_one_ = 2 / ((n + 1.3) * (n + 1.3) + selected_mass_);
  rate_mu_ = std::min(1 - rate_one_, 2 * (0.25 + selected_mass_ + 1 / selected_mass_ - 2) /
                                         ((n + 2) * (n + 2) + selected_mass_));
  const double negative_mass = negative_squares > 0 ? negative * negative / negative_squares : 0;
  const double most =
      std::min({1 + rate_one_ / rate_mu_, 1 + 2 * negative_mass / (selected_mass_ + 2),
                (1 - rate_one_ - rate_mu_) / (n * rate_mu_)});
  for (int i = 0; i < population_; ++i) {
    double& weight = weights_[static_cast<std::size_t>(i)];
    weight *= i < half ? 1 / sum : (negative > 0 ? most / negative : 0);
  }
}

Eigen::VectorXd CmaDistribution::PointAt(const Eigen::VectorXd& normal) const {
  const Eigen::VectorXd step = axes_ * lengths_.cwiseProduct(normal);
  return mean_ + sigma_ * scale_.cwiseProduct(step);
}

void CmaDistribution::Update(const std::vector<Eigen::VectorXd>& ranked) {
  assert(std::ssize(ranked) == population_);
  const auto n = static_cast<double>(mean_.size());
  const double longest = std::sqrt(n) + 2 * n / (n + 2);
  std::vector<Eigen::VectorXd> steps;
  Eigen::VectorXd shift = Eigen::VectorXd::Zero(mean_.size());
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    Eigen::VectorXd step = (ranked[i] - mean_).cwiseQuotient(scale_) / sigma_;
    const double length = (axes_.transpose() * step).cwiseQuotient(lengths_).norm();
    if (length > longest) step *= longest / length;
    if (weights_[i] > 0) shift += weights_[i] * step;
    steps.push_back(std::move(step));
  }
  mean_ += sigma_ * scale_.cwiseProduct(shift);

  const double rate = (selected_mass_ + 2) / (n + selected_mass_ + 5);
  const double damping =
      1 + 2 * std::max(0.0, std::sqrt((selected_mass_ - 1) / (n + 1)) - 1) + rate;
  const Eigen::VectorXd whitened = axes_ * (axes_.transpose() * shift).cwiseQuotient(lengths_);
  path_sigma_ = (1 - rate) * path_sigma_ + std::sqrt(rate * (2 - rate) * selected_mass_) * whitened;
  ++generations_;
  const double length = path_sigma_.norm();
  const bool is_steady = length / std::sqrt(1 - std::pow(1 - rate, 2.0 * generations_)) <
                         (1.4 + 2 / (n + 1)) * ExpectedNormalLength(n);
  const double path_rate = (4 + selected_mass_ / n) / (n + 4 + 2 * selected_mass_ / n);
  path_ *= 1 - path_rate;
  if (is_steady) path_ += std::sqrt(path_rate * (2 - path_rate) * selected_mass_) * shift;
  const double missing = is_steady ? 0 : path_rate * (2 - path_rate);
  covariance_ *= 1 + rate_one_ * missing;
  UpdateCovariance(steps);
  sigma_ *= std::exp(std::min(1.0, rate / damping * (length / ExpectedNormalLength(n) - 1)));
}

void CmaDistribution::UpdateCovariance(const std::vector<Eigen::VectorXd>& steps) {
  const auto n = static_cast<double>(mean_.size());
  const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  Eigen::MatrixXd next = (1 - rate_one_ - rate_mu_ * total) * covariance_;
  next += rate_one_ * path_ * path_.transpose();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    double weight = weights_[i];
    if (weight < 0) {
      const double length = (axes_.transpose() * steps[i]).cwiseQuotient(lengths_).squaredNorm();
      weight *= n / std::max(length, 1e-12);
    }
    next += rate_mu_ * weight * steps[i] * steps[i].transpose();
  }
  covariance_ = (next + next.transpose()) / 2;
  Decompose();
}

void CmaDistribution::Decompose() {
  constexpr double kLeast = 1e-20;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance_);
  axes_ = solver.eigenvectors();
  lengths_ = solver.eigenvalues().cwiseMax(kLeast).cwiseSqrt();
}

double CmaDistribution::Deviation(int dimension) const {
  return sigma_ * scale_[dimension] * std::sqrt(covariance_(dimension, dimension));
}

Eigen::MatrixXd CmaDistribution::Whitening() const {
  return lengths_.cwiseInverse().asDiagonal() * axes_.transpose() *
         (scale_ * sigma_).cwiseInverse().asDiagonal();
}

double CmaDistribution::Condition() const {
  const double ratio = lengths_.maxCoeff() / lengths_.minCoeff();
  return ratio * ratio;
}

// Hamano (2022), sections 4.2 and 4.3. Where the draws leave the cell often enough, nothing
// changes.
void CmaDistribution::KeepMargin(int dimension, double low, double high, double chance) {
  const double deviation = Deviation(dimension);
  double& mean = mean_[dimension];
  if (low <= 0 && high >= 1) return;
  if (low <= 0) {
    mean = std::max(mean, high - deviation * NormalQuantile(1 - chance));
  } else if (high >= 1) {
    mean = std::min(mean, low + deviation * NormalQuantile(1 - chance));
  } else {
    const boost::math::normal normal(mean, deviation);
    const double below = boost::math::cdf(normal, low);
    const double above = boost::math::cdf(boost::math::complement(normal, high));
    if (below >= chance / 2 && above >= chance / 2) return;
    const double least_below = std::max(below, chance / 2);
    const double least_above = std::max(above, chance / 2);
    const double inside = std::max(1 - below - above, chance / 2);
    const double sum = least_below + least_above + inside;
    const double share = (1 - sum) / (sum - 1.5 * chance);
    const double to_low = NormalQuantile(1 - (least_below + share * (least_below - chance / 2)));
    const double to_high = NormalQuantile(1 - (least_above + share * (least_above - chance / 2)));
    const double wanted = (high - low) / (to_low + to_high);
    scale_[dimension] *= wanted / deviation;
    mean = low + wanted * to_low;
  }
}

}  // namespace ddl
