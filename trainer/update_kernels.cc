// SPDX-License-Identifier: Apache-2.0
#include "trainer/update_kernels.h"

#include <array>
#include <cassert>
#include <cmath>

#include "trainer/clones.h"

namespace ddl {

namespace {

DDL_CLONES void UpdatePlain(const UpdateRule& rule, std::size_t count,
                            const float* __restrict gradient, float* __restrict weights) {
  const float lr = rule.lr;
  const float decay = rule.weight_decay;
  const float scale = rule.gradient_scale;
  for (std::size_t i = 0; i < count; ++i) {
    weights[i] -= lr * (scale * gradient[i] + decay * weights[i]);
  }
}

DDL_CLONES void UpdateMomentum(const UpdateRule& rule, std::size_t count,
                               const float* __restrict gradient, float* __restrict velocity,
                               float* __restrict weights) {
  const float lr = rule.lr;
  const float decay = rule.weight_decay;
  const float scale = rule.gradient_scale;
  const float momentum = rule.momentum;
  for (std::size_t i = 0; i < count; ++i) {
    const float v = momentum * velocity[i] + (scale * gradient[i] + decay * weights[i]);
    velocity[i] = v;
    weights[i] -= lr * v;
  }
}

DDL_CLONES void UpdateNesterov(const UpdateRule& rule, std::size_t count,
                               const float* __restrict gradient, float* __restrict velocity,
                               float* __restrict weights) {
  const float lr = rule.lr;
  const float decay = rule.weight_decay;
  const float scale = rule.gradient_scale;
  const float momentum = rule.momentum;
  for (std::size_t i = 0; i < count; ++i) {
    const float g = scale * gradient[i] + decay * weights[i];
    const float v = momentum * velocity[i] + g;
    velocity[i] = v;
    weights[i] -= lr * (g + momentum * v);
  }
}

// Kingma and Ba (2015), Algorithm 1, with epsilon outside the corrected root. Coupled decay enters
// the gradient; decoupled decay shrinks the weight (Loshchilov and Hutter, 2019).
DDL_CLONES void UpdateAdam(const UpdateRule& rule, std::size_t count,
                           const float* __restrict gradient, UpdateState state,
                           float* __restrict weights) {
  float* __restrict first = state.first;
  float* __restrict second = state.second;
  const UpdateRule r = rule;
  const bool is_decoupled = r.kind == OptimizerKind::kAdamW;
  const float coupled = is_decoupled ? 0.0F : r.weight_decay;
  const float shrink = is_decoupled ? 1.0F - r.lr * r.weight_decay : 1.0F;
  const float step = r.lr * r.first_correction;
  const float root = std::sqrt(r.second_correction);
  for (std::size_t i = 0; i < count; ++i) {
    const float g = r.gradient_scale * gradient[i] + coupled * weights[i];
    const float m = r.beta1 * first[i] + r.rest1 * g;
    const float v = r.beta2 * second[i] + r.rest2 * (g * g);
    first[i] = m;
    second[i] = v;
    weights[i] = shrink * weights[i] - step * m / (std::sqrt(v) * root + r.epsilon);
  }
}

// Chen et al. (2023), Algorithm 2: the sign of the gradient mixed with the momentum, then the
// momentum moves by another rate.
DDL_CLONES void UpdateLion(const UpdateRule& rule, std::size_t count,
                           const float* __restrict gradient, float* __restrict momentum,
                           float* __restrict weights) {
  const UpdateRule r = rule;
  const float shrink = 1.0F - r.lr * r.weight_decay;
  for (std::size_t i = 0; i < count; ++i) {
    const float g = r.gradient_scale * gradient[i];
    const float direction = r.beta1 * momentum[i] + r.rest1 * g;
    momentum[i] = r.beta2 * momentum[i] + r.rest2 * g;
    const float step = direction > 0.0F ? r.lr : 0.0F;
    weights[i] = shrink * weights[i] - (direction < 0.0F ? -r.lr : step) + 0.0F * direction;
  }
}

}  // namespace

void UpdateWeights(const UpdateRule& rule, std::size_t count, const float* gradient,
                   UpdateState state, float* weights) {
  if (rule.kind == OptimizerKind::kSgd) {
    if (rule.momentum == 0.0F) return UpdatePlain(rule, count, gradient, weights);
    assert(state.first != nullptr);
    return rule.is_nesterov ? UpdateNesterov(rule, count, gradient, state.first, weights)
                            : UpdateMomentum(rule, count, gradient, state.first, weights);
  }
  assert(state.first != nullptr);
  if (rule.kind == OptimizerKind::kLion) {
    return UpdateLion(rule, count, gradient, state.first, weights);
  }
  assert(state.second != nullptr && rule.kind != OptimizerKind::kMuon);
  UpdateAdam(rule, count, gradient, state, weights);
}

DDL_CLONES void TakeMomentum(const UpdateRule& rule, std::size_t count, float* __restrict velocity,
                             float* __restrict gradient) {
  const float scale = rule.gradient_scale;
  const float momentum = rule.momentum;
  const float ahead = rule.is_nesterov ? momentum : 1.0F;
  const float now = rule.is_nesterov ? 1.0F : 0.0F;
  for (std::size_t i = 0; i < count; ++i) {
    const float g = scale * gradient[i];
    const float v = momentum * velocity[i] + g;
    velocity[i] = v;
    gradient[i] = now * g + ahead * v;
  }
}

DDL_CLONES void Combine(std::size_t count, Term a, Term b, float* out) {
#pragma GCC ivdep  // out is one of them or lies apart from both
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = a.factor * a.values[i] + b.factor * b.values[i];
  }
}

DDL_CLONES void MoveAverage(float rate, std::size_t count, const float* __restrict weights,
                            float* __restrict average) {
  for (std::size_t i = 0; i < count; ++i) {
    average[i] += rate * (weights[i] - average[i]);
  }
}

DDL_CLONES double SumOfSquares(std::size_t count, const float* values) {
  std::array<double, 8> sums{};
  const std::size_t whole = count / sums.size() * sums.size();
  for (std::size_t start = 0; start < whole; start += sums.size()) {
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double value = values[start + i];
      sums[i] += value * value;
    }
  }
  for (std::size_t i = whole; i < count; ++i) {
    sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  double total = 0.0;
  for (const double sum : sums) {
    total += sum;
  }
  return total;
}

}  // namespace ddl
