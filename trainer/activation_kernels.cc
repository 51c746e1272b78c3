// SPDX-License-Identifier: Apache-2.0
#include "trainer/activation_kernels.h"

#include <cassert>

#include "trainer/clones.h"
#include "trainer/vector_math.h"

namespace ddl {

namespace {

// Applies `value(pre)` to every element after adding the bias of its column.
template <class Function>
DDL_INLINE void ForwardLoop(BlockShape shape, const float* bias, float* pre, float* out,
                            Function value) {
  for (std::size_t row = 0; row < shape.rows; ++row) {
    float* z = pre + row * shape.stride;
    float* y = out + row * shape.stride;
#pragma GCC ivdep  // y is z or lies apart from it
    for (std::size_t col = 0; col < shape.stride; ++col) {
      const float with_bias = z[col] + bias[col];
      z[col] = with_bias;
      y[col] = value(with_bias);
    }
  }
}

// Multiplies by `slope(pre, out)` and adds up columns.
template <class Function>
DDL_INLINE void BackwardLoop(BlockShape shape, ActivationValues values, float* gradient,
                             float* bias_gradient, Function slope) {
  for (std::size_t row = 0; row < shape.rows; ++row) {
    const std::size_t start = row * shape.stride;
    const float* z = values.pre + start;
    const float* y = values.out + start;
    float* g = gradient + start;
#pragma GCC ivdep
    for (std::size_t col = 0; col < shape.stride; ++col) {
      const float product = g[col] * slope(z[col], y[col]);
      g[col] = product;
      bias_gradient[col] += product;
    }
  }
}

DDL_CLONES void ForwardIdentity(BlockShape shape, const float* bias, float* pre, float* out) {
  ForwardLoop(shape, bias, pre, out, [](float z) { return z; });
}

// Written so that a NaN passes through: a diverged layer must not hide behind a zero.
DDL_CLONES void ForwardRelu(BlockShape shape, const float* bias, float* pre, float* out) {
  ForwardLoop(shape, bias, pre, out, [](float z) { return z < 0.0F ? 0.0F : z; });
}

DDL_CLONES void ForwardTanh(BlockShape shape, const float* bias, float* pre, float* out) {
  ForwardLoop(shape, bias, pre, out, [](float z) { return VectorTanh(z); });
}

DDL_CLONES void ForwardGelu(BlockShape shape, const float* bias, float* pre, float* out) {
  ForwardLoop(shape, bias, pre, out, [](float z) { return z * VectorNormalCdf(z); });
}

DDL_CLONES void BackwardIdentity(BlockShape shape, ActivationValues values, float* gradient,
                                 float* bias_gradient) {
  BackwardLoop(shape, values, gradient, bias_gradient, [](float, float) { return 1.0F; });
}

DDL_CLONES void BackwardRelu(BlockShape shape, ActivationValues values, float* gradient,
                             float* bias_gradient) {
  BackwardLoop(shape, values, gradient, bias_gradient,
               [](float, float y) { return y > 0.0F ? 1.0F : 0.0F; });
}

DDL_CLONES void BackwardTanh(BlockShape shape, ActivationValues values, float* gradient,
                             float* bias_gradient) {
  BackwardLoop(shape, values, gradient, bias_gradient, [](float, float y) { return 1.0F - y * y; });
}

DDL_CLONES void BackwardGelu(BlockShape shape, ActivationValues values, float* gradient,
                             float* bias_gradient) {
  BackwardLoop(shape, values, gradient, bias_gradient,
               [](float z, float) { return VectorNormalCdf(z) + z * VectorNormalDensity(z); });
}

}  // namespace

void BiasActivate(Activation activation, BlockShape shape, const float* bias, float* pre,
                  float* out) {
  switch (activation) {
    case Activation::kIdentity:
      return ForwardIdentity(shape, bias, pre, out);
    case Activation::kRelu:
      return ForwardRelu(shape, bias, pre, out);
    case Activation::kTanh:
      return ForwardTanh(shape, bias, pre, out);
    case Activation::kGelu:
      assert(pre != out);
      return ForwardGelu(shape, bias, pre, out);
  }
}

void ActivationGradient(Activation activation, BlockShape shape, ActivationValues values,
                        float* gradient, float* bias_gradient) {
  switch (activation) {
    case Activation::kIdentity:
      return BackwardIdentity(shape, values, gradient, bias_gradient);
    case Activation::kRelu:
      return BackwardRelu(shape, values, gradient, bias_gradient);
    case Activation::kTanh:
      return BackwardTanh(shape, values, gradient, bias_gradient);
    case Activation::kGelu:
      return BackwardGelu(shape, values, gradient, bias_gradient);
  }
}

}  // namespace ddl
