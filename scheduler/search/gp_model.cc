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
constexpr double kAdditiveMiddle = -2;
constexpr double kAdditiveSpread = 2;
constexpr double kShorteningMiddle = -1;
constexpr double kShorteningSpread = 1;
constexpr Eigen::Index kOtherScales = 4;  // beside the lengths

double LengthMiddle(int dimensions) {
  return kLengthMiddle + 0.5 * std::log(static_cast<double>(dimensions));
}

// One dimension by itself can be known in more detail, and needs none of that growth.
double ShorteningMiddle(int dimensions) {
  return kShorteningMiddle - 0.5 * std::log(static_cast<double>(dimensions));
}

double NormalTerm(double value, double middle, double spread, double* slope) {
  const double z = (value - middle) / spread;
  if (slope != nullptr) *slope -= z / spread;
  return -z * z / 2;
}

GpScales ScalesOf(const Eigen::VectorXd& logs) {
  const Eigen::Index n = logs.size() - kOtherScales;
  return {logs.head(n), logs[n], logs[n + 1], logs[n + 2], logs[n + 3]};
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
  density += NormalTerm(scales.log_noise, kNoiseMiddle, kNoiseSpread, slope(n + 1));
  density += NormalTerm(scales.log_additive, kAdditiveMiddle, kAdditiveSpread, slope(n + 2));
  return density + NormalTerm(scales.log_shortening, ShorteningMiddle(static_cast<int>(n)),
                              kShorteningSpread, slope(n + 3));
}

}  // namespace

double GpEvidence(const GpObservations& observations, const GpScales& scales,
                  Eigen::VectorXd* gradient) {
  const Eigen::Index n = observations.features.rows();
  const GpKernel kernel(scales, observations.owners);
  const GpKernel::Rows rows = kernel.Of(observations.features);
  const GpKernel::Covariance covariance = kernel.Among(rows);
  const double noise = std::exp(scales.log_noise);
  Eigen::MatrixXd noisy = covariance.together + covariance.apart;
  noisy.diagonal().array() += noise;
  const Eigen::LLT<Eigen::MatrixXd> factor(noisy);
  if (factor.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
  const Eigen::VectorXd alpha = factor.solve(observations.targets);
  const double determinant = factor.matrixLLT().diagonal().array().log().sum();
  if (gradient != nullptr) {
    Eigen::MatrixXd inner = -factor.solve(Eigen::MatrixXd::Identity(n, n));
    inner.noalias() += alpha * alpha.transpose();
    const Eigen::VectorXd slopes = kernel.Slopes(covariance, rows, inner) / 2;
    const Eigen::Index lengths = observations.dimensions;
    gradient->resize(lengths + kOtherScales);
    *gradient << slopes.head(lengths + 1), noise * inner.trace() / 2, slopes.tail(2);
  }
  return PriorDensity(scales, gradient) - observations.targets.dot(alpha) / 2 - determinant;
}

GpScales FitGpScales(const GpObservations& observations, int evaluations) {
  constexpr double kFarthest = 6;  // of a log length from its middle
  const Eigen::Index n = observations.dimensions;
  Eigen::VectorXd start =
      Eigen::VectorXd::Constant(n + kOtherScales, LengthMiddle(observations.dimensions));
  Eigen::VectorXd low = start.array() - kFarthest;
  Eigen::VectorXd high = start.array() + kFarthest;
  low.tail(kOtherScales) << -4, -19, -12, -6;
  high.tail(kOtherScales) << 6, 1, 6, 2;
  // Explanations of rough values, each with a peak of its own: short lengths, noise, or what single
  // dimensions do. Of signal, noise, additive, shortening.
  const double shortening = ShorteningMiddle(observations.dimensions);
  const std::vector<Eigen::Vector4d> explanations{
      {0, -6, -4, shortening}, {0, -1, -4, shortening}, {-1, -4, 0, shortening - 1}};
  BoxMinimum best{start, std::numeric_limits<double>::infinity()};
  for (const Eigen::Vector4d& explanation : explanations) {
    start.tail(kOtherScales) = explanation;
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
    : observations_(std::move(observations)),
      scales_(std::move(scales)),
      kernel_(scales_, observations_.owners),
      rows_(kernel_.Of(observations_.features)) {
  const Eigen::Index n = observations_.features.rows();
  assert(n > 0);
  const Eigen::MatrixXd kernel = kernel_.Between(rows_, rows_);
  noise_ = std::exp(scales_.log_noise);
  Eigen::LLT<Eigen::MatrixXd> factor;
  for (int attempt = 0;; ++attempt) {
    Eigen::MatrixXd covariance = kernel;
    covariance.diagonal().array() = kernel_.Variance() + noise_;
    factor.compute(covariance);
    if (factor.info() == Eigen::Success) break;
    assert(attempt < 20);
    noise_ = std::max(noise_ * 10, kernel_.Variance() * 1e-10);
  }
  inverse_triangle_ = factor.matrixL().solve(Eigen::MatrixXd::Identity(n, n));
  coefficients_ = factor.solve(observations_.targets);
}

void GpPosterior::Predict(const Eigen::MatrixXd& features, Eigen::VectorXd& means,
                          Eigen::VectorXd& deviations) const {
  const double variance = kernel_.Variance();
  const Eigen::MatrixXd kernel = kernel_.Between(rows_, kernel_.Of(features));
  means = kernel.transpose() * coefficients_;
  const Eigen::MatrixXd explained = inverse_triangle_.triangularView<Eigen::Lower>() * kernel;
  deviations = (variance - explained.colwise().squaredNorm().transpose().array())
                   .max(kLeastVariance * variance)
                   .sqrt();
}

GpPosterior::Prediction GpPosterior::PredictWithSlope(const Eigen::VectorXd& features) const {
  const double variance = kernel_.Variance();
  const GpKernel::AtPoint kernel = kernel_.At(rows_, features);
  const Eigen::VectorXd explained =
      inverse_triangle_.triangularView<Eigen::Lower>() * kernel.values;
  const Eigen::VectorXd solved =
      inverse_triangle_.triangularView<Eigen::Lower>().transpose() * explained;
  Prediction prediction;
  prediction.mean = kernel.values.dot(coefficients_);
  prediction.deviation =
      std::sqrt(std::max(variance - explained.squaredNorm(), kLeastVariance * variance));
  prediction.mean_slope = kernel.slopes.transpose() * coefficients_;
  prediction.deviation_slope = -(kernel.slopes.transpose() * solved) / prediction.deviation;
  return prediction;
}

Eigen::VectorXd GpPosterior::SmoothedTargets() const {
  return observations_.targets - noise_ * coefficients_;
}

}  // namespace ddl
