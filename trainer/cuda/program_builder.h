// SPDX-License-Identifier: Apache-2.0
// The operations of one pass, as stages append them: forward in the order of the stages, backward
// the other way round. What a stage appends does what its Forward, Evaluate and Backward do on a
// CPU, over the rows of a full batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "configs/error.h"
#include "trainer/cuda/gpu_program.h"

namespace ddl {

// Kernels count in 32 bits. Throws Error for what is larger.
[[nodiscard]] inline std::uint32_t Narrow(std::size_t count) {
  if (count > 0xFFFFFFFFU) {
    throw Error("a lane has 2^32 numbers or more in one place, more than a GPU's kernels count to",
                "batch_size", "take a smaller batch_size, or device: cpu");
  }
  return static_cast<std::uint32_t>(count);
}

[[nodiscard]] inline ProductFactor FactorOf(const Tensor& tensor, bool is_transposed = false) {
  return {.offset = tensor.offset,
          .stride = tensor.Stride(),
          .is_transposed = is_transposed,
          .is_bfloat16 = tensor.is_bfloat16};
}

[[nodiscard]] inline LaneNumbers NumbersOf(const Tensor& tensor) {
  return {tensor.offset, tensor.is_bfloat16};
}
// Null: kNoTensor.
[[nodiscard]] inline LaneNumbers NumbersOf(const Tensor* tensor) {
  return tensor == nullptr ? LaneNumbers(kNoTensor) : NumbersOf(*tensor);
}

[[nodiscard]] inline TileFactor TileOf(const ProductFactor& factor) {
  return {.offset = factor.offset,
          .stride = Narrow(factor.stride),
          .is_transposed = factor.is_transposed,
          .is_bfloat16 = factor.is_bfloat16};
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
  // Products are of numbers in bfloat16: where these are not stored as such, tiles round what they
  // read and a library takes copies.
  [[nodiscard]] bool IsRounded() const { return model_.shape.precision == Precision::kBfloat16; }
  [[nodiscard]] std::size_t Samples() const {
    return is_training_ ? model_.shape.batch : model_.shape.evaluation_batch;
  }
  [[nodiscard]] std::size_t Rows(const Flow& flow) const { return Samples() * flow.places; }

  template <class Body>
  void Add(const Body& body) {
    operations_.emplace_back(body);
  }

  // The model's stage that is appended now. Where branches meet, the stage beside adds up what it
  // has in hand, and then there is nothing left to do.
  void Begin(std::size_t stage) {
    at_ = stage;
    is_done_now_ = is_done_[stage];
    is_done_[stage] = false;
  }
  [[nodiscard]] bool IsDone() const { return is_done_now_; }
  // On the way back, behind a fork: the gradient of the branch that skips this stage, for who adds
  // it to its own. Null: there is none.
  [[nodiscard]] const Tensor* TakeSkipped() {
    const auto* fork = Neighbour<ForkStage>(-1);
    if (fork == nullptr || fork->input.gradient.IsEmpty()) return nullptr;
    is_done_[at_ - 1] = true;
    return &fork->second;
  }
  // The rectified sum before that fork, for who passes that gradient on as zero where the sum is.
  [[nodiscard]] const Tensor* TakeRectified() {
    const auto* sum = Neighbour<AddStage>(-2);
    if (Neighbour<ForkStage>(-1) == nullptr || sum == nullptr || !sum->is_rectified) return nullptr;
    is_done_[at_ - 2] = true;
    return &sum->output.values;
  }
  // Whether a normalisation follows that is by the batch's moments.
  [[nodiscard]] bool NeedsMoments() const {
    return is_training_ && Neighbour<BatchNormStage>(1) != nullptr;
  }
  // On the way forward the sum of this stage's output and another branch, for who writes it in the
  // place of that output.
  [[nodiscard]] const AddStage* TakeSum() {
    const auto* sum = Neighbour<AddStage>(1);
    if (sum != nullptr) is_done_[at_ + 1] = true;
    return sum;
  }

  // A tensor's first `rows` rows in bfloat16: as they are, or as `copy` once they are copied there.
  [[nodiscard]] const Tensor& Rounded(const Tensor& from, std::size_t rows, const Tensor& copy) {
    if (from.is_bfloat16) return from;
    const std::size_t floats = rows * from.Stride();
    Add(RoundingBody{.blocks = BlocksFor(floats / kFour, RoundingBody::kThreads),
                     .arena = places_.arena,
                     .from = from.offset,
                     .to = copy.offset,
                     .floats = floats});
    return copy;
  }

  // out = a b, of numbers in bfloat16 where IsRounded.
  void Multiply(const ProductShape& shape, const ProductFactor& a, const ProductFactor& b,
                const Tensor& out) {
    Multiply(shape, a, b, out, RoundedPrecision());
  }
  void Multiply(const ProductShape& shape, const ProductFactor& a, const ProductFactor& b,
                const Tensor& out, ProductPrecision precision) {
    Add(ProductOf(shape, a, b, out, precision));
  }
  // out = a b + bias, the same; the bias's copy is that of an `out` in bfloat16.
  void MultiplyAndAdd(const ProductShape& shape, const ProductFactor& a, const ProductFactor& b,
                      const Tensor& out, const Tensor& bias, const Tensor& bias_copy) {
    LaneProduct product = ProductOf(shape, a, b, out, RoundedPrecision());
    product.bias = bias.offset;
    if (out.is_bfloat16) product.rounded_bias = Rounded(bias, 1, bias_copy).offset;
    Add(product);
  }

  // The same in tiles, of which `product` tells all but blocks and memory; numbers are rounded as
  // they are multiplied.
  void MultiplyTiles(const TileProduct& product, ProductPrecision precision) {
    InPrecision(precision, [&]<ProductPrecision kPrecision>() {
      AddTiles(TileBody<kPrecision>{product, {}});
    });
  }
  // Of windows, rounded.
  template <WindowProduct kProduct>
  void MultiplyTiles(const TileProduct& product, const TileWindows<kProduct>& windows) {
    InPrecision(RoundedPrecision(), [&]<ProductPrecision kPrecision>() {
      if constexpr (kPrecision == ProductPrecision::kBfloat16 &&
                    kProduct != WindowProduct::kWeightGradient) {
        if (product.cols <= TallTile::kCols) {
          return AddTiles(WindowBody<kPrecision, kProduct, TallTile>{product, windows});
        }
      }
      AddTiles(WindowBody<kPrecision, kProduct>{product, windows});
    });
  }
  // out = the sum of the slices that a product in tiles left in scratch.
  void AddUp(const TileSlices& slices, std::size_t numbers, const LaneNumbers& out) {
    Add(SumSlicesBody{.blocks = BlocksFor(numbers, SumSlicesBody::kThreads),
                      .arena = places_.arena,
                      .parts = scratch_.product_parts,
                      .apart = slices.apart,
                      .out = out,
                      .slices = slices.count,
                      .stride = Narrow(numbers)});
  }
  // Of products whose factors are rounded to bfloat16 where that is asked for, and of those whose
  // are never.
  [[nodiscard]] ProductPrecision RoundedPrecision() const {
    return IsRounded() ? ProductPrecision::kBfloat16 : precision_;
  }
  [[nodiscard]] ProductPrecision WholePrecision() const {
    return IsRounded() ? ProductPrecision::kTensorFloat32 : precision_;
  }

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

  [[nodiscard]] std::vector<Operation> Finish() { return std::move(operations_); }

 private:
  // The stage so many behind this one, where it is of a kind; else null.
  template <class Kind>
  [[nodiscard]] const Kind* Neighbour(int apart) const {
    const std::size_t stage = at_ + static_cast<std::size_t>(apart);  // wraps before the first
    return stage < model_.stages.size() ? std::get_if<Kind>(&model_.stages[stage]) : nullptr;
  }
  template <class Body>
  void AddTiles(Body body) {
    body.template Spread<typename Body::Tile>();
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
  std::size_t at_ = 0;
  std::vector<bool> is_done_ = std::vector<bool>(model_.stages.size());  // by the stage beside
  bool is_done_now_ = false;
  std::vector<Operation> operations_;
};

// The bias and activation of a flow's rows, where there are any, and their way back: the gradient
// of the output becomes that of `pre`, its column sums the bias's.
struct ActivatedRows {
  Activation activation = Activation::kIdentity;
  const ModelParameter& bias;
  const Tensor& pre;
  const Flow& output;
};
void AddActivation(ProgramBuilder& builder, const ActivatedRows& rows, bool adds_bias = true);
// `copy`: the gradient of `pre` is wanted there alone, in bfloat16.
void AddActivationGradient(ProgramBuilder& builder, const ActivatedRows& rows,
                           std::size_t copy = kNoTensor);

// Muon's steps of hidden matrices, whose gradients are overwritten.
void AddMatrixSteps(ProgramBuilder& builder);

// Copies of the weights of convolutions, where products are of bfloat16; of an evaluation's, of
// their averages where there are any.
void AddRoundedWeights(ProgramBuilder& builder);

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
