// SPDX-License-Identifier: Apache-2.0
// Convolutions, pooling, flattening and the branches of residual blocks as operations.
#include <algorithm>

#include "trainer/cuda/program_builder.h"

namespace ddl {

namespace {

Divisor DivisorOf(std::size_t value) {
  return Divisor(Narrow(value));
}

// Of a pixel's numbers that are read, and that there are: how many may be fetched at once.
std::uint32_t WholeNumbers(std::size_t numbers, std::size_t pixel) {
  std::uint32_t whole = 8;
  while (numbers % whole != 0 || pixel % whole != 0) {
    whole /= 2;
  }
  return whole;
}

// The windows of a stage over its images, square by square where it is pooled.
WindowReader ImagesOf(const ConvStage& stage) {
  const ImageLayout& image = stage.image;
  const bool is_pooled = PoolsInProduct(stage);
  const ImageSize places = is_pooled ? Pooled(stage.places) : stage.places;
  return {.height = Narrow(image.size.height),
          .width = Narrow(image.size.width),
          .pixel = Narrow(image.pixel),
          .sample = Narrow(image.sample),
          .numbers = DivisorOf(image.channels),
          .taps = DivisorOf(stage.window.size),
          .across = DivisorOf(places.width),
          .down = DivisorOf(places.height),
          .step = Narrow(stage.window.stride),
          .whole = WholeNumbers(image.channels, image.pixel),
          .square = is_pooled ? 1U : 0U};
}

// Windows that go back over the output's gradient from every pixel of one remainder by the stride.
WindowReader GradientsOf(const ConvStage& stage) {
  const std::size_t pixel = stage.output.gradient.Stride();
  const ImageSize pooled = Pooled(stage.places);
  const bool is_pooled = PoolsInProduct(stage);
  const auto each = [&](std::size_t length) {
    return DivisorOf((length + stage.window.stride - 1) / stage.window.stride);
  };
  return {.height = Narrow(is_pooled ? 2 * pooled.height : stage.places.height),
          .width = Narrow(is_pooled ? 2 * pooled.width : stage.places.width),
          .pixel = Narrow(pixel),
          .sample = Narrow((is_pooled ? pooled : stage.places).Pixels() * pixel),
          .numbers = DivisorOf(pixel),
          .taps = each(stage.window.size),
          .across = each(stage.image.size.width),
          .down = each(stage.image.size.height),
          .direction = 0U - 1U,
          .whole = WholeNumbers(pixel, pixel)};
}

// Where a training pass keeps the heirs of a stage's maxima; kNoTensor where none does.
std::size_t HeirsOf(const ProgramBuilder& builder, const PoolStage& stage) {
  if (!builder.IsTraining()) return kNoTensor;
  for (const KeptHeirs& kept : builder.Scratch().heirs) {
    if (kept.output == stage.output.values.offset) return kept.bytes;
  }
  return kNoTensor;
}

template <WindowProduct kProduct>
TileWindows<kProduct> WindowsOf(const ProgramBuilder& builder, const ConvStage& stage,
                                const WindowReader& images) {
  // What windows are read from is counted through all samples.
  (void)Narrow(builder.Samples() * std::size_t{images.sample});
  (void)Narrow(builder.Samples() * stage.places.Pixels() * stage.output.values.Stride());
  PooledPlaces pooled;
  if (PoolsInProduct(stage)) pooled = {.are_pooled = true, .heirs = HeirsOf(builder, *stage.pool)};
  return {.images = images,
          .padding = Narrow(stage.window.padding),
          .size = Narrow(stage.window.size),
          .step = DivisorOf(stage.window.stride),
          .height = Narrow(stage.image.size.height),
          .width = Narrow(stage.image.size.width),
          .channels = Narrow(stage.image.channels),
          .pooled = pooled};
}

// What the stage hands on, and the gradient that comes back: pooled, the maxima's.
const Flow& ResultOf(const ConvStage& stage) {
  return PoolsInProduct(stage) ? stage.pool->output : stage.output;
}

// As products read them.
const Tensor& WeightsOf(const ProgramBuilder& builder, const ConvStage& stage) {
  return builder.IsRounded() ? stage.weight.rounded : stage.weight.value;
}

// Of many places and few weights: in slices, which are then added up in order.
void AddWeightGradient(ProgramBuilder& builder, const ConvStage& stage) {
  const Tensor& w = stage.weight.value;
  const TileSlices slices = GradientSlices(builder.Compiled(), stage);
  const std::size_t parts = builder.Scratch().product_parts;
  const std::size_t sum = stage.weight.gradient.offset;
  builder.MultiplyTiles(
      {.rows = Narrow(w.rows),
       .cols = Narrow(w.Stride()),
       .inner = Narrow(builder.Samples() * WindowPlaces(stage)),
       .a = TileOf(FactorOf(stage.input.values)),
       .b = TileOf(FactorOf(ResultOf(stage).gradient)),
       .out = {.offset = slices.count == 1 ? sum : parts, .stride = Narrow(w.Stride())},
       .slices = slices},
      WindowsOf<WindowProduct::kWeightGradient>(builder, stage, ImagesOf(stage)));
  if (slices.count > 1) builder.AddUp(slices, w.Numbers(), sum);
}

void AddInputGradient(ProgramBuilder& builder, const ConvStage& stage) {
  const WindowReader gradients = GradientsOf(stage);
  const std::size_t taps = std::size_t{gradients.taps.Value()} * gradients.taps.Value();
  const Tensor* skipped = builder.TakeSkipped();
  const auto offset_of = [](const Tensor* tensor) {
    return tensor == nullptr ? kNoTensor : tensor->offset;
  };
  builder.MultiplyTiles(
      {.rows = Narrow(builder.Samples() * gradients.down.Value() * gradients.across.Value()),
       .cols = Narrow(stage.input.gradient.Stride()),
       .inner = Narrow(taps * gradients.numbers.Value()),
       .members = Narrow(stage.window.stride * stage.window.stride),
       .a = TileOf(FactorOf(ResultOf(stage).gradient)),
       .b = TileOf(FactorOf(WeightsOf(builder, stage))),
       .out = TileOf(FactorOf(stage.input.gradient)),
       .added = offset_of(skipped),
       .rectified = offset_of(skipped == nullptr ? nullptr : builder.TakeRectified())},
      WindowsOf<WindowProduct::kInputGradient>(builder, stage, gradients));
}

// A maximum's slope is its heir's, so that of pooled places the maxima's slopes are all there are.
ActivatedRows RowsOf(const ConvStage& stage) {
  const bool is_pooled = PoolsInProduct(stage);
  return {stage.activation, stage.bias, is_pooled ? stage.pool->output.values : stage.pre,
          ResultOf(stage)};
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

void Join(ProgramBuilder& builder, JoinKind kind, std::size_t numbers, const Tensor& a,
          const Tensor& b, const Tensor& out) {
  builder.Add(JoinBody{.blocks = BlocksFor(numbers / kFour, JoinBody::kThreads),
                       .arena = builder.Places().arena,
                       .kind = kind,
                       .a = NumbersOf(a),
                       .b = NumbersOf(b),
                       .out = NumbersOf(out),
                       .numbers = numbers});
}

void Flatten(ProgramBuilder& builder, const FlattenStage& stage, bool is_back) {
  const Flow& images = stage.input;
  const std::size_t count = builder.Rows(images) * images.Width();
  builder.Add(FlattenBody{.blocks = BlocksFor(Narrow(count), FlattenBody::kThreads),
                          .arena = builder.Places().arena,
                          .is_back = is_back,
                          .images = NumbersOf(is_back ? images.gradient : images.values),
                          .rows = NumbersOf(is_back ? stage.output.gradient : stage.output.values),
                          .samples = Narrow(builder.Samples()),
                          .places = Narrow(images.places),
                          .width = Narrow(images.Width()),
                          .pixel = Narrow(images.values.Stride()),
                          .row_stride = Narrow(stage.output.values.Stride())});
}

std::size_t CountOf(const ProgramBuilder& builder, const Flow& flow) {
  return builder.Rows(flow) * flow.values.Stride();
}

}  // namespace

void AddRoundedWeights(ProgramBuilder& builder) {
  const std::vector<UpdatePart> parts = UpdateParts(builder.Compiled());
  if (std::ranges::all_of(parts, [](const auto& part) { return part.rounded == kNoTensor; })) {
    return;
  }
  builder.Add(RoundPartsBody{
      .blocks = Narrow(parts.size()),
      .arena = builder.Places().arena,
      .are_averages = !builder.IsTraining() && builder.Compiled().shape.keeps_average,
      .parts = builder.Places().parts});
}

void AddForward(ProgramBuilder& builder, const ConvStage& stage) {
  const Tensor& w = stage.weight.value;
  const bool has_bias = !stage.bias.value.IsEmpty();
  builder.MultiplyTiles(
      {.rows = Narrow(builder.Samples() * WindowPlaces(stage)),
       .cols = Narrow(w.Stride()),
       .inner = Narrow(w.rows),
       .a = TileOf(FactorOf(stage.input.values)),
       .b = TileOf(FactorOf(WeightsOf(builder, stage))),
       .out = TileOf(FactorOf(has_bias ? ResultOf(stage).values : stage.pre)),
       .active = {.bias = has_bias ? stage.bias.value.offset : kNoTensor,
                  .pre = stage.pre.offset,
                  .activation = stage.activation},
       .moments = builder.NeedsMoments() ? builder.Scratch().column_parts : kNoTensor},
      WindowsOf<WindowProduct::kForward>(builder, stage, ImagesOf(stage)));
  if (stage.pool && !PoolsInProduct(stage)) AddForward(builder, *stage.pool);
}

void AddBackward(ProgramBuilder& builder, const ConvStage& stage) {
  if (stage.pool && !PoolsInProduct(stage)) AddBackward(builder, *stage.pool);
  if (!stage.bias.value.IsEmpty()) AddActivationGradient(builder, RowsOf(stage));
  AddWeightGradient(builder, stage);
  if (!stage.input.gradient.IsEmpty()) AddInputGradient(builder, stage);
}

void AddForward(ProgramBuilder& builder, const PoolStage& stage) {
  const PoolPlacesOfLane at = PlacesOf(stage);
  const std::size_t windows = builder.Rows(stage.output);
  builder.Add(PoolBody{.blocks = BlocksFor(Narrow(windows * at.out_stride), PoolBody::kThreads),
                       .arena = builder.Places().arena,
                       .kind = stage.kind,
                       .at = at,
                       .images = NumbersOf(stage.input.values),
                       .out = NumbersOf(stage.output.values),
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
                         .images = NumbersOf(stage.input.values),
                         .out = NumbersOf(stage.output.values),
                         .heirs = HeirsOf(builder, stage),
                         .out_gradient = NumbersOf(stage.output.gradient),
                         .gradient = NumbersOf(stage.input.gradient),
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
  if (first.IsEmpty() || builder.IsDone()) return;
  Join(builder, JoinKind::kSum, CountOf(builder, stage.input), first, stage.second, first);
}

void AddForward(ProgramBuilder& builder, const AddStage& stage) {
  if (builder.IsDone()) return;
  Join(builder, stage.is_rectified ? JoinKind::kRectifiedSum : JoinKind::kSum,
       CountOf(builder, stage.output), stage.first, stage.second, stage.output.values);
}

void AddBackward(ProgramBuilder& builder, const AddStage& stage) {
  if (!stage.is_rectified || builder.IsDone()) return;
  Join(builder, JoinKind::kRectifiedGradient, CountOf(builder, stage.output), stage.output.values,
       stage.output.gradient, stage.output.gradient);
}

}  // namespace ddl
