// SPDX-License-Identifier: Apache-2.0
// What a device is asked to do in one step, in order: kernels by their bodies, and products.
#pragma once

#include <variant>

#include "trainer/cuda/attention_bodies.h"
#include "trainer/cuda/batch_norm_bodies.h"
#include "trainer/cuda/clip_bodies.h"
#include "trainer/cuda/column_slices.h"
#include "trainer/cuda/dense_bodies.h"
#include "trainer/cuda/dropout_body.h"
#include "trainer/cuda/fused_attention_body.h"
#include "trainer/cuda/fused_gradient_bodies.h"
#include "trainer/cuda/gather_body.h"
#include "trainer/cuda/join_bodies.h"
#include "trainer/cuda/keep_body.h"
#include "trainer/cuda/layer_norm_bodies.h"
#include "trainer/cuda/loss_bodies.h"
#include "trainer/cuda/muon_bodies.h"
#include "trainer/cuda/pool_bodies.h"
#include "trainer/cuda/product.h"
#include "trainer/cuda/regression_body.h"
#include "trainer/cuda/rounding_body.h"
#include "trainer/cuda/text_bodies.h"
#include "trainer/cuda/tile_body.h"
#include "trainer/cuda/update_body.h"

namespace ddl {

template <ProductPrecision kPrecision, WindowProduct kProduct, class Tile = SquareTile>
using WindowBody = TileBody<kPrecision, TileWindows<kProduct>, Tile>;

// The order is part of the interface to the library: kCudaInterfaceVersion changes with it.
using Operation = std::variant<
    LaneProduct, GatherBody<std::uint8_t>, GatherBody<float>, BiasActivateBody,
    ActivationGradientBody, DropoutBody, SoftmaxLossBody, SumScoresBody, KeepLogitsBody, UpdateBody,
    AdvanceBody, SumSlicesBody, PoolBody, UnpoolBody, JoinBody, FlattenBody, BatchStatisticsBody,
    BatchNormBody, BatchNormSumsBody, BatchNormGradientBody, RegressionLossBody, SquaresBody,
    ClipBody, TokensBody, EmbedBody, TableGradientBody, PositionGradientBody, LayerNormBody,
    LayerNormGradientBody, LayerNormSumsBody, CausalSoftmaxBody, CausalSoftmaxGradientBody,
    RoundingBody, MomentumBody, InverseNormBody, CombineBody, OrthogonalMoveBody,
    TileBody<ProductPrecision::kFloat32>, TileBody<ProductPrecision::kTensorFloat32>,
    TileBody<ProductPrecision::kBfloat16>, FusedAttentionBody<ProductPrecision::kFloat32>,
    FusedAttentionBody<ProductPrecision::kTensorFloat32>,
    FusedQueryGradientBody<ProductPrecision::kFloat32>,
    FusedQueryGradientBody<ProductPrecision::kTensorFloat32>,
    FusedKeyGradientBody<ProductPrecision::kFloat32>,
    FusedKeyGradientBody<ProductPrecision::kTensorFloat32>,
    WindowBody<ProductPrecision::kFloat32, WindowProduct::kForward>,
    WindowBody<ProductPrecision::kTensorFloat32, WindowProduct::kForward>,
    WindowBody<ProductPrecision::kBfloat16, WindowProduct::kForward>,
    WindowBody<ProductPrecision::kFloat32, WindowProduct::kWeightGradient>,
    WindowBody<ProductPrecision::kTensorFloat32, WindowProduct::kWeightGradient>,
    WindowBody<ProductPrecision::kBfloat16, WindowProduct::kWeightGradient>,
    WindowBody<ProductPrecision::kFloat32, WindowProduct::kInputGradient>,
    WindowBody<ProductPrecision::kTensorFloat32, WindowProduct::kInputGradient>,
    WindowBody<ProductPrecision::kBfloat16, WindowProduct::kInputGradient>, RoundPartsBody,
    WindowBody<ProductPrecision::kBfloat16, WindowProduct::kForward, TallTile>,
    WindowBody<ProductPrecision::kBfloat16, WindowProduct::kInputGradient, TallTile>,
    FusedAttentionBody<ProductPrecision::kBfloat16>,
    FusedQueryGradientBody<ProductPrecision::kBfloat16>,
    FusedKeyGradientBody<ProductPrecision::kBfloat16>, DropSquaresBody>;

}  // namespace ddl
