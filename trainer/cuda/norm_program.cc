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
  return BlocksFor(std::size_t{shape.rows} * shape.stride / kFour, BatchNormBody::kThreads);
}

NormStatistics StatisticsOf(const BatchNormStage& stage) {
  return {.running_mean = stage.running_mean.offset,
          .running_variance = stage.running_variance.offset,
          .mean = stage.mean.offset,
          .inverse = stage.inverse.offset};
}

// The column sums of dy and of its products with the normalised x, which the slices have added.
void AddSums(ProgramBuilder& builder, const NormRows& shape, const Parameter& shift,
             const Parameter& scale) {
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
  const std::size_t parts = builder.Scratch().column_parts;
  if (builder.IsTraining()) {
    builder.Add(BatchMomentsBody{.blocks = SliceBlocks(shape),
                                 .board = places.board,
                                 .arena = places.arena,
                                 .shape = shape,
                                 .x = stage.input.values.offset,
                                 .parts = parts});
    builder.Add(
        BatchStatisticsBody{.blocks = BlocksFor(stage.input.Width(), BatchStatisticsBody::kThreads),
                            .board = places.board,
                            .arena = places.arena,
                            .shape = shape,
                            .width = Narrow(stage.input.Width()),
                            .parts = parts,
                            .to = StatisticsOf(stage)});
  }
  builder.Add(BatchNormBody{.blocks = FourBlocks(shape),
                            .arena = places.arena,
                            .shape = shape,
                            .activation = stage.activation,
                            .is_training = builder.IsTraining(),
                            .x = stage.input.values.offset,
                            .y = stage.output.values.offset,
                            .scale = stage.scale.value.offset,
                            .shift = stage.shift.value.offset,
                            .from = StatisticsOf(stage)});
}

void AddBackward(ProgramBuilder& builder, const BatchNormStage& stage) {
  const NormRows shape = RowsOf(builder, stage.input);
  const GpuPlaces& places = builder.Places();
  builder.Add(BatchNormSumsBody{.blocks = SliceBlocks(shape),
                                .board = places.board,
                                .arena = places.arena,
                                .shape = shape,
                                .activation = stage.activation,
                                .x = stage.input.values.offset,
                                .y = stage.output.values.offset,
                                .gradient = stage.output.gradient.offset,
                                .mean = stage.mean.offset,
                                .inverse = stage.inverse.offset,
                                .parts = builder.Scratch().column_parts});
  AddSums(builder, shape, stage.shift, stage.scale);
  builder.Add(BatchNormGradientBody{.blocks = FourBlocks(shape),
                                    .board = places.board,
                                    .arena = places.arena,
                                    .shape = shape,
                                    .x = stage.input.values.offset,
                                    .gradient = stage.output.gradient.offset,
                                    .out = stage.input.gradient.offset,
                                    .scale = stage.scale.value.offset,
                                    .mean = stage.mean.offset,
                                    .inverse = stage.inverse.offset,
                                    .sums = stage.shift.gradient.offset,
                                    .products = stage.scale.gradient.offset});
}

void AddForward(ProgramBuilder& builder, const LayerNormStage& stage) {
  const NormRows shape = RowsOf(builder, stage.input);
  builder.Add(LayerNormBody{.blocks = BlocksFor(shape.rows, RowThreads::kBlockRows),
                            .arena = builder.Places().arena,
                            .x = stage.input.values.offset,
                            .y = stage.output.values.offset,
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
                                .x = stage.input.values.offset,
                                .gradient = stage.output.gradient.offset,
                                .mean = stage.mean.offset,
                                .inverse = stage.inverse.offset,
                                .parts = builder.Scratch().column_parts,
                                .rows = shape.rows,
                                .stride = shape.stride});
  AddSums(builder, shape, stage.shift, stage.scale);
  builder.Add(LayerNormGradientBody{.blocks = BlocksFor(shape.rows, RowThreads::kBlockRows),
                                    .arena = arena,
                                    .x = stage.input.values.offset,
                                    .gradient = stage.output.gradient.offset,
                                    .out = stage.input.gradient.offset,
                                    .scale = stage.scale.value.offset,
                                    .mean = stage.mean.offset,
                                    .inverse = stage.inverse.offset,
                                    .rows = shape.rows,
                                    .width = Narrow(stage.input.Width()),
                                    .stride = shape.stride});
}

}  // namespace ddl
