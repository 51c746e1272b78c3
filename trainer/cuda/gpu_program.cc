// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_program.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/initial_weights.h"

namespace ddl {

namespace {

std::uint32_t Narrow(std::size_t count) {
  assert(count <= 0xFFFFFFFFU);
  return static_cast<std::uint32_t>(count);
}

ProductFactor FactorOf(const Tensor& tensor, bool is_transposed = false) {
  return {.offset = tensor.offset, .stride = tensor.Stride(), .is_transposed = is_transposed};
}

// Appends the operations of stages, one pass after the other.
class ProgramBuilder {
 public:
  ProgramBuilder(const Model& model, const GpuPlaces& places, ProductPrecision precision,
                 std::size_t rows)
      : model_(model), places_(places), precision_(precision), rows_(rows) {}

  void Gather() {
    const Tensor& input = model_.input;
    std::visit(
        [&]<class Stored>(const StoredRows<Stored>& data) {
          using Body = GatherBody<Stored>;
          operations_.emplace_back(Body{.blocks = BlocksFor(rows_, Body::kBlockRows),
                                        .board = places_.board,
                                        .arena = places_.arena,
                                        .data = data,
                                        .out = input.offset,
                                        .stride = Narrow(input.Stride()),
                                        .rows = Narrow(rows_),
                                        .labels = places_.labels,
                                        .label_rows = Narrow(PassRows(model_.shape))});
        },
        places_.data);
  }

  void Forward(const DenseStage& stage) {
    const Tensor& w = stage.weight.value;
    // Whole strides are multiplied, as on a CPU: padding columns of w are zero.
    Multiply(rows_, w.Stride(), w.rows, FactorOf(stage.input.values), FactorOf(w), stage.pre);
    const std::size_t stride = stage.pre.Stride();
    operations_.emplace_back(
        BiasActivateBody{.blocks = BlocksFor(rows_ * stride / kFour, BiasActivateBody::kThreads),
                         .arena = places_.arena,
                         .activation = stage.activation,
                         .bias = stage.bias.value.offset,
                         .pre = stage.pre.offset,
                         .out = stage.output.values.offset,
                         .rows = Narrow(rows_),
                         .stride = Narrow(stride)});
  }

  void Forward(const DropoutStage& stage) { Drop(stage, stage.input.values, stage.output.values); }

  void Loss(bool is_training) {
    const Tensor& logits = model_.logits;
    const std::uint32_t pass_rows = Narrow(PassRows(model_.shape));
    operations_.emplace_back(SoftmaxLossBody{.blocks = BlocksFor(rows_, SoftmaxLossBody::kThreads),
                                             .board = places_.board,
                                             .arena = places_.arena,
                                             .logits = logits.offset,
                                             .rows = Narrow(rows_),
                                             .stride = Narrow(logits.Stride()),
                                             .classes = Narrow(logits.cols),
                                             .is_training = is_training,
                                             .labels = places_.labels,
                                             .label_rows = pass_rows,
                                             .worth = places_.worth});
    operations_.emplace_back(SumScoresBody{.board = places_.board,
                                           .worth = places_.worth,
                                           .worth_rows = pass_rows,
                                           .rows = Narrow(rows_)});
  }

  void Backward(const DenseStage& stage) {
    const Tensor& dz = stage.output.gradient;
    operations_.emplace_back(
        ActivationGradientBody{.blocks = BlocksFor(dz.Stride(), ActivationGradientBody::kCols),
                               .arena = places_.arena,
                               .activation = stage.activation,
                               .pre = stage.pre.offset,
                               .out = stage.output.values.offset,
                               .gradient = dz.offset,
                               .bias_gradient = stage.bias.gradient.offset,
                               .rows = Narrow(rows_),
                               .stride = Narrow(dz.Stride())});
    const Tensor& w = stage.weight.value;
    if (!stage.input.gradient.IsEmpty()) {
      Multiply(rows_, w.rows, w.Stride(), FactorOf(dz), FactorOf(w, true), stage.input.gradient);
    }
    Multiply(w.rows, w.Stride(), rows_, FactorOf(stage.input.values, true), FactorOf(dz),
             stage.weight.gradient);
  }

  void Backward(const DropoutStage& stage) {
    Drop(stage, stage.output.gradient, stage.input.gradient);
  }

  void Update(std::size_t blocks) {
    operations_.emplace_back(UpdateBody{.blocks = Narrow(blocks),
                                        .board = places_.board,
                                        .arena = places_.arena,
                                        .parts = places_.parts});
  }

  void Advance() { operations_.emplace_back(AdvanceBody{.cursor = places_.board.cursor}); }

  std::vector<Operation> Finish() { return std::move(operations_); }

