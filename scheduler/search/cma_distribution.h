// SPDX-License-Identifier: Apache-2.0
// The normal distribution that CMA-ES moves: N. Hansen, "The CMA Evolution Strategy: A Tutorial"
// (2016), with negative weights; and the margin that keeps steps alive: R. Hamano, S. Saito,
// M. Nomura, S. Shirakawa, "CMA-ES with Margin" (2022).
#pragma once

#include <cstddef>
#include <vector>

#include <Eigen/Core>

namespace ddl {

class CmaDistribution {
 public:
  // Round with standard deviation `sigma`. `population`: points a generation, at least 4.
  CmaDistribution(Eigen::VectorXd mean, double sigma, int population);

  // The point that standard normal numbers, as many as dimensions, stand for.
  [[nodiscard]] Eigen::VectorXd PointAt(const Eigen::VectorXd& normal) const;
  // A generation: `population` points, the best first. Steps longer than those that the
  // distribution makes are cut, as of points that others chose: N. Hansen, "Injecting external
  // solutions into CMA-ES" (2011).
  void Update(const std::vector<Eigen::VectorXd>& ranked);
  // Makes it likely enough, `chance` on both sides together, that a draw leaves the cell
  // [low, high] of the mean in a dimension with steps. The lowest cell begins at 0 and the highest
  // ends at 1: what lies beyond counts to them.
  void KeepMargin(int dimension, double low, double high, double chance);

  [[nodiscard]] const Eigen::VectorXd& Mean() const { return mean_; }
  // Makes steps from the mean round: of a draw, what PointAt was given, but for a rotation.
  [[nodiscard]] Eigen::MatrixXd Whitening() const;
  [[nodiscard]] int Population() const { return population_; }
  // Of one coordinate.
  [[nodiscard]] double Deviation(int dimension) const;
  // The longest axis over the shortest one, squared.
  [[nodiscard]] double Condition() const;

 private:
  void SetWeights();
  void UpdateCovariance(const std::vector<Eigen::VectorXd>& steps);
  void Decompose();

  int population_;
  Eigen::VectorXd mean_;
  double sigma_;
  Eigen::VectorXd scale_;        // of the margin, a factor a coordinate
  Eigen::MatrixXd covariance_;   // of steps over sigma and scale
  Eigen::MatrixXd axes_;         // its eigenvectors
  Eigen::VectorXd lengths_;      // roots of its eigenvalues
  Eigen::VectorXd path_sigma_;   // of the evolution that steers sigma
  Eigen::VectorXd path_;         // of the one that steers the covariance
  std::vector<double> weights_;  // by rank; those of the worse half are negative
  double selected_mass_ = 0;     // mu_eff
  double rate_one_ = 0;
  double rate_mu_ = 0;
  int generations_ = 0;
};

}  // namespace ddl
