// SPDX-License-Identifier: Apache-2.0
// The operations of one pass, as stages append them: forward in the order of the stages, backward
// the other way round. What a stage appends does what its Forward, Evaluate and Backward do on a
// CPU, over the rows of a full batch.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "trainer/cuda/gpu_program.h"

namespace ddl {

[[nodiscard]] inline std::uint32_t Narrow(std::size_t count) {
  assert(count <= 0xFFFFFFFFU);
  return static_cast<std::uint32_t>(count);
}

[[nodiscard]] inline ProductFactor FactorOf(const Tensor& tensor, bool is_transposed = false) {
  return {.offset = tensor.offset, .stride = tensor.Stride(), .is_transposed = is_transposed};
}

[[nodiscard]] inline TileFactor TileOf(const ProductFactor& factor) {
  return {.offset = factor.offset,
          .stride = Narrow(factor.stride),
          .is_transposed = factor.is_transposed};
}

struct ProductShape {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t inner = 0;
};

class ProgramBuilder {
 public:
  ProgramBuilder(const Model& model, const GpuPlaces& places, ProductPrecision precision,
                 bool is_training)
      : model_(model),
        places_(places),
        scratch_(ScratchBehind(model)),
        precision_(precision),
        is_training_(is_training) {}

  [[nodiscard]] const Model& Compiled() const { return model_; }
  [[nodiscard]] const GpuPlaces& Places() const { return places_; }
  [[nodiscard]] const GpuScratch& Scratch() const { return scratch_; }
  [[nodiscard]] bool IsTraining() const { return is_training_; }
  // Products are of numbers rounded to bfloat16: tiles round what they read, a library takes
  // copies.
  [[nodiscard]] bool IsRounded() const { return model_.shape.precision == Precision::kBfloat16; }
  [[nodiscard]] std::size_t Samples() const {
    return is_training_ ? model_.shape.batch : model_.shape.evaluation_batch;
  }
  [[nodiscard]] std::size_t Rows(const Flow& flow) const { return Samples() * flow.places; }

  template <class Body>
  void Add(const Body& body) {
    operations_.emplace_back(body);
  }

  // Copies of a tensor's first `rows` rows to `to`, in bfloat16.
  void Round(const Tensor& from, std::size_t rows, std::size_t to) {
    const std::size_t floats = rows * from.Stride();
    Add(RoundingBody{.blocks = BlocksFor(floats / kFour, RoundingBody::kThreads),
                     .arena = places_.arena,
                     .from = from.offset,
                     .to = to,
                     .floats = floats});
  }

  // out = a b, of copies where IsRounded.
  void Multiply(const ProductShape& shape, const ProductFactor& a, const ProductFactor& b,
                const Tensor& out) {
    Multiply(shape, a, b, out, CopiesPrecision());
  }
  void Multiply(const ProductShape& shape, const ProductFactor& a, const ProductFactor& b,
                const Tensor& out, ProductPrecision precision) {
    Add(ProductOf(shape, a, b, out, precision));
  }
  // out = a b + bias, of copies where IsRounded.
  void MultiplyAndAdd(const ProductShape& shape, const ProductFactor& a, const ProductFactor& b,
                      const Tensor& out, const Tensor& bias) {
    LaneProduct product = ProductOf(shape, a, b, out, CopiesPrecision());
    product.bias = bias.offset;
    Add(product);
  }

  // The same in tiles, of which `product` tells all but blocks and memory; numbers are rounded as
  // they are multiplied.
  void MultiplyTiles(const TileProduct& product, ProductPrecision precision) {
    InPrecision(precision, [&]<ProductPrecision kPrecision>() {
      AddTiles(TileBody<kPrecision>{product, {}});
    });
  }
  // Of windows, in the precision of copies.
  template <WindowProduct kProduct>
  void MultiplyTiles(const TileProduct& product, const TileWindows<kProduct>& windows) {
    InPrecision(CopiesPrecision(), [&]<ProductPrecision kPrecision>() {
      AddTiles(TileBody<kPrecision, TileWindows<kProduct>>{product, windows});
    });
  }
  // out = the sum of the slices that a product in tiles left in scratch.
  void AddUp(const TileSlices& slices, std::size_t floats, std::size_t out) {
    Add(SumSlicesBody{.blocks = BlocksFor(floats, SumSlicesBody::kThreads),
                      .arena = places_.arena,
                      .parts = scratch_.product_parts,
                      .apart = slices.apart,
                      .out = out,
                      .slices = slices.count,
                      .stride = Narrow(floats)});
  }
  // Of products whose factors may be copies, and of those that are never.
  [[nodiscard]] ProductPrecision CopiesPrecision() const {
    return IsRounded() ? ProductPrecision::kBfloat16 : precision_;
  }
  [[nodiscard]] ProductPrecision WholePrecision() const {
    return IsRounded() ? ProductPrecision::kTensorFloat32 : precision_;
  }