 private:
  void Drop(const DropoutStage& stage, const Tensor& from, const Tensor& to) {
    DropoutBody body{.board = places_.board,
                     .arena = places_.arena,
                     .input = from.offset,
                     .output = to.offset,
                     .rows = Narrow(rows_),
                     .stride = Narrow(to.Stride()),
                     .purpose = DropoutPlace(0, 0, stage.number).purpose};
    body.blocks = BlocksFor(rows_ * body.Drawers(), DropoutBody::kThreads);
    operations_.emplace_back(body);
  }

  void Multiply(std::size_t rows, std::size_t cols, std::size_t inner, const ProductFactor& a,
                const ProductFactor& b, const Tensor& out) {
    operations_.emplace_back(LaneProduct{.arena = places_.arena,
                                         .rows = rows,
                                         .cols = cols,
                                         .inner = inner,
                                         .a = a,
                                         .b = b,
                                         .out = FactorOf(out),
                                         .precision = precision_});
  }

  const Model& model_;
  const GpuPlaces& places_;
  ProductPrecision precision_;
  std::size_t rows_;
  std::vector<Operation> operations_;
};

template <class Kind>
concept RunsOnGpu = std::is_same_v<Kind, DenseStage> || std::is_same_v<Kind, DropoutStage>;

// Stages of other kinds are refused before a program is built.
template <class Function>
void VisitStage(const Stage& stage, Function function) {
  std::visit(
      [&]<class Kind>(const Kind& kind) {
        if constexpr (RunsOnGpu<Kind>) {
          function(kind);
        } else {
          assert(false);
        }
      },
      stage);
}

}  // namespace

std::size_t PassRows(const ModelShape& shape) {
  return std::max(shape.batch, shape.evaluation_batch);
}

void CheckGpuShape(const ModelShape& shape) {
  const auto refuse = [](std::string what, const char* where) {
    throw Error(fmt::format("{} on a GPU", what), where,
                "dense layers with dropout and cross-entropy in float32 are what runs there so "
                "far; leave this one to CPUs");
  };
  const auto is_dense = [](const Layer& layer) {
    return std::holds_alternative<DenseLayer>(layer);
  };
  const auto other = std::ranges::find_if_not(shape.layers, is_dense);
  if (other != shape.layers.end()) refuse(fmt::format("layer {}", NameOf(*other)), "model.layers");
  if (shape.loss != LossKind::kCrossEntropy) refuse("a regression", "loss.type");
  if (shape.precision != Precision::kFloat32) refuse("bf16", "precision");
  if (shape.orthogonalises) refuse("muon", "optimizer.type");
}

ModelShape GpuShape(ModelShape shape) {
  shape.keeps_gradients = true;
  return shape;
}

std::vector<UpdatePart> UpdateParts(const Model& model) {
  std::vector<UpdatePart> parts;
  ForEachParameter(model.stages, [&](const Parameter& parameter) {
    const std::size_t floats = parameter.value.Floats();
    assert(parameter.gradient.Floats() == floats);
    const auto at = [](const Tensor& tensor, std::size_t start) {
      return tensor.IsEmpty() ? kNoTensor : tensor.offset + start;
    };
    for (std::size_t start = 0; start < floats; start += kUpdateFloats) {
      parts.push_back({.value = at(parameter.value, start),
                       .gradient = at(parameter.gradient, start),
                       .first = at(parameter.first, start),
                       .second = at(parameter.second, start),
                       .average = at(parameter.average, start),
                       .floats = Narrow(std::min<std::size_t>(kUpdateFloats, floats - start))});
    }
  });
  return parts;
}

std::vector<Operation> TrainingOperations(const Model& model, const GpuPlaces& places,
                                          ProductPrecision precision) {
  ProgramBuilder builder(model, places, precision, model.shape.batch);
  builder.Gather();
  for (const Stage& stage : model.stages) {
    VisitStage(stage, [&](const auto& kind) { builder.Forward(kind); });
  }
  builder.Loss(true);
  for (auto stage = model.stages.rbegin(); stage != model.stages.rend(); ++stage) {
    VisitStage(*stage, [&](const auto& kind) { builder.Backward(kind); });
  }
  builder.Update(UpdateParts(model).size());
  builder.Advance();
  return builder.Finish();
}

std::vector<Operation> EvaluationOperations(const Model& model, const GpuPlaces& places,
                                            ProductPrecision precision) {
  ProgramBuilder builder(model, places, precision, model.shape.evaluation_batch);
  builder.Gather();
  for (const Stage& stage : model.stages) {
    VisitStage(stage, [&](const auto& kind) { builder.Forward(OnAverages(kind)); });
  }
  builder.Loss(false);
  builder.Advance();
  return builder.Finish();
}

}  // namespace ddl
