// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_program.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/cuda/program_builder.h"

namespace ddl {

namespace {

template <class Stored>
void AddRows(ProgramBuilder& builder, const StoredRows<Stored>& data) {
  const Tensor& input = builder.Compiled().input;
  const GpuPlaces& places = builder.Places();
  using Body = GatherBody<Stored>;
  builder.Add(Body{.blocks = BlocksFor(builder.Samples(), Body::kBlockRows),
                   .board = places.board,
                   .arena = places.arena,
                   .data = data,
                   .scales = places.scales,
                   .out = NumbersOf(input),
                   .stride = Narrow(input.Stride()),
                   .rows = Narrow(builder.Samples()),
                   .labels = places.labels,
                   .label_rows = Narrow(LabelRows(builder.Compiled())),
                   .changes = builder.IsTraining() ? places.changes : ImageChanges{}});
}

void AddTokens(ProgramBuilder& builder) {
  const Tensor& input = builder.Compiled().input;
  const GpuPlaces& places = builder.Places();
  const std::size_t tokens = builder.Samples() * input.cols;
  builder.Add(TokensBody{.blocks = BlocksFor(Narrow(tokens), TokensBody::kThreads),
                         .board = places.board,
                         .arena = places.arena,
                         .text = std::get<StoredRows<std::uint8_t>>(places.data),
                         .out = input.offset,
                         .rows = Narrow(builder.Samples()),
                         .stride = Narrow(input.Stride()),
                         .length = Narrow(input.cols),
                         .labels = places.labels,
                         .label_rows = Narrow(LabelRows(builder.Compiled()))});
}

void AddGather(ProgramBuilder& builder) {
  if (builder.Places().is_text) return AddTokens(builder);
  std::visit([&](const auto& data) { AddRows(builder, data); }, builder.Places().data);
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
                                 .label_rows = Narrow(LabelRows(builder.Compiled())),
                                 .worth = places.worth});
}

void AddSoftmaxLoss(ProgramBuilder& builder) {
  const Tensor& logits = builder.Compiled().logits;
  const GpuPlaces& places = builder.Places();
  const std::size_t rows = builder.Samples() * builder.Compiled().targets;
  builder.Add(SoftmaxLossBody{.blocks = BlocksFor(rows, SoftmaxLossBody::kThreads),
                              .board = places.board,
                              .arena = places.arena,
                              .logits = logits.offset,
                              .rows = Narrow(rows),
                              .stride = Narrow(logits.Stride()),
                              .classes = Narrow(logits.cols),
                              .targets = Narrow(builder.Compiled().targets),
                              .is_training = builder.IsTraining(),
                              .labels = places.labels,
                              .label_rows = Narrow(LabelRows(builder.Compiled())),
                              .worth = places.worth});
}

void AddLoss(ProgramBuilder& builder) {
  const Model& model = builder.Compiled();
  const bool is_of_classes = model.shape.loss == LossKind::kCrossEntropy;
  is_of_classes ? AddSoftmaxLoss(builder) : AddRegressionLoss(builder);
  builder.Add(SumScoresBody{.board = builder.Places().board,
                            .worth = builder.Places().worth,
                            .worth_rows = Narrow(LabelRows(model)),
                            .rows = Narrow(builder.Samples() * model.targets)});
}

void AddKeeping(ProgramBuilder& builder) {
  const std::size_t floats = LogitFloats(builder.Compiled());
  builder.Add(KeepLogitsBody{.blocks = BlocksFor(floats / kFour, KeepLogitsBody::kThreads),
                             .board = builder.Places().board,
                             .arena = builder.Places().arena,
                             .kept = builder.Places().kept,
                             .logits = builder.Compiled().logits.offset,
                             .floats = Narrow(floats)});
}

