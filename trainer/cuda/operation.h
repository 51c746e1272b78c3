// SPDX-License-Identifier: Apache-2.0
// What a device is asked to do in one step, in order: kernels by their bodies, and products.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "trainer/cuda/attention_bodies.h"
#include "trainer/cuda/batch_norm_bodies.h"
#include "trainer/cuda/clip_bodies.h"
#include "trainer/cuda/column_slices.h"
#include "trainer/cuda/dense_bodies.h"
#include "trainer/cuda/dropout_body.h"
#include "trainer/cuda/gather_body.h"
#include "trainer/cuda/join_bodies.h"
#include "trainer/cuda/keep_body.h"
#include "trainer/cuda/layer_norm_bodies.h"
#include "trainer/cuda/loss_bodies.h"
#include "trainer/cuda/pool_bodies.h"
#include "trainer/cuda/regression_body.h"
#include "trainer/cuda/rounding_body.h"
#include "trainer/cuda/text_bodies.h"
#include "trainer/cuda/update_body.h"
#include "trainer/cuda/window_bodies.h"

namespace ddl {

// A row-major matrix of each lane, taken transposed where asked.
struct ProductFactor {
  std::size_t offset = 0;  // in the lane
  std::size_t stride = 0;
  bool is_transposed = false;
};

// How products are rounded: float32 throughout, or factors to TensorFloat-32 (ten bits of mantissa)
// or bfloat16 (seven), and sums in float32. Factors in bfloat16 are stored as such: their offset is
// in floats as ever, their stride in numbers of their own.
enum class ProductPrecision : std::uint32_t { kFloat32, kTensorFloat32, kBfloat16 };

// out[rows, cols] = a[rows, inner] b[inner, cols] of each lane, after transposition.
struct LaneProduct {
  LaneFloats arena;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t inner = 0;
  ProductFactor a;
  ProductFactor b;
  ProductFactor out;  // never transposed
  ProductPrecision precision = ProductPrecision::kFloat32;
};

// The order is part of the interface to the library: kCudaInterfaceVersion changes with it.
using Operation = std::variant<
    LaneProduct, GatherBody<std::uint8_t>, GatherBody<float>, BiasActivateBody,
    ActivationGradientBody, DropoutBody, SoftmaxLossBody, SumScoresBody, KeepLogitsBody, UpdateBody,
    AdvanceBody, SumSlicesBody, UnfoldBody, FoldBody, PoolBody, UnpoolBody, JoinBody, FlattenBody,
    BatchMomentsBody, BatchStatisticsBody, BatchNormBody, BatchNormSumsBody, BatchNormGradientBody,
    RegressionLossBody, SquaresBody, ClipBody, TokensBody, EmbedBody, TableGradientBody,
    PositionGradientBody, LayerNormBody, LayerNormGradientBody, LayerNormSumsBody, HeadScoresBody,
    CausalSoftmaxBody, CausalSoftmaxGradientBody, HeadMixBody, RoundingBody>;

}  // namespace ddl
