// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_program.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/cuda/program_builder.h"

namespace ddl {

namespace {

void AddGather(ProgramBuilder& builder) {
  const Tensor& input = builder.Compiled().input;
  const GpuPlaces& places = builder.Places();
  std::visit(
      [&]<class Stored>(const StoredRows<Stored>& data) {
        using Body = GatherBody<Stored>;
        builder.Add(Body{.blocks = BlocksFor(builder.Samples(), Body::kBlockRows),
                         .board = places.board,
                         .arena = places.arena,
                         .data = data,
                         .out = input.offset,
                         .stride = Narrow(input.Stride()),
                         .rows = Narrow(builder.Samples()),
                         .labels = places.labels,
                         .label_rows = Narrow(PassRows(builder.Compiled().shape)),
                         .changes = builder.IsTraining() ? places.changes : ImageChanges{}});
      },
      places.data);
}

void AddRegressionLoss(ProgramBuilder& builder) {
  const Tensor& answers = builder.Compiled().logits;
  const GpuPlaces& places = builder.Places();
  const std::size_t rows = builder.Samples();
  builder.Add(RegressionLossBody{.blocks = BlocksFor(rows, RegressionLossBody::kThreads),
                                 .board = places.board,
                                 .arena = places.arena,
                                 .kind = builder.Compiled().shape.loss,
                                 .answers = answers.offset,
                                 .rows = Narrow(rows),
                                 .stride = Narrow(answers.Stride()),
                                 .is_training = builder.IsTraining(),
                                 .labels = places.labels,
                                 .label_rows = Narrow(PassRows(builder.Compiled().shape)),
                                 .worth = places.worth});
}

void AddSoftmaxLoss(ProgramBuilder& builder) {
  const Tensor& logits = builder.Compiled().logits;
  const GpuPlaces& places = builder.Places();
  const std::size_t rows = builder.Samples();
  builder.Add(SoftmaxLossBody{.blocks = BlocksFor(rows, SoftmaxLossBody::kThreads),
                              .board = places.board,
                              .arena = places.arena,
                              .logits = logits.offset,
                              .rows = Narrow(rows),
                              .stride = Narrow(logits.Stride()),
                              .classes = Narrow(logits.cols),
                              .is_training = builder.IsTraining(),
                              .labels = places.labels,
                              .label_rows = Narrow(PassRows(builder.Compiled().shape)),
                              .worth = places.worth});
}

void AddLoss(ProgramBuilder& builder) {
  const Model& model = builder.Compiled();
  const bool is_of_classes = model.shape.loss == LossKind::kCrossEntropy;
  is_of_classes ? AddSoftmaxLoss(builder) : AddRegressionLoss(builder);
  builder.Add(SumScoresBody{.board = builder.Places().board,
                            .worth = builder.Places().worth,
                            .worth_rows = Narrow(PassRows(model.shape)),
                            .rows = Narrow(builder.Samples())});
}

void AddUpdate(ProgramBuilder& builder) {
  const GpuPlaces& places = builder.Places();
  const std::uint32_t parts = Narrow(UpdateParts(builder.Compiled()).size());
  if (places.scales != nullptr) {
    builder.Add(SquaresBody{
        .blocks = parts, .arena = places.arena, .parts = places.parts, .squares = places.squares});
    builder.Add(ClipBody{
        .board = places.board, .squares = places.squares, .scales = places.scales, .parts = parts});
  }
  builder.Add(UpdateBody{.blocks = parts,
                         .board = places.board,
                         .arena = places.arena,
                         .parts = places.parts,
                         .scales = places.scales});
}

void AddAdvance(ProgramBuilder& builder) {
  builder.Add(AdvanceBody{.cursor = builder.Places().board.cursor});
}

template <class Kind>
concept RunsOnGpu = requires(ProgramBuilder& builder, const Kind& stage) {
  AddForward(builder, stage);
  AddBackward(builder, stage);
};

// Floats of column sums that a stage's backward pass leaves for a second kernel.
std::size_t ColumnPartsOf(const Stage& stage, std::size_t samples) {
  const auto parts = [samples](const Flow& flow, std::size_t sums, bool is_direct) {
    const std::size_t slices = SlicesOf(samples * flow.places);
    return slices == 1 && is_direct ? 0 : slices * sums * flow.values.Stride();
  };
  if (const auto* dense = std::get_if<DenseStage>(&stage)) return parts(dense->output, 1, true);
  if (const auto* norm = std::get_if<BatchNormStage>(&stage)) return parts(norm->output, 2, false);
  const auto* conv = std::get_if<ConvStage>(&stage);
  if (conv == nullptr) return 0;
  const Flow own{.values = conv->pre, .gradient = {}, .places = conv->places.Pixels()};
  return parts(own, 1, true);
}

std::size_t UnfoldedFloats(const Stage& stage, std::size_t samples) {
  const auto* conv = std::get_if<ConvStage>(&stage);
  if (conv == nullptr || !NeedsUnfolding(*conv)) return 0;
  return samples * conv->places.Pixels() * PaddedWidth(conv->weight.value.rows);
}

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
                "dense layers, convolutions, pooling, batch normalisation and dropout in float32 "
                "are what runs there so far; leave this one to CPUs");
  };
  const auto is_of_text = [](const Layer& layer) {
    return std::holds_alternative<EmbedLayer>(layer) ||
           std::holds_alternative<TransformerLayer>(layer) ||
           std::holds_alternative<LayerNormLayer>(layer);
  };
  const auto other = std::ranges::find_if(shape.layers, is_of_text);
  if (other != shape.layers.end()) refuse(fmt::format("layer {}", NameOf(*other)), "model.layers");
  if (shape.precision != Precision::kFloat32) refuse("bf16", "precision");
  if (shape.orthogonalises) refuse("muon", "optimizer.type");
}

ModelShape GpuShape(ModelShape shape) {
  shape.keeps_gradients = true;
  shape.is_of_gpu = true;
  return shape;
}

GpuScratch ScratchBehind(const Model& model) {
  std::size_t unfolded = 0;
  std::size_t parts = 0;
  for (const Stage& stage : model.stages) {
    unfolded = std::max(unfolded, UnfoldedFloats(stage, PassRows(model.shape)));
    parts = std::max(parts, ColumnPartsOf(stage, model.shape.batch));
  }
  const std::size_t begin = model.layout.Floats();
  return {.unfolded = begin, .column_parts = begin + unfolded, .end = begin + unfolded + parts};
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
  ProgramBuilder builder(model, places, precision, true);
  AddGather(builder);
  for (const Stage& stage : model.stages) {
    VisitStage(stage, [&](const auto& kind) { AddForward(builder, kind); });
  }
  AddLoss(builder);
  for (auto stage = model.stages.rbegin(); stage != model.stages.rend(); ++stage) {
    VisitStage(*stage, [&](const auto& kind) { AddBackward(builder, kind); });
  }
  AddUpdate(builder);
  AddAdvance(builder);
  return builder.Finish();
}

std::vector<Operation> EvaluationOperations(const Model& model, const GpuPlaces& places,
                                            ProductPrecision precision) {
  ProgramBuilder builder(model, places, precision, false);
  AddGather(builder);
  for (const Stage& stage : model.stages) {
    VisitStage(stage, [&](const auto& kind) { AddForward(builder, OnAverages(kind)); });
  }
  AddLoss(builder);
  AddAdvance(builder);
  return builder.Finish();
}

}  // namespace ddl