void AddUpdate(ProgramBuilder& builder) {
  const GpuPlaces& places = builder.Places();
  const std::uint32_t parts = Narrow(UpdateParts(builder.Compiled()).size());
  if (places.clips != nullptr) {
    builder.Add(SquaresBody{
        .blocks = parts, .arena = places.arena, .parts = places.parts, .squares = places.squares});
    builder.Add(ClipBody{
        .board = places.board, .squares = places.squares, .scales = places.clips, .parts = parts});
  }
  builder.Add(UpdateBody{.blocks = RuleParts(builder.Compiled()).count,
                         .board = places.board,
                         .arena = places.arena,
                         .parts = places.parts,
                         .scales = places.clips});
  AddMatrixSteps(builder);
}

// add(stage), of the model's stage `i`.
template <class Function>
void Append(ProgramBuilder& builder, std::size_t i, Function add) {
  builder.Begin(i);
  std::visit(add, builder.Compiled().stages[i]);
}

void AddAdvance(ProgramBuilder& builder) {
  builder.Add(AdvanceBody{.cursor = builder.Places().board.cursor});
}

// Floats of column sums that a stage's backward pass leaves for a second kernel.
std::size_t ColumnPartsOf(const Stage& stage, std::size_t samples) {
  const auto parts = [samples](const Flow& flow, std::size_t sums, bool is_direct) {
    const std::size_t slices = SlicesOf(samples * flow.places);
    return slices == 1 && is_direct ? 0 : slices * sums * flow.values.Stride();
  };
  if (const auto* dense = std::get_if<DenseStage>(&stage)) return parts(dense->output, 1, true);
  if (const auto* norm = std::get_if<BatchNormStage>(&stage)) {  // moments of tiles
    const std::size_t tiles = BlocksFor(samples * norm->output.places, kTileSide);
    return 2 * tiles * norm->output.values.Stride();
  }
  if (const auto* norm = std::get_if<LayerNormStage>(&stage)) return parts(norm->output, 2, false);
  const auto* conv = std::get_if<ConvStage>(&stage);
  if (conv == nullptr) return 0;
  const Flow own{.values = conv->pre, .gradient = {}, .places = conv->places.Pixels()};
  return parts(own, 1, true);
}

// Floats that the slices of a product leave for a second kernel: of a convolution's weight gradient
// or of a dense layer's outputs.
std::size_t ProductPartsOf(const Model& model, const Stage& stage) {
  const auto parts = [](const TileSlices& slices) {
    return slices.count == 1 ? 0 : slices.count * slices.apart;
  };
  if (const auto* conv = std::get_if<ConvStage>(&stage)) {
    return parts(GradientSlices(model, *conv));
  }
  const auto* dense = std::get_if<DenseStage>(&stage);
  if (dense == nullptr) return 0;
  const auto of_samples = [&](std::size_t samples) {
    const std::size_t rows = samples * dense->output.places;
    return IsOfFewRows(model, rows) ? parts(OutputSlices(*dense, rows)) : 0;
  };
  return std::max(of_samples(model.shape.batch), of_samples(model.shape.evaluation_batch));
}

// Lays out one place after the other, each on a cache line.
std::size_t Take(std::size_t& end, std::size_t floats) {
  return std::exchange(end, end + PaddedWidth(floats));
}

// Where the weights begin that products move.
std::vector<std::size_t> MovedInProducts(const Model& model) {
  std::vector<std::size_t> offsets;
  for (const Stage& stage : model.stages) {
    const auto* dense = std::get_if<DenseStage>(&stage);
    if (dense != nullptr && MovesInProduct(model, *dense)) {
      offsets.push_back(dense->weight.value.offset);
    }
  }
  return offsets;
}

const PoolStage* PoolOf(const Stage& stage) {
  if (const auto* pool = std::get_if<PoolStage>(&stage)) return pool;
  const auto* conv = std::get_if<ConvStage>(&stage);
  return conv != nullptr && conv->pool ? &*conv->pool : nullptr;
}

bool KeepsHeirs(const PoolStage& stage) {
  return stage.kind == PoolKind::kMaximum && stage.window.Pixels() <= kMostKeptPixels &&
         !stage.input.gradient.IsEmpty();
}