  [[nodiscard]] std::vector<Operation> Finish() { return std::move(operations_); }

 private:
  // Calls function.operator()<precision>().
  template <class Function>
  static void InPrecision(ProductPrecision precision, Function function) {
    switch (precision) {
      case ProductPrecision::kFloat32:
        return function.template operator()<ProductPrecision::kFloat32>();
      case ProductPrecision::kTensorFloat32:
        return function.template operator()<ProductPrecision::kTensorFloat32>();
      case ProductPrecision::kBfloat16:
        return function.template operator()<ProductPrecision::kBfloat16>();
    }
  }
  template <class Body>
  void AddTiles(Body body) {
    body.blocks = body.BlocksOf();
    body.arena = places_.arena;
    body.board = places_.board;
    Add(body);
  }

  [[nodiscard]] LaneProduct ProductOf(const ProductShape& shape, const ProductFactor& a,
                                      const ProductFactor& b, const Tensor& out,
                                      ProductPrecision precision) const {
    return {.arena = places_.arena,
            .rows = shape.rows,
            .cols = shape.cols,
            .inner = shape.inner,
            .a = a,
            .b = b,
            .out = FactorOf(out),
            .precision = precision};
  }

  const Model& model_;
  const GpuPlaces& places_;
  GpuScratch scratch_;
  ProductPrecision precision_;
  bool is_training_;
  std::vector<Operation> operations_;
};

// The bias and activation of a flow's rows, where there are any, and their way back: the gradient
// of the output becomes that of `pre`, its column sums the bias's.
struct ActivatedRows {
  Activation activation = Activation::kIdentity;
  const Parameter& bias;
  const Tensor& pre;
  const Flow& output;
};
void AddActivation(ProgramBuilder& builder, const ActivatedRows& rows, bool adds_bias = true);
// `copy`: the gradient of `pre` is wanted there in bfloat16 alone.
void AddActivationGradient(ProgramBuilder& builder, const ActivatedRows& rows,
                           std::size_t copy = kNoTensor);

// Muon's steps of hidden matrices, whose gradients are overwritten.
void AddMatrixSteps(ProgramBuilder& builder);

void AddForward(ProgramBuilder& builder, const DenseStage& stage);
void AddForward(ProgramBuilder& builder, const DropoutStage& stage);
void AddForward(ProgramBuilder& builder, const ConvStage& stage);
void AddForward(ProgramBuilder& builder, const PoolStage& stage);
void AddForward(ProgramBuilder& builder, const FlattenStage& stage);
void AddForward(ProgramBuilder& builder, const BatchNormStage& stage);
void AddForward(ProgramBuilder& builder, const ForkStage& stage);
void AddForward(ProgramBuilder& builder, const AddStage& stage);
void AddForward(ProgramBuilder& builder, const EmbedStage& stage);
void AddForward(ProgramBuilder& builder, const LayerNormStage& stage);
void AddForward(ProgramBuilder& builder, const AttentionStage& stage);

void AddBackward(ProgramBuilder& builder, const DenseStage& stage);
void AddBackward(ProgramBuilder& builder, const DropoutStage& stage);
void AddBackward(ProgramBuilder& builder, const ConvStage& stage);
void AddBackward(ProgramBuilder& builder, const PoolStage& stage);
void AddBackward(ProgramBuilder& builder, const FlattenStage& stage);
void AddBackward(ProgramBuilder& builder, const BatchNormStage& stage);
void AddBackward(ProgramBuilder& builder, const ForkStage& stage);
void AddBackward(ProgramBuilder& builder, const AddStage& stage);
void AddBackward(ProgramBuilder& builder, const EmbedStage& stage);
void AddBackward(ProgramBuilder& builder, const LayerNormStage& stage);
void AddBackward(ProgramBuilder& builder, const AttentionStage& stage);

}  // namespace ddl
