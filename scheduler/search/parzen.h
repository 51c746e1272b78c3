// SPDX-License-Identifier: Apache-2.0
// Densities as sums of kernels: one kernel a known point, a product over dimensions, and a prior
// that is the space's own distribution. Bergstra et al., "Algorithms for hyper-parameter
// optimization" (2011); products over all dimensions as in Falkner, Klein and Hutter, "BOHB"
// (2018).
#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Core>

#include "scheduler/search/counter_draws.h"
#include "scheduler/search/domain.h"

namespace ddl {

// What a kernel has to know of a dimension.
struct KernelDimension {
  enum class Kind : std::uint8_t {
    kReal,         // truncated normal in [0, 1]; also steps too small to matter
    kSteps,        // the same, its mass in each cell
    kCategorical,  // its own category, or one drawn from the prior
  };
  Kind kind = Kind::kReal;
  std::vector<double> edges;  // kSteps: 0, …, 1
  std::vector<double> prior;  // kSteps, kCategorical: by level, sum 1
};
[[nodiscard]] std::vector<KernelDimension> KernelDimensions(const Domain& domain);

// Known points: one coordinate a dimension, none NaN; levels as Domain gives them.
struct KernelCentres {
  std::vector<Point> points;
  std::vector<double> weights;  // of each; positive
  double prior_weight = 1;
};

// How wide kernels are.
struct BandwidthRule {
  double factor = 1;         // of the rule of Scott (1992): spread times n^(-1/(d+4))
  double least = 0.01;       // of an ordered dimension, whose range is 1
  double least_cells = 0.3;  // of kSteps: the same, as cells of mean width
  // What a kernel gives to the prior in each dimension is s/(n+s), so that a point may differ from
  // a known one in few dimensions, but there by any distance. 0: nothing, of ordered ones.
  double ordered_share = 0;
  double category_share = 1;
};

class Parzen {
 public:
  Parzen(const std::vector<KernelDimension>& dimensions, const KernelCentres& centres,
         const BandwidthRule& rule);

  // A point of the density. `widening` multiplies bandwidths.
  [[nodiscard]] Point Sample(CounterDraws& draws, double widening) const;
  [[nodiscard]] double LogDensity(const Point& point) const;

 private:
  void SetBandwidths(const KernelCentres& centres, const BandwidthRule& rule);
  void SetReals(std::size_t dimension);
  void SetSteps(std::size_t dimension);
  void SetCategories(std::size_t dimension);
  void AddLogs(std::size_t dimension, double coordinate, Eigen::ArrayXd& logs) const;

  // All by dimension, empty where they are of another kind.
  struct Tables {
    Eigen::ArrayXd scaled;            // kReal: centres over sqrt(2) bandwidth
    Eigen::ArrayXd height;            // kReal: of the normal, where a share goes to the prior
    std::vector<Eigen::Index> level;  // else: of each kernel
    Eigen::ArrayXXd log_mass;         // kSteps: (level of the kernel, level of the point)
    std::vector<double> log_own;      // kCategorical: of the kernel's own level
    std::vector<double> log_other;    // kCategorical: of any other kernel
  };

  std::vector<KernelDimension> dimensions_;
  std::vector<Point> points_;
  std::vector<double> cumulative_;  // weights of the kernels, then the prior's; the last is 1
  std::vector<double> bandwidths_;  // of ordered dimensions
  double ordered_to_prior_ = 0;
  double category_to_prior_ = 0;
  Eigen::ArrayXd constant_;  // by kernel: log of weight over the volume under its normals
  double log_prior_ = 0;
  std::vector<Tables> tables_;
};

}  // namespace ddl
