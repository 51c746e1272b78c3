// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp_model.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include <Eigen/Cholesky>

#include "scheduler/search/box_minimum.h"

namespace ddl {

namespace {

const double kRoot5 = std::sqrt(5.0);
constexpr double kLeastVariance = 1e-14;

// Priors of the logarithms, normal ones. Of lengths as C. Hvarfner, E. O. Hellsten, L. Nardi,
// "Vanilla Bayesian optimization performs great in high dimensions" (2024): they grow with the root
// of the dimensions. Middle and spread are narrower than there. The noise of a training run may be
// nothing or much.
constexpr double kLengthMiddle = 0.2;
constexpr double kLengthSpread = 0.8;
constexpr double kSignalSpread = 1.0;
constexpr double kNoiseMiddle = -8;
constexpr double kNoiseSpread = 3;

double LengthMiddle(int dimensions) {
  return kLengthMiddle + 0.5 * std::log(static_cast<double>(dimensions));
}

Eigen::VectorXd InverseLengths(const std::vector<int>& owners, const GpScales& scales) {
  Eigen::VectorXd inverse(std::ssize(owners));
  for (std::size_t i = 0; i < owners.size(); ++i)
    inverse[static_cast<Eigen::Index>(i)] = std::exp(-scales.log_lengths[owners[i]]);
  return inverse;
}

// sqrt(5) times the distances of rows.
Eigen::ArrayXXd RootDistances(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  Eigen::MatrixXd squares = -2 * a * b.transpose();
  squares.colwise() += a.rowwise().squaredNorm();
  squares.rowwise() += b.rowwise().squaredNorm().transpose();
  return kRoot5 * squares.array().max(0).sqrt();
}

Eigen::MatrixXd MaternFactor(const Eigen::ArrayXXd& distances) {
  return (1 + distances + distances.square() / 3) * (-distances).exp();
}

double NormalTerm(double value, double middle, double spread, double* slope) {
  const double z = (value - middle) / spread;
  if (slope != nullptr) *slope -= z / spread;
  return -z * z / 2;
}

GpScales ScalesOf(const Eigen::VectorXd& logs) {
  const Eigen::Index n = logs.size() - 2;
  return {logs.head(n), logs[n], logs[n + 1]};
}

double PriorDensity(const GpScales& scales, Eigen::VectorXd* gradient) {
  const auto n = scales.log_lengths.size();
  const double middle = LengthMiddle(static_cast<int>(n));
  const auto slope = [gradient](Eigen::Index i) {
    return gradient == nullptr ? nullptr : &(*gradient)[i];
  };
  double density = 0;
  for (Eigen::Index i = 0; i < n; ++i)
    density += NormalTerm(scales.log_lengths[i], middle, kLengthSpread, slope(i));
  density += NormalTerm(scales.log_signal, 0, kSignalSpread, slope(n));
  return density + NormalTerm(scales.log_noise, kNoiseMiddle, kNoiseSpread, slope(n + 1));
}

}  // namespace

double GpEvidence(const GpObservations& observations, const GpScales& scales,
                  Eigen::VectorXd* gradient) {
  const Eigen::Index n = observations.features.rows();
  const Eigen::VectorXd inverse = InverseLengths(observations.owners, scales);
  const Eigen::MatrixXd scaled = observations.features * inverse.asDiagonal();
  const Eigen::ArrayXXd distances = RootDistances(scaled, scaled);
  const double signal = std::exp(scales.log_signal);
  const double noise = std::exp(scales.log_noise);
  const Eigen::ArrayXXd decay = signal * (-distances).exp();
  Eigen::MatrixXd covariance = (1 + distances + distances.square() / 3) * decay;
  covariance.diagonal().array() = signal + noise;
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
  if (factor.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
  const Eigen::VectorXd alpha = factor.solve(observations.targets);
  const double determinant = factor.matrixLLT().diagonal().array().log().sum();
  if (gradient != nullptr) {
    Eigen::MatrixXd inner = -factor.solve(Eigen::MatrixXd::Identity(n, n));
    inner.noalias() += alpha * alpha.transpose();
    gradient->setZero(observations.dimensions + 2);
    const double trace = inner.diagonal().sum();
    const double fit = (inner.array() * covariance.array()).sum() - noise * trace;
    (*gradient)[observations.dimensions] = fit / 2;
    (*gradient)[observations.dimensions + 1] = noise * trace / 2;
    // The kernel's slope by a log length is 5/3 (1 + d) exp(-d) times that dimension's square.
    const Eigen::MatrixXd weights = (inner.array() * (1 + distances) * decay) * (5.0 / 3);
    const Eigen::VectorXd sums = weights.rowwise().sum();
    const Eigen::MatrixXd product = weights * scaled;
    for (Eigen::Index c = 0; c < scaled.cols(); ++c) {
      const double squares =
          scaled.col(c).cwiseAbs2().dot(sums) - scaled.col(c).dot(product.col(c));
      (*gradient)[observations.owners[static_cast<std::size_t>(c)]] += squares;
    }
  }
  return PriorDensity(scales, gradient) - observations.targets.dot(alpha) / 2 - determinant;
}

GpScales FitGpScales(const GpObservations& observations, int evaluations) {
  constexpr double kFarthest = 6;  // of a log length from its middle
  const Eigen::Index n = observations.dimensions;
  Eigen::VectorXd start = Eigen::VectorXd::Constant(n + 2, LengthMiddle(observations.dimensions));
  Eigen::VectorXd low = start.array() - kFarthest;
  Eigen::VectorXd high = start.array() + kFarthest;
  start[n] = 0;
  low[n] = -4;
  high[n] = 6;
  low[n + 1] = -19;
  high[n + 1] = 1;
  BoxMinimum best{start, std::numeric_limits<double>::infinity()};
  // Two explanations of rough values, each with a peak of its own: short lengths, or noise.
  for (const double log_noise : {-6.0, -1.0}) {
    start[n + 1] = log_noise;
    BoxMinimum minimum = MinimizeInBox(
        [&observations](const Eigen::VectorXd& logs, Eigen::Ref<Eigen::VectorXd> gradient) {
          Eigen::VectorXd slope = Eigen::VectorXd::Zero(logs.size());
          const double evidence = GpEvidence(observations, ScalesOf(logs), &slope);
          gradient = -slope;
          return -evidence;
        },
        start, low, high, evaluations);
    if (minimum.value < best.value) best = std::move(minimum);
  }
  return ScalesOf(best.at);
}

GpPosterior::GpPosterior(GpObservations observations, GpScales scales)
    : observations_(std::move(observations)), scales_(std::move(scales)) {
  assert(observations_.features.rows() > 0);
  inverse_lengths_ = InverseLengths(observations_.owners, scales_);
  scaled_ = observations_.features * inverse_lengths_.asDiagonal();
  const double signal = std::exp(scales_.log_signal);
  const Eigen::MatrixXd kernel = signal * MaternFactor(RootDistances(scaled_, scaled_));
  const Eigen::Index n = scaled_.rows();
  noise_ = std::exp(scales_.log_noise);
  Eigen::LLT<Eigen::MatrixXd> factor;
  for (int attempt = 0;; ++attempt) {
    Eigen::MatrixXd covariance = kernel;
    covariance.diagonal().array() = signal + noise_;
    factor.compute(covariance);
    if (factor.info() == Eigen::Success) break;
    assert(attempt < 20);
    noise_ = std::max(noise_ * 10, signal * 1e-10);
  }
  inverse_triangle_ = factor.matrixL().solve(Eigen::MatrixXd::Identity(n, n));
  coefficients_ = factor.solve(observations_.targets);
}

void GpPosterior::Predict(const Eigen::MatrixXd& features, Eigen::VectorXd& means,
                          Eigen::VectorXd& deviations) const {
  const double signal = std::exp(scales_.log_signal);
  const Eigen::MatrixXd scaled = features * inverse_lengths_.asDiagonal();
  const Eigen::MatrixXd kernel = signal * MaternFactor(RootDistances(scaled_, scaled));
  means = kernel.transpose() * coefficients_;
  const Eigen::MatrixXd explained = inverse_triangle_.triangularView<Eigen::Lower>() * kernel;
  deviations = (signal - explained.colwise().squaredNorm().transpose().array())
                   .max(kLeastVariance * signal)
                   .sqrt();
}

GpPosterior::Prediction GpPosterior::PredictWithSlope(const Eigen::VectorXd& features) const {
  const double signal = std::exp(scales_.log_signal);
  const Eigen::VectorXd at = features.cwiseProduct(inverse_lengths_);
  const Eigen::ArrayXd distances =
      kRoot5 * (scaled_.rowwise() - at.transpose()).rowwise().norm().array();
  const Eigen::ArrayXd decay = signal * (-distances).exp();
  const Eigen::VectorXd kernel = (1 + distances + distances.square() / 3) * decay;
  const Eigen::VectorXd explained = inverse_triangle_.triangularView<Eigen::Lower>() * kernel;
  Prediction prediction;
  prediction.mean = kernel.dot(coefficients_);
  const double variance = std::max(signal - explained.squaredNorm(), kLeastVariance * signal);
  prediction.deviation = std::sqrt(variance);
  const Eigen::VectorXd solved =
      inverse_triangle_.triangularView<Eigen::Lower>().transpose() * explained;
  const Eigen::ArrayXd steepness = (1 + distances) * decay * (5.0 / 3);
  const auto slope = [&](const Eigen::VectorXd& weights) -> Eigen::VectorXd {
    const Eigen::VectorXd toward = scaled_.transpose() * weights - weights.sum() * at;
    return toward.cwiseProduct(inverse_lengths_);
  };
  prediction.mean_slope = slope((coefficients_.array() * steepness).matrix());
  prediction.deviation_slope = -slope((solved.array() * steepness).matrix()) / prediction.deviation;
  return prediction;
}

Eigen::VectorXd GpPosterior::SmoothedTargets() const {
  return observations_.targets - noise_ * coefficients_;
}

}  // namespace ddl
