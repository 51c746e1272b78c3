// SPDX-License-Identifier: Apache-2.0
// Muon's step of a weight matrix: momentum whose singular values are all brought near 1. Jordan et
// al., "Muon: an optimizer for hidden layers in neural networks", 2024; the coefficients, the five
// iterations and sqrt(max(1, outputs / inputs)) are theirs.
#pragma once

#include <cstddef>

#include "trainer/flow.h"
#include "trainer/parameter.h"

namespace ddl {

struct QuinticCoefficients {
  float linear = 3.4445F;
  float cubic = -4.7750F;
  float quintic = 2.0315F;
};
inline constexpr int kNewtonSchulzSteps = 5;

// Memory for Orthogonalise: of `product` as the matrix, of the others a square of its shorter side.
struct OrthogonalScratch {
  float* product = nullptr;
  float* gram = nullptr;
  float* square = nullptr;
};

// Replaces matrix[rows, cols], which lies as a Tensor does and whose padding is zero, by about U
// V^T of its singular value decomposition: singular values s of the matrix divided by its norm
// become p(p(p(p(p(s))))), p(s) = 3.4445 s - 4.7750 s^3 + 2.0315 s^5. Zero stays zero.
void Orthogonalise(const Tensor& shape, const OrthogonalScratch& scratch, float* matrix);

// What orthogonalising adds to a step, 0 where a parameter is moved otherwise: operations of its
// matrix products, and bytes of the matrices that it passes over.
[[nodiscard]] double OrthogonalFlops(const ModelParameter& parameter);
[[nodiscard]] double OrthogonalBytes(const ModelParameter& parameter);

// One step of a parameter that has a gradient in full, which is overwritten, and scratch.
void OrthogonalUpdate(const ModelParameter& parameter, const LaneRun& run);

}  // namespace ddl
