// SPDX-License-Identifier: Apache-2.0
// Optimizer steps, each one loop over a run of weights. The conventions are PyTorch's: `sgd` and
// `adam` add weight_decay * w to the gradient, `adamw` (Loshchilov and Hutter, 2019) shrinks the
// weight by lr * weight_decay beside it, and so does `lion` (Chen et al., 2023); biases are treated
// as weights.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ddl {

enum class OptimizerKind : std::uint8_t { kSgd, kAdam, kAdamW, kLion, kMuon };

// Everything one step needs, the same for all weights of a lane.
struct UpdateRule {
  OptimizerKind kind = OptimizerKind::kSgd;
  float lr = 0.0F;
  float matrix_lr = 0.0F;  // muon, of hidden matrices; the others follow the rest of the rule
  float weight_decay = 0.0F;
  float gradient_scale = 1.0F;  // below 1 where clipping shortens the gradient
  float momentum = 0.0F;        // sgd, where 0 needs no state, and muon
  bool is_nesterov = false;
  float beta1 = 0.0F;  // adam, adamw and lion from here on
  float beta2 = 0.0F;
  float rest1 = 1.0F;  // 1 - beta1 and 1 - beta2, rounded once: in float they lose five digits
  float rest2 = 1.0F;
  float epsilon = 0.0F;            // not of lion, nor what follows
  float first_correction = 1.0F;   // 1 / (1 - beta1^t), t = 1, 2, …
  float second_correction = 1.0F;  // 1 / (1 - beta2^t)
};

// `first` is the momentum or first moment, `second` the second moment; null where the rule has
// none.
struct UpdateState {
  float* first = nullptr;
  float* second = nullptr;
};

// Moves `count` weights along their gradient.
void UpdateWeights(const UpdateRule& rule, std::size_t count, const float* gradient,
                   UpdateState state, float* weights);

// velocity = momentum * velocity + gradient, and the direction to go (velocity or, with Nesterov,
// gradient + momentum * velocity) in place of the gradient.
void TakeMomentum(const UpdateRule& rule, std::size_t count, float* velocity, float* gradient);

struct Term {
  float factor = 0.0F;
  const float* values = nullptr;
};
// out = a + b; out may be either.
void Combine(std::size_t count, Term a, Term b, float* out);

// average += rate * (weights - average)
void MoveAverage(float rate, std::size_t count, const float* weights, float* average);

// Sum of squares in double; the order of addition depends on `count` alone.
[[nodiscard]] double SumOfSquares(std::size_t count, const float* values);

}  // namespace ddl
