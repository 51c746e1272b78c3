// SPDX-License-Identifier: Apache-2.0
// How alike values are at two points, as a Gaussian process supposes: a Matérn 5/2 kernel of all
// dimensions together, and beside it the mean of one a dimension (D. Duvenaud, H. Nickisch,
// C. E. Rasmussen, "Additive Gaussian processes", 2011, of the first order). What each parameter
// does by itself is learnt from every point, wherever it lies, so also where it is rough.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace ddl {

// Hyper-parameters, as logarithms.
struct GpScales {
  Eigen::VectorXd log_lengths;  // one a dimension, in units of features
  double log_signal = 0;        // the variance of what all dimensions do together
  double log_noise = 0;         // of the noise
  double log_additive = -3;     // of the sum of what each dimension does by itself
  double log_shortening = 0;    // a dimension's length there, beside its length in the other part
};

struct GpObservations {
  Eigen::MatrixXd features;  // a row an observation
  Eigen::VectorXd targets;
  std::vector<int> owners;  // by column, its dimension: 0 … dimensions - 1
  int dimensions = 0;
};

// Without noise.
class GpKernel {
 public:
  // Rows of features as this kernel takes them.
  struct Rows {
    Eigen::MatrixXd scaled;  // over lengths
    Eigen::MatrixXd apart;   // from the middle, times sqrt(5), over lengths of the additive part
    Eigen::MatrixXd up;      // exponentials of those, and of those with another sign
    Eigen::MatrixXd down;
  };

  GpKernel(const GpScales& scales, const std::vector<int>& owners);

  [[nodiscard]] Rows Of(const Eigen::MatrixXd& features) const;
  // Of a point with itself.
  [[nodiscard]] double Variance() const { return signal_ + additive_; }
  // Of each row of `a` with each of `b`.
  [[nodiscard]] Eigen::MatrixXd Between(const Rows& a, const Rows& b) const;

  // Of each row with a point, and the slopes by the point's columns: a row each.
  struct AtPoint {
    Eigen::VectorXd values;
    Eigen::MatrixXd slopes;
  };
  [[nodiscard]] AtPoint At(const Rows& rows, const Eigen::VectorXd& features) const;

  // Among rows.
  struct Covariance {
    Eigen::MatrixXd together;
    Eigen::MatrixXd apart;
    Eigen::ArrayXXd decline;  // of `together` by a log length, less that dimension's square
  };
  [[nodiscard]] Covariance Among(const Rows& rows) const;
  // Sums of symmetric `weights` times the slopes of the covariance: by each log length, then by
  // log_signal, log_additive and log_shortening.
  [[nodiscard]] Eigen::VectorXd Slopes(const Covariance& covariance, const Rows& rows,
                                       const Eigen::MatrixXd& weights) const;

 private:
  // Along one dimension: distances times sqrt(5) over the length, and exp(-distance).
  struct Along {
    Eigen::ArrayXd distances;
    Eigen::ArrayXd decay;
  };
  // Of the rows from `first` on with row `other` of `others`.
  void Measure(std::size_t dimension, const Rows& rows, Eigen::Index first, const Rows& others,
               Eigen::Index other, Along& along) const;

  double signal_ = 0;
  double additive_ = 0;
  Eigen::VectorXd inverse_lengths_;        // by column
  Eigen::VectorXd inverse_short_;          // times sqrt(5), of the additive part
  std::vector<std::vector<int>> columns_;  // by dimension
};

}  // namespace ddl
