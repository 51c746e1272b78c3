// SPDX-License-Identifier: Apache-2.0
// Gaussian-process regression (C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine
// Learning", 2006): targets of mean 0 and variance about 1, hyper-parameters by maximum a
// posteriori.
#pragma once

#include <Eigen/Core>

#include "scheduler/search/gp_kernel.h"

namespace ddl {

// The logarithm of the posterior density of the scales, up to a constant; the gradient by
// log_lengths, then the others as GpScales has them. An infinity below where the covariance is
// singular.
[[nodiscard]] double GpEvidence(const GpObservations& observations, const GpScales& scales,
                                Eigen::VectorXd* gradient);

// The scales of the largest density found from the priors' middle on, by so many evaluations.
[[nodiscard]] GpScales FitGpScales(const GpObservations& observations, int evaluations);

class GpPosterior {
 public:
  struct Prediction {
    double mean = 0;
    double deviation = 0;
    Eigen::VectorXd mean_slope;  // by column of the features
    Eigen::VectorXd deviation_slope;
  };

  // At least one observation.
  GpPosterior(GpObservations observations, GpScales scales);

  // At each row of features.
  void Predict(const Eigen::MatrixXd& features, Eigen::VectorXd& means,
               Eigen::VectorXd& deviations) const;
  [[nodiscard]] Prediction PredictWithSlope(const Eigen::VectorXd& features) const;
  // Without noise, at the observations themselves.
  [[nodiscard]] Eigen::VectorXd SmoothedTargets() const;
  [[nodiscard]] const GpObservations& Observations() const { return observations_; }
  [[nodiscard]] const GpScales& Scales() const { return scales_; }

 private:
  GpObservations observations_;
  GpScales scales_;
  GpKernel kernel_;
  GpKernel::Rows rows_;
  Eigen::MatrixXd inverse_triangle_;  // of the Cholesky factor
  Eigen::VectorXd coefficients_;      // the covariance's inverse times the targets
  double noise_ = 0;                  // variance, with what was added for a stable factor
};

}  // namespace ddl
