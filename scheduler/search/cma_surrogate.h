// SPDX-License-Identifier: Apache-2.0
// A quadratic model of the values around a CMA-ES's mean, to choose among draws before any is
// tried: after N. Hansen, "A global surrogate assisted CMA-ES" (2019), whose model and weights it
// takes, but with choice among a few draws in place of ranks for the untried.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include <Eigen/Core>

namespace ddl {

class CmaSurrogate {
 public:
  explicit CmaSurrogate(Eigen::Index dimensions);

  void Add(Eigen::VectorXd point, double value);
  // Anew to the latest points, as steps from `centre` that `whitening` makes round. Before that it
  // is asked how it ranks `fresh`, the points that came since: what it then is trusted with.
  void Fit(const Eigen::VectorXd& centre, const Eigen::MatrixXd& whitening, std::size_t fresh);
  // Draws that one should be chosen from; 1: it is of no use.
  [[nodiscard]] int Choices() const;
  [[nodiscard]] double At(const Eigen::VectorXd& point) const;

 private:
  [[nodiscard]] Eigen::VectorXd Terms(const Eigen::VectorXd& point) const;

  std::deque<std::pair<Eigen::VectorXd, double>> latest_;
  Eigen::VectorXd centre_;
  Eigen::MatrixXd whitening_;
  Eigen::VectorXd coefficients_;  // none: not fitted
  bool has_products_ = false;
  double trust_ = 0;  // Kendall's tau of ranks foretold and found, smoothed
};

}  // namespace ddl
