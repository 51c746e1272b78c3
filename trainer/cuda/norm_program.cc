// SPDX-License-Identifier: Apache-2.0
// Normalisations as operations.
#include "trainer/cuda/program_builder.h"

namespace ddl {

namespace {

NormRows RowsOf(const ProgramBuilder& builder, const Flow& flow) {
  return {.rows = Narrow(builder.Rows(flow)),
          .stride = Narrow(flow.values.Stride()),
          .places = Narrow(flow.places)};
}

std::uint32_t SliceBlocks(const NormRows& shape) {
  return ColumnSlices{shape.rows, shape.stride}.Blocks();
}

std::uint32_t FourBlocks(const NormRows& shape) {
  return RowFours{shape.rows, shape.stride}.Blocks();
}

NormStatistics StatisticsOf(const BatchNormStage& stage) {
  return {.running_mean = stage.running_mean.offset,
          .running_variance = stage.running_variance.offset,
          .mean = stage.mean.offset,
          .inverse = stage.inverse.offset};
}

// The column sums of dy and of its products with the normalised x, which the slices have added.
void AddSums(ProgramBuilder& builder, const NormRows& shape, const ModelParameter& shift,
             const ModelParameter& scale) {
  SumSlicesBody body{.blocks = BlocksFor(shape.stride, SumSlicesBody::kThreads),
                     .arena = builder.Places().arena,
                     .parts = builder.Scratch().column_parts,
                     .apart = std::size_t{2} * shape.stride,
                     .out = shift.gradient.offset,
                     .slices = SlicesOf(shape.rows),
                     .stride = shape.stride};
  builder.Add(body);
  body.parts += shape.stride;
  body.out = scale.gradient.offset;
  builder.Add(body);
}

}  // namespace

void AddForward(ProgramBuilder& builder, const BatchNormStage& stage) {
  const NormRows shape = RowsOf(builder, stage.input);
  const GpuPlaces& places = builder.Places();
  if (builder.IsTraining()) {
    builder.Add(BatchStatisticsBody{
        .blocks = BlocksFor(stage.input.Width(), BatchStatisticsBody::kBlockCols),
        .board = places.board,
        .arena = places.arena,
        .shape = shape,
        .width = Narrow(stage.input.Width()),
        .moments = builder.Scratch().column_parts,
        .to = StatisticsOf(stage)});
  }
  BatchNormBody body{.blocks = FourBlocks(shape),
                     .arena = places.arena,
                     .shape = shape,
                     .activation = stage.activation,
                     .is_training = builder.IsTraining(),
                     .x = NumbersOf(stage.input.values),
                     .y = NumbersOf(stage.output.values),
                     .scale = stage.scale.value.offset,
                     .shift = stage.shift.value.offset,
                     .from = StatisticsOf(stage)};
  // A sum alone reads what is to be added to another branch.
  const bool may_add = stage.activation == Activation::kIdentity;
  if (const AddStage* sum = may_add ? builder.TakeSum() : nullptr) {
    const bool is_first = sum->first.offset == stage.output.values.offset;
    body.other = NumbersOf(is_first ? sum->second : sum->first);
    body.y = NumbersOf(sum->output.values);
    body.activation = sum->is_rectified ? Activation::kRelu : Activation::kIdentity;
  }
  builder.Add(body);
}

void AddBackward(ProgramBuilder& builder, const BatchNormStage& stage) {
  const NormRows shape = RowsOf(builder, stage.input);
  const GpuPlaces& places = builder.Places();
  const NormGradient norm{.activation = stage.activation,
                          .x = NumbersOf(stage.input.values),
                          .gradient = NumbersOf(stage.output.gradient),
                          .scale = stage.scale.value.offset,
                          .shift = stage.shift.value.offset,
                          .mean = stage.mean.offset,
                          .inverse = stage.inverse.offset};
  builder.Add(BatchNormSumsBody{.blocks = SliceBlocks(shape),
                                .board = places.board,
                                .arena = places.arena,
                                .shape = shape,
                                .norm = norm,
                                .parts = builder.Scratch().column_parts});
  AddSums(builder, shape, stage.shift, stage.scale);
  builder.Add(BatchNormGradientBody{.blocks = FourBlocks(shape),
                                    .board = places.board,
                                    .arena = places.arena,
                                    .shape = shape,
                                    .norm = norm,
                                    .out = NumbersOf(stage.input.gradient),
                                    .sums = stage.shift.gradient.offset,
                                    .products = stage.scale.gradient.offset});
}

void AddForward(ProgramBuilder& builder, const LayerNormStage& stage) {
  const NormRows shape = RowsOf(builder, stage.input);
  builder.Add(LayerNormBody{.blocks = BlocksFor(shape.rows, RowThreads::kBlockRows),
                            .arena = builder.Places().arena,
                            .x = NumbersOf(stage.input.values),
                            .y = NumbersOf(stage.output.values),
                            .scale = stage.scale.value.offset,
                            .shift = stage.shift.value.offset,
                            .mean = stage.mean.offset,
                            .inverse = stage.inverse.offset,
                            .rows = shape.rows,
                            .width = Narrow(stage.input.Width()),
                            .stride = shape.stride});
}

void AddBackward(ProgramBuilder& builder, const LayerNormStage& stage) {
  const NormRows shape = RowsOf(builder, stage.input);
  const LaneFloats& arena = builder.Places().arena;
  builder.Add(LayerNormSumsBody{.blocks = SliceBlocks(shape),
                                .arena = arena,
                                .x = NumbersOf(stage.input.values),
                                .gradient = NumbersOf(stage.output.gradient),
                                .mean = stage.mean.offset,
                                .inverse = stage.inverse.offset,
                                .parts = builder.Scratch().column_parts,
                                .rows = shape.rows,
                                .stride = shape.stride});
  AddSums(builder, shape, stage.shift, stage.scale);
  const Tensor* skipped = builder.TakeSkipped();
  builder.Add(LayerNormGradientBody{.blocks = BlocksFor(shape.rows, RowThreads::kBlockRows),
                                    .arena = arena,
                                    .x = NumbersOf(stage.input.values),
                                    .gradient = NumbersOf(stage.output.gradient),
                                    .skipped = NumbersOf(skipped),
                                    .out = NumbersOf(stage.input.gradient),
                                    .scale = stage.scale.value.offset,
                                    .mean = stage.mean.offset,
                                    .inverse = stage.inverse.offset,
                                    .rows = shape.rows,
                                    .width = Narrow(stage.input.Width()),
                                    .stride = shape.stride});
}

}  // namespace ddl
