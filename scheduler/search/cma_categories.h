// SPDX-License-Identifier: Apache-2.0
// The categorical half of a CMA-ES over mixed spaces: a probability a category, moved towards those
// of the better half, with a margin below which none falls; one of 0 stays 0. After R. Hamano, S.
// Saito, M. Nomura, K. Uchida, S. Shirakawa, "CatCMA: Stochastic Optimization for Mixed-Category
// Problems" (2024); its learning rate is fixed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddl {

class CmaCategories {
 public:
  // The probabilities at the start, by dimension; each sums to 1.
  explicit CmaCategories(std::vector<std::vector<double>> probabilities);

  [[nodiscard]] std::size_t Dimensions() const { return probabilities_.size(); }
  // The category at `uniform` in (0, 1).
  [[nodiscard]] std::int64_t At(std::size_t dimension, double uniform) const;
  [[nodiscard]] const std::vector<double>& Of(std::size_t dimension) const {
    return probabilities_[dimension];
  }
  // The categories of the better half of a generation, by rank and then by dimension, with weights
  // that sum to 1.
  void Update(const std::vector<std::vector<std::int64_t>>& ranked,
              const std::vector<double>& weights);

 private:
  std::vector<std::vector<double>> probabilities_;
};

}  // namespace ddl
