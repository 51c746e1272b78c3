// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/cma_surrogate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <Eigen/Cholesky>

namespace ddl {

namespace {

// Both found on the tuning functions of bench/search.
constexpr int kChoices = 5;
constexpr double kPointsATerm = 1.1;
constexpr Eigen::Index kMostForProducts = 12;  // dimensions; beyond, squares alone

Eigen::Index TermsOf(Eigen::Index n, bool has_products) {
  return has_products ? (n + 1) * (n + 2) / 2 : 2 * n + 1;
}

// Kendall's tau: pairs in the same order less those in the other, over all.
double RankAgreement(const std::vector<double>& a, const std::vector<double>& b) {
  double agreement = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j, ++pairs) {
      const double product = (a[i] - a[j]) * (b[i] - b[j]);
      agreement += product > 0 ? 1 : (product < 0 ? -1 : 0);
    }
  }
  return pairs > 0 ? agreement / pairs : 0;
}

}  // namespace

CmaSurrogate::CmaSurrogate(Eigen::Index dimensions) : centre_(dimensions) {}

void CmaSurrogate::Add(Eigen::VectorXd point, double value) {
  const Eigen::Index n = centre_.size();
  const auto most = static_cast<std::size_t>(2 * TermsOf(n, n <= kMostForProducts));
  latest_.emplace_back(std::move(point), value);
  if (latest_.size() > most) latest_.pop_front();
}

Eigen::VectorXd CmaSurrogate::Terms(const Eigen::VectorXd& point) const {
  const Eigen::Index n = point.size();
  const Eigen::VectorXd step = whitening_ * (point - centre_);
  Eigen::VectorXd terms(TermsOf(n, has_products_));
  terms[0] = 1;
  terms.segment(1, n) = step;
  terms.segment(1 + n, n) = step.cwiseAbs2();
  Eigen::Index next = 1 + 2 * n;
  for (Eigen::Index i = 0; has_products_ && i < n; ++i) {
    for (Eigen::Index j = 0; j < i; ++j)
      terms[next++] = step[i] * step[j];
  }
  return terms;
}

double CmaSurrogate::At(const Eigen::VectorXd& point) const {
  return Terms(point).dot(coefficients_);
}

int CmaSurrogate::Choices() const {
  if (coefficients_.size() == 0) return 1;
  if (trust_ > 0.5) return kChoices;
  return trust_ > 0.25 ? 2 : 1;
}

void CmaSurrogate::Fit(const Eigen::VectorXd& centre, const Eigen::MatrixXd& whitening,
                       std::size_t fresh) {
  const std::size_t count = latest_.size();
  if (coefficients_.size() > 0) {
    std::vector<double> foretold;
    std::vector<double> found;
    for (std::size_t i = count - std::min(fresh, count); i < count; ++i) {
      foretold.push_back(At(latest_[i].first));
      found.push_back(latest_[i].second);
    }
    trust_ += 0.3 * (RankAgreement(foretold, found) - trust_);
  }
  const Eigen::Index n = centre_.size();
  const auto enough = [count](Eigen::Index terms) {
    return static_cast<double>(count) >= kPointsATerm * static_cast<double>(terms);
  };
  coefficients_.resize(0);
  if (!enough(TermsOf(n, false))) return;
  has_products_ = n <= kMostForProducts && enough(TermsOf(n, true));
  centre_ = centre;
  whitening_ = whitening;
  // The best weighs twenty times as much as the worst.
  std::vector<std::size_t> ranked(count);
  std::iota(ranked.begin(), ranked.end(), std::size_t{0});
  std::ranges::stable_sort(ranked, {}, [this](std::size_t i) { return latest_[i].second; });
  const double least = latest_[ranked.front()].second;
  const double middle = latest_[ranked[count / 2]].second - least;
  const Eigen::Index terms = TermsOf(n, has_products_);
  Eigen::MatrixXd rows(static_cast<Eigen::Index>(count), terms);
  Eigen::VectorXd values(static_cast<Eigen::Index>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    const auto& [point, value] = latest_[ranked[i]];
    const double weight =
        std::sqrt(1 + 19 * (1 - static_cast<double>(i) / static_cast<double>(count)));
    rows.row(row) = weight * Terms(point);
    values[row] = middle > 0 ? weight * (value - least) / middle : 0;
  }
  constexpr double kRidge = 1e-6;
  Eigen::MatrixXd normal = rows.transpose() * rows;
  normal.diagonal().array() += kRidge * static_cast<double>(count);
  coefficients_ = normal.ldlt().solve(rows.transpose() * values);
  if (!coefficients_.allFinite()) coefficients_.resize(0);
}

}  // namespace ddl
