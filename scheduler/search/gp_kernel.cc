// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp_kernel.h"

#include <cmath>

namespace ddl {

namespace {

const double kRoot5 = std::sqrt(5.0);

// sqrt(5) times the distances of rows.
Eigen::ArrayXXd RootDistances(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  Eigen::MatrixXd squares = -2 * a * b.transpose();
  squares.colwise() += a.rowwise().squaredNorm();
  squares.rowwise() += b.rowwise().squaredNorm().transpose();
  return kRoot5 * squares.array().max(0).sqrt();
}

}  // namespace

GpKernel::GpKernel(const GpScales& scales, const std::vector<int>& owners)
    : signal_(std::exp(scales.log_signal)),
      additive_(std::exp(scales.log_additive)),
      inverse_lengths_(std::ssize(owners)),
      columns_(static_cast<std::size_t>(scales.log_lengths.size())) {
  for (std::size_t i = 0; i < owners.size(); ++i) {
    inverse_lengths_[static_cast<Eigen::Index>(i)] = std::exp(-scales.log_lengths[owners[i]]);
    columns_[static_cast<std::size_t>(owners[i])].push_back(static_cast<int>(i));
  }
  inverse_short_ = kRoot5 * std::exp(-scales.log_shortening) * inverse_lengths_;
}

GpKernel::Rows GpKernel::Of(const Eigen::MatrixXd& features) const {
  Rows rows;
  rows.scaled = features * inverse_lengths_.asDiagonal();
  rows.apart = (features.array() - 0.5).matrix() * inverse_short_.asDiagonal();
  rows.up = rows.apart.array().exp();
  rows.down = (-rows.apart.array()).exp();
  return rows;
}

// The exponential of a distance along one column is the smaller of two products, which costs much
// less than an exponential a pair.
void GpKernel::Measure(std::size_t dimension, const Rows& rows, Eigen::Index first,
                       const Rows& others, Eigen::Index other, Along& along) const {
  constexpr double kFarthest = 300;  // what a double can hold of either factor
  const std::vector<int>& columns = columns_[dimension];
  const Eigen::Index count = rows.apart.rows() - first;
  const auto away = [&](int column) {
    return rows.apart.col(column).tail(count).array() - others.apart(other, column);
  };
  const int column = columns.front();
  if (columns.size() == 1 && inverse_short_[column] <= kFarthest) {
    along.distances = away(column).abs();
    along.decay = (rows.up.col(column).tail(count).array() * others.down(other, column))
                      .min(rows.down.col(column).tail(count).array() * others.up(other, column));
    return;
  }
  along.distances = away(column).square();
  for (std::size_t i = 1; i < columns.size(); ++i)
    along.distances += away(columns[i]).square();
  along.distances = along.distances.sqrt();
  along.decay = (-along.distances).exp();
}

Eigen::MatrixXd GpKernel::Between(const Rows& a, const Rows& b) const {
  const Eigen::ArrayXXd distances = RootDistances(a.scaled, b.scaled);
  Eigen::MatrixXd sum = signal_ * (1 + distances + distances.square() / 3) * (-distances).exp();
  const double share = additive_ / static_cast<double>(columns_.size());
  Along along;
  for (Eigen::Index j = 0; j < sum.cols(); ++j) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Measure(i, a, 0, b, j, along);
      sum.col(j).array() += share * (1 + along.distances * (1 + along.distances / 3)) * along.decay;
    }
  }
  return sum;
}

GpKernel::AtPoint GpKernel::At(const Rows& rows, const Eigen::VectorXd& features) const {
  const Rows point = Of(features.transpose());
  const Eigen::MatrixXd away = rows.scaled.rowwise() - point.scaled.row(0);
  const Eigen::ArrayXd distances = kRoot5 * away.rowwise().norm().array();
  const Eigen::ArrayXd decay = signal_ * (-distances).exp();
  AtPoint at;
  at.values = (1 + distances + distances.square() / 3) * decay;
  const Eigen::VectorXd steepness = (1 + distances) * decay * (5.0 / 3);
  at.slopes = steepness.asDiagonal() * away * inverse_lengths_.asDiagonal();
  const double share = additive_ / static_cast<double>(columns_.size());
  Along along;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Measure(i, rows, 0, point, 0, along);
    at.values.array() += share * (1 + along.distances * (1 + along.distances / 3)) * along.decay;
    for (const int c : columns_[i]) {
      at.slopes.col(c).array() += (share / 3 * inverse_short_[c]) * (1 + along.distances) *
                                  along.decay * (rows.apart.col(c).array() - point.apart(0, c));
    }
  }
  return at;
}

GpKernel::Covariance GpKernel::Among(const Rows& rows) const {
  const Eigen::Index n = rows.scaled.rows();
  const Eigen::ArrayXXd distances = RootDistances(rows.scaled, rows.scaled);
  const Eigen::ArrayXXd decay = signal_ * (-distances).exp();
  Covariance covariance;
  covariance.together = (1 + distances + distances.square() / 3) * decay;
  covariance.together.diagonal().setConstant(signal_);
  covariance.decline = (1 + distances) * decay * (5.0 / 3);
  covariance.apart = Eigen::MatrixXd::Zero(n, n);
  const double share = additive_ / static_cast<double>(columns_.size());
  Along along;
  for (Eigen::Index j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Measure(i, rows, j, rows, j, along);
      covariance.apart.col(j).tail(n - j).array() +=
          share * (1 + along.distances * (1 + along.distances / 3)) * along.decay;
    }
  }
  covariance.apart.triangularView<Eigen::StrictlyUpper>() = covariance.apart.transpose();
  covariance.apart.diagonal().setConstant(additive_);
  return covariance;
}

Eigen::VectorXd GpKernel::Slopes(const Covariance& covariance, const Rows& rows,
                                 const Eigen::MatrixXd& weights) const {
  const auto dimensions = std::ssize(columns_);
  const Eigen::Index n = rows.scaled.rows();
  Eigen::VectorXd slopes = Eigen::VectorXd::Zero(dimensions + 3);
  // The slope of `together` by a log length is `decline` times that dimension's square.
  const Eigen::MatrixXd declining = weights.array() * covariance.decline;
  const Eigen::VectorXd sums = declining.rowwise().sum();
  const Eigen::MatrixXd product = declining * rows.scaled;
  const double share = additive_ / static_cast<double>(dimensions);
  Along along;
  for (Eigen::Index d = 0; d < dimensions; ++d) {
    for (const int c : columns_[static_cast<std::size_t>(d)]) {
      slopes[d] +=
          2 * (rows.scaled.col(c).cwiseAbs2().dot(sums) - rows.scaled.col(c).dot(product.col(c)));
    }
    double apart = 0;  // the lower triangle; the diagonal has no slope
    for (Eigen::Index j = 0; j + 1 < n; ++j) {
      Measure(static_cast<std::size_t>(d), rows, j + 1, rows, j, along);
      apart += (weights.col(j).tail(n - j - 1).array() * along.decay * along.distances.square() *
                (1 + along.distances))
                   .sum();
    }
    apart *= 2 * share / 3;
    slopes[d] += apart;
    slopes[dimensions + 2] += apart;
  }
  slopes[dimensions] = weights.cwiseProduct(covariance.together).sum();
  slopes[dimensions + 1] = weights.cwiseProduct(covariance.apart).sum();
  return slopes;
}

}  // namespace ddl