// function(parameter) of what no product moves: muon's matrices, or all others.
template <class Function>
void ForEachMoved(const Model& model, bool is_matrix, Function function) {
  const std::vector<std::size_t> in_products = MovedInProducts(model);
  ForEachParameter(model.stages, [&](const ModelParameter& parameter) {
    if (parameter.orthogonal.product.IsEmpty() == is_matrix) return;
    if (std::ranges::find(in_products, parameter.value.offset) != in_products.end()) return;
    function(parameter);
  });
}

std::uint32_t PartsOf(const ModelParameter& parameter) {
  return BlocksFor(parameter.value.Floats(), kUpdateFloats);
}

void AddParts(const ModelParameter& parameter, std::vector<UpdatePart>& parts) {
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
                     .rounded = at(parameter.rounded, start / 2),
                     .floats = Narrow(std::min<std::size_t>(kUpdateFloats, floats - start))});
  }
}

// Of the gradients of attention's scores.
std::size_t SquareFloats(const Stage& stage, std::size_t samples) {
  const auto* attention = std::get_if<AttentionStage>(&stage);
  if (attention == nullptr) return 0;
  return samples * attention->heads * attention->output.places * attention->probabilities.Stride();
}

}  // namespace

std::size_t PassRows(const ModelShape& shape) {
  return std::max(shape.batch, shape.evaluation_batch);
}

std::size_t LabelRows(const Model& model) {
  return PassRows(model.shape) * model.targets;
}

std::size_t LogitFloats(const Model& model) {
  return model.shape.evaluation_batch * model.targets * model.logits.Stride();
}

std::size_t KeptSteps(const Model& model, std::size_t stretch) {
  constexpr std::size_t kMostFloats = std::size_t{1} << 20U;
  return std::clamp<std::size_t>(kMostFloats / LogitFloats(model), 1, stretch);
}

ModelShape GpuShape(ModelShape shape) {
  shape.is_clipped = shape.keeps_gradients;
  shape.keeps_gradients = true;
  shape.is_of_gpu = true;
  return shape;
}

GpuScratch ScratchBehind(const Model& model) {
  std::size_t squares = 0;
  std::size_t parts = 0;
  std::size_t products = 0;
  for (const Stage& stage : model.stages) {
    squares = std::max(squares, SquareFloats(stage, model.shape.batch));
    parts = std::max(parts, ColumnPartsOf(stage, model.shape.batch));
    products = std::max(products, ProductPartsOf(model, stage));
  }
  GpuScratch scratch{.end = model.layout.Floats()};
  scratch.squares = Take(scratch.end, squares);
  scratch.column_parts = Take(scratch.end, parts);
  scratch.product_parts = Take(scratch.end, products);
  scratch.inverse_norm = Take(scratch.end, model.shape.orthogonalises ? 1 : 0);
  for (const Stage& stage : model.stages) {
    const PoolStage* pool = PoolOf(stage);
    if (pool == nullptr || !KeepsHeirs(*pool)) continue;
    const std::size_t bytes =
        model.shape.batch * pool->output.places * pool->output.values.Stride();
    scratch.heirs.push_back(
        {.output = pool->output.values.offset, .bytes = Take(scratch.end, bytes / sizeof(float))});
  }
  return scratch;
}

bool PoolsInProduct(const ConvStage& stage) {
  return stage.pool && stage.pool->kind == PoolKind::kMaximum &&
         stage.pool->window == ImageSize{.height = 2, .width = 2} &&
         stage.activation != Activation::kGelu && !stage.bias.value.IsEmpty();
}

ImageSize Pooled(const ImageSize& places) {
  return {.height = places.height / 2, .width = places.width / 2};
}

std::size_t WindowPlaces(const ConvStage& stage) {
  return PoolsInProduct(stage) ? 4 * Pooled(stage.places).Pixels() : stage.places.Pixels();
}

