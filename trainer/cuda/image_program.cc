// SPDX-License-Identifier: Apache-2.0
// Convolutions, pooling, flattening and the branches of residual blocks as operations.
#include "trainer/cuda/program_builder.h"

namespace ddl {

namespace {

WindowPlaces PlacesOf(const ConvStage& stage) {
  const ImageLayout& image = stage.image;
  return {.height = Narrow(image.size.height),
          .width = Narrow(image.size.width),
          .channels = Narrow(image.channels),
          .pixel = Narrow(image.pixel),
          .sample = Narrow(image.sample),
          .size = Narrow(stage.window.size),
          .step = Narrow(stage.window.stride),
          .padding = Narrow(stage.window.padding),
          .out_height = Narrow(stage.places.height),
          .out_width = Narrow(stage.places.width)};
}

// The windows of a stage as a matrix: in scratch that all convolutions of a lane share, or the
// images themselves, where windows are single pixels side by side.
Tensor WindowsOf(const ProgramBuilder& builder, const ConvStage& stage) {
  if (!NeedsUnfolding(builder.Compiled(), stage)) return stage.input.values;
  return {.offset = builder.Scratch().unfolded,
          .rows = builder.Rows(stage.output),
          .cols = stage.weight.value.rows};
}

void Unfold(ProgramBuilder& builder, const ConvStage& stage) {
  if (!NeedsUnfolding(builder.Compiled(), stage)) return;
  const Tensor windows = WindowsOf(builder, stage);
  builder.Add(
      UnfoldBody{.blocks = BlocksFor(Narrow(windows.Floats()) / kFour, UnfoldBody::kThreads),
                 .arena = builder.Places().arena,
                 .at = PlacesOf(stage),
                 .images = stage.input.values.offset,
                 .unfolded = windows.offset,
                 .rows = Narrow(windows.rows),
                 .stride = Narrow(windows.Stride()),
                 .is_rounded = builder.IsRounded()});
}

// A stage's weights, and the gradient of its output, as factors: in bfloat16 copies in scratch.
ProductFactor WeightFactor(ProgramBuilder& builder, const ConvStage& stage, bool is_transposed) {
  ProductFactor factor = FactorOf(stage.weight.value, is_transposed);
  if (!builder.IsRounded()) return factor;
  factor.offset = builder.Scratch().rounded_weight;
  builder.Round(stage.weight.value, stage.weight.value.rows, factor.offset);
  return factor;
}

ProductFactor GradientFactor(ProgramBuilder& builder, const ConvStage& stage) {
  ProductFactor factor = FactorOf(stage.output.gradient);
  if (!builder.IsRounded()) return factor;
  factor.offset = builder.Scratch().rounded_gradient;
  builder.Round(stage.output.gradient, builder.Rows(stage.output), factor.offset);
  return factor;
}

void Fold(ProgramBuilder& builder, const ConvStage& stage, const Tensor& windows) {
  const std::size_t pixels = builder.Samples() * stage.image.size.Pixels();
  builder.Add(
      FoldBody{.blocks = BlocksFor(Narrow(pixels * stage.image.pixel) / kFour, FoldBody::kThreads),
               .arena = builder.Places().arena,
               .at = PlacesOf(stage),
               .unfolded = windows.offset,
               .images = stage.input.gradient.offset,
               .pixels = Narrow(pixels),
               .stride = Narrow(windows.Stride())});
}

// Of many places and few weights: in slices, which are then added up in order.
void AddWeightGradient(ProgramBuilder& builder, const ConvStage& stage,
                       const ProductFactor& windows, const ProductFactor& gradient) {
  const Tensor& w = stage.weight.value;
  const std::size_t places = builder.Rows(stage.output);
  const TileSlices slices = GradientSlices(builder.Compiled(), stage);
  if (slices.count == 1) {
    return builder.Multiply({.rows = w.rows, .cols = w.Stride(), .inner = places}, windows,
                            gradient, stage.weight.gradient);
  }
  const std::size_t parts = builder.Scratch().product_parts;
  builder.MultiplyTiles({.rows = Narrow(w.rows),
                         .cols = Narrow(w.Stride()),
                         .inner = Narrow(places),
                         .a = TileOf(windows),
                         .b = TileOf(gradient),
                         .out = {.offset = parts, .stride = Narrow(w.Stride())},
                         .slices = slices},
                        builder.CopiesPrecision());
  builder.Add(SumSlicesBody{.blocks = BlocksFor(w.Floats(), SumSlicesBody::kThreads),
                            .arena = builder.Places().arena,
                            .parts = parts,
                            .apart = slices.apart,
                            .out = stage.weight.gradient.offset,
                            .slices = slices.count,
                            .stride = Narrow(w.Floats())});
}

ActivatedRows RowsOf(const ConvStage& stage) {
  return {stage.activation, stage.bias, stage.pre, stage.output};
}

PoolPlacesOfLane PlacesOf(const PoolStage& stage) {
  const ImageLayout& image = stage.image;
  return {.height = Narrow(image.size.height),
          .width = Narrow(image.size.width),
          .pixel = Narrow(image.pixel),
          .sample = Narrow(image.sample),
          .window_height = Narrow(stage.window.height),
          .window_width = Narrow(stage.window.width),
          .out_height = Narrow(image.size.height / stage.window.height),
          .out_width = Narrow(image.size.width / stage.window.width),
          .out_stride = Narrow(stage.output.values.Stride())};
}

// Where a training pass keeps the heirs of a stage's maxima; kNoTensor where none does.
std::size_t HeirsOf(const ProgramBuilder& builder, const PoolStage& stage) {
  if (!builder.IsTraining()) return kNoTensor;
  for (const KeptHeirs& kept : builder.Scratch().heirs) {
    if (kept.output == stage.output.values.offset) return kept.bytes;
  }
  return kNoTensor;
}

void Join(ProgramBuilder& builder, JoinKind kind, std::size_t floats, const Tensor& a,
          const Tensor& b, const Tensor& out) {
  builder.Add(JoinBody{.blocks = BlocksFor(floats / kFour, JoinBody::kThreads),
                       .arena = builder.Places().arena,
                       .kind = kind,
                       .a = a.offset,
                       .b = b.offset,
                       .out = out.offset,
                       .floats = floats});
}

void Flatten(ProgramBuilder& builder, const FlattenStage& stage, bool is_back) {
  const Flow& images = stage.input;
  const std::size_t count = builder.Rows(images) * images.Width();
  builder.Add(FlattenBody{.blocks = BlocksFor(Narrow(count), FlattenBody::kThreads),
                          .arena = builder.Places().arena,
                          .is_back = is_back,
                          .images = (is_back ? images.gradient : images.values).offset,
                          .rows = (is_back ? stage.output.gradient : stage.output.values).offset,
                          .samples = Narrow(builder.Samples()),
                          .places = Narrow(images.places),
                          .width = Narrow(images.Width()),
                          .pixel = Narrow(images.values.Stride()),
                          .row_stride = Narrow(stage.output.values.Stride())});
}

std::size_t FloatsOf(const ProgramBuilder& builder, const Flow& flow) {
  return builder.Rows(flow) * flow.values.Stride();
}

}  // namespace

bool NeedsUnfolding(const Model& model, const ConvStage& stage) {
  const bool is_pixel = stage.window.size == 1 && stage.window.stride == 1;
  const bool is_flow = stage.image.pixel == PaddedWidth(stage.image.channels) &&
                       stage.image.sample == stage.image.size.Pixels() * stage.image.pixel;
  return !is_pixel || !is_flow || stage.window.padding > 0 ||
         model.shape.precision == Precision::kBfloat16;  // a copy is needed in any case
}

void AddForward(ProgramBuilder& builder, const ConvStage& stage) {
  const Tensor& w = stage.weight.value;
  Unfold(builder, stage);
  const ProductFactor weight = WeightFactor(builder, stage, false);
  builder.Multiply({.rows = builder.Rows(stage.output), .cols = w.Stride(), .inner = w.rows},
                   FactorOf(WindowsOf(builder, stage)), weight, stage.pre);
  if (!stage.bias.value.IsEmpty()) AddActivation(builder, RowsOf(stage));
  if (stage.pool) AddForward(builder, *stage.pool);
}

// Other convolutions have used the scratch meanwhile, so that windows are spread out anew. The
// gradient of windows takes their place.
void AddBackward(ProgramBuilder& builder, const ConvStage& stage) {
  if (stage.pool) AddBackward(builder, *stage.pool);
  if (!stage.bias.value.IsEmpty()) AddActivationGradient(builder, RowsOf(stage));
  const Tensor& w = stage.weight.value;
  const std::size_t rows = builder.Rows(stage.output);
  const Tensor windows = WindowsOf(builder, stage);
  Unfold(builder, stage);
  const ProductFactor gradient = GradientFactor(builder, stage);
  AddWeightGradient(builder, stage, FactorOf(windows, true), gradient);
  if (stage.input.gradient.IsEmpty()) return;
  const bool is_folded = NeedsUnfolding(builder.Compiled(), stage);
  builder.Multiply({.rows = rows, .cols = w.rows, .inner = w.Stride()}, gradient,
                   WeightFactor(builder, stage, true), is_folded ? windows : stage.input.gradient);
  if (is_folded) Fold(builder, stage, windows);
}

void AddForward(ProgramBuilder& builder, const PoolStage& stage) {
  const PoolPlacesOfLane at = PlacesOf(stage);
  const std::size_t windows = builder.Rows(stage.output);
  builder.Add(PoolBody{.blocks = BlocksFor(Narrow(windows * at.out_stride), PoolBody::kThreads),
                       .arena = builder.Places().arena,
                       .kind = stage.kind,
                       .at = at,
                       .images = stage.input.values.offset,
                       .out = stage.output.values.offset,
                       .heirs = HeirsOf(builder, stage),
                       .windows = Narrow(windows)});
}

void AddBackward(ProgramBuilder& builder, const PoolStage& stage) {
  if (stage.input.gradient.IsEmpty()) return;
  const PoolPlacesOfLane at = PlacesOf(stage);
  const std::size_t windows = builder.Rows(stage.output);
  builder.Add(UnpoolBody{.blocks = BlocksFor(Narrow(windows * at.out_stride), PoolBody::kThreads),
                         .arena = builder.Places().arena,
                         .kind = stage.kind,
                         .at = at,
                         .images = stage.input.values.offset,
                         .out = stage.output.values.offset,
                         .heirs = HeirsOf(builder, stage),
                         .out_gradient = stage.output.gradient.offset,
                         .gradient = stage.input.gradient.offset,
                         .windows = Narrow(windows)});
}

void AddForward(ProgramBuilder& builder, const FlattenStage& stage) {
  Flatten(builder, stage, false);
}

void AddBackward(ProgramBuilder& builder, const FlattenStage& stage) {
  Flatten(builder, stage, true);
}

// Both branches read the same values.
void AddForward(ProgramBuilder& /*builder*/, const ForkStage& /*stage*/) {}

void AddBackward(ProgramBuilder& builder, const ForkStage& stage) {
  const Tensor& first = stage.input.gradient;
  if (first.IsEmpty()) return;
  Join(builder, JoinKind::kSum, FloatsOf(builder, stage.input), first, stage.second, first);
}

void AddForward(ProgramBuilder& builder, const AddStage& stage) {
  Join(builder, stage.is_rectified ? JoinKind::kRectifiedSum : JoinKind::kSum,
       FloatsOf(builder, stage.output), stage.first, stage.second, stage.output.values);
}

void AddBackward(ProgramBuilder& builder, const AddStage& stage) {
  if (!stage.is_rectified) return;
  Join(builder, JoinKind::kRectifiedGradient, FloatsOf(builder, stage.output), stage.output.values,
       stage.output.gradient, stage.output.gradient);
}

}  // namespace ddl