namespace {

// Equal slices of a product's inner dimension: a block goes through it alone, slab after slab, so
// that few tiles of a long one would leave most of a GPU idle.
TileSlices EqualSlices(std::size_t rows, std::size_t cols, std::size_t inner) {
  constexpr std::size_t kLeastInner = 512;
  constexpr std::size_t kMostBlocks = 512;  // several for each processor of any GPU
  const std::size_t tiles = std::size_t{BlocksFor(rows, kTileSide)} * BlocksFor(cols, kTileSide);
  const std::size_t wanted = std::clamp<std::size_t>(kMostBlocks / tiles, 1,
                                                     std::max<std::size_t>(inner / kLeastInner, 1));
  const std::size_t each = BlocksFor(BlocksFor(inner, wanted), kSliceStep) * kSliceStep;
  return {.count = BlocksFor(inner, each),
          .inner = Narrow(each),
          .apart = PaddedWidth(rows * PaddedWidth(cols))};
}

}  // namespace

TileSlices GradientSlices(const Model& model, const ConvStage& stage) {
  const Tensor& weight = stage.weight.value;
  return EqualSlices(weight.rows, weight.cols, model.shape.batch * WindowPlaces(stage));
}

TileSlices OutputSlices(const DenseStage& stage, std::size_t rows) {
  return EqualSlices(rows, stage.weight.value.cols, stage.weight.value.rows);
}

bool IsOfFewRows(const Model& model, std::size_t rows) {
  constexpr std::size_t kMostRows = 512;
  return !model.shape.finishes_apart && rows <= kMostRows;
}

bool MovesInProduct(const Model& model, const DenseStage& stage) {
  return !model.shape.is_clipped && IsOfFewRows(model, model.shape.batch * stage.output.places);
}

std::vector<UpdatePart> UpdateParts(const Model& model) {
  std::vector<UpdatePart> parts;
  ForEachMoved(model, false, [&](const ModelParameter& parameter) { AddParts(parameter, parts); });
  ForEachMoved(model, true, [&](const ModelParameter& parameter) { AddParts(parameter, parts); });
  return parts;
}

PartRange RuleParts(const Model& model) {
  PartRange range;
  ForEachMoved(model, false,
               [&](const ModelParameter& parameter) { range.count += PartsOf(parameter); });
  return range;
}

std::vector<MatrixPart> MatrixParts(const Model& model) {
  std::vector<MatrixPart> matrices;
  std::uint32_t first = RuleParts(model).count;
  ForEachMoved(model, true, [&](const ModelParameter& parameter) {
    const std::uint32_t count = PartsOf(parameter);
    matrices.push_back({&parameter, {.first = first, .count = count}});
    first += count;
  });
  return matrices;
}

std::vector<Operation> TrainingOperations(const Model& model, const GpuPlaces& places,
                                          ProductPrecision precision) {
  ProgramBuilder builder(model, places, precision, true);
  AddGather(builder);
  AddRoundedWeights(builder);
  for (std::size_t i = 0; i < model.stages.size(); ++i) {
    Append(builder, i, [&](const auto& kind) { AddForward(builder, kind); });
  }
  AddLoss(builder);
  for (std::size_t i = model.stages.size(); i-- > 0;) {
    Append(builder, i, [&](const auto& kind) { AddBackward(builder, kind); });
  }
  AddUpdate(builder);
  AddAdvance(builder);
  return builder.Finish();
}

std::vector<Operation> EvaluationOperations(const Model& model, const GpuPlaces& places,
                                            ProductPrecision precision) {
  ProgramBuilder builder(model, places, precision, false);
  AddGather(builder);
  AddRoundedWeights(builder);
  for (std::size_t i = 0; i < model.stages.size(); ++i) {
    Append(builder, i, [&](const auto& kind) { AddForward(builder, OnAverages(kind)); });
  }
  AddLoss(builder);
  AddKeeping(builder);
  AddAdvance(builder);
  return builder.Finish();
}

}  // namespace ddl
