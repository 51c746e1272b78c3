// SPDX-License-Identifier: Apache-2.0
// Dense layers and dropout as operations.
#include "trainer/cuda/program_builder.h"
#include "trainer/initial_weights.h"

namespace ddl {

namespace {

void AddDropout(ProgramBuilder& builder, const DropoutStage& stage, const Tensor& from,
                const Tensor& to) {
  const std::size_t rows = builder.Rows(stage.output);
  DropoutBody body{.board = builder.Places().board,
                   .arena = builder.Places().arena,
                   .input = NumbersOf(from),
                   .output = NumbersOf(to),
                   .rows = Narrow(rows),
                   .stride = Narrow(to.Stride()),
                   .purpose = DropoutPlace(0, 0, stage.number).purpose};
  body.blocks = BlocksFor(rows * body.Drawers(), DropoutBody::kThreads);
  builder.Add(body);
}

UpdatePart MovedPart(const ModelParameter& weight) {
  const auto at = [](const Tensor& tensor) { return tensor.IsEmpty() ? kNoTensor : tensor.offset; };
  return {.value = weight.value.offset,
          .first = at(weight.first),
          .second = at(weight.second),
          .average = at(weight.average),
          .floats = Narrow(weight.value.Floats())};
}

// An activation in place reads and writes all numbers anyway, and adds the bias on the way.
bool AddsBiasInProduct(const Model& model, const DenseStage& stage) {
  const bool is_in_place = stage.pre.offset == stage.output.values.offset;
  return !model.shape.finishes_apart && (!is_in_place || stage.activation == Activation::kIdentity);
}

ActivatedRows RowsOf(const DenseStage& stage) {
  return {stage.activation, stage.bias, stage.pre, stage.output};
}

}  // namespace

void AddActivation(ProgramBuilder& builder, const ActivatedRows& rows, bool adds_bias) {
  const std::size_t count = builder.Rows(rows.output);
  const std::size_t stride = rows.pre.Stride();
  builder.Add(
      BiasActivateBody{.blocks = BlocksFor(count * stride / kFour, BiasActivateBody::kThreads),
                       .arena = builder.Places().arena,
                       .activation = rows.activation,
                       .bias = adds_bias ? rows.bias.value.offset : kNoTensor,
                       .pre = NumbersOf(rows.pre),
                       .out = NumbersOf(rows.output.values),
                       .rows = Narrow(count),
                       .stride = Narrow(stride)});
}

void AddActivationGradient(ProgramBuilder& builder, const ActivatedRows& rows, std::size_t copy) {
  const LaneFloats& arena = builder.Places().arena;
  const Tensor& gradient = rows.output.gradient;
  const std::uint32_t count = Narrow(builder.Rows(rows.output));
  const std::uint32_t stride = Narrow(gradient.Stride());
  const std::uint32_t slices = SlicesOf(count);
  const std::size_t sum = rows.bias.gradient.offset;
  const std::size_t parts = builder.Scratch().column_parts;
  builder.Add(ActivationGradientBody{.blocks = ColumnSlices{count, stride}.Blocks(),
                                     .arena = arena,
                                     .activation = rows.activation,
                                     .pre = NumbersOf(rows.pre),
                                     .out = NumbersOf(rows.output.values),
                                     .gradient = NumbersOf(gradient),
                                     .copy = copy,
                                     .bias_gradient = slices == 1 ? sum : parts,
                                     .rows = count,
                                     .stride = stride});
  if (slices == 1) return;
  builder.Add(SumSlicesBody{.blocks = BlocksFor(stride, SumSlicesBody::kThreads),
                            .arena = arena,
                            .parts = parts,
                            .apart = stride,
                            .out = sum,
                            .slices = slices,
                            .stride = stride});
}

void AddForward(ProgramBuilder& builder, const DenseStage& stage) {
  const Tensor& w = stage.weight.value;
  const Tensor& x = stage.input.values;
  const std::size_t rows = builder.Rows(stage.output);
  // Whole strides are multiplied, as on a CPU: padding columns of w are zero.
  if (IsOfFewRows(builder.Compiled(), rows)) {
    TileProduct product{.rows = Narrow(rows),
                        .cols = Narrow(w.Stride()),
                        .inner = Narrow(w.rows),
                        .a = TileOf(FactorOf(x)),
                        .b = TileOf(FactorOf(w)),
                        .out = TileOf(FactorOf(stage.output.values)),
                        .slices = OutputSlices(stage, rows)};
    const bool is_whole = product.slices.count == 1;
    if (is_whole) {
      product.active = {
          .bias = stage.bias.value.offset, .pre = stage.pre.offset, .activation = stage.activation};
    } else {
      product.out = {.offset = builder.Scratch().product_parts, .stride = product.out.stride};
    }
    builder.MultiplyTiles(product, builder.RoundedPrecision());
    if (is_whole) return;
    builder.AddUp(product.slices, rows * w.Stride(), NumbersOf(stage.pre));
    return AddActivation(builder, RowsOf(stage));
  }
  const bool is_rounded = builder.IsRounded();
  const ProductShape shape{.rows = rows, .cols = w.Stride(), .inner = w.rows};
  const ProductFactor a = FactorOf(is_rounded ? builder.Rounded(x, rows, stage.copies.input) : x);
  const ProductFactor b =
      FactorOf(is_rounded ? builder.Rounded(w, w.rows, stage.copies.weight) : w);
  if (AddsBiasInProduct(builder.Compiled(), stage)) {
    builder.MultiplyAndAdd(shape, a, b, stage.pre, stage.bias.value, stage.copies.bias);
    if (stage.activation != Activation::kIdentity) AddActivation(builder, RowsOf(stage), false);
    return;
  }
  builder.Multiply(shape, a, b, stage.pre);
  AddActivation(builder, RowsOf(stage));
}

void AddForward(ProgramBuilder& builder, const DropoutStage& stage) {
  AddDropout(builder, stage, stage.input.values, stage.output.values);
}

void AddBackward(ProgramBuilder& builder, const DenseStage& stage) {
  const std::size_t rows = builder.Rows(stage.output);
  // Copies of what is not stored in bfloat16; without them none but tiles can round.
  const bool has_copies = builder.IsRounded() && !IsOfFewRows(builder.Compiled(), rows);
  const auto rounded = [has_copies](const Tensor& whole, const Tensor& copy) {
    return has_copies && !whole.is_bfloat16 ? copy : whole;
  };
  const Tensor g = rounded(stage.output.gradient, stage.copies.gradient);
  AddActivationGradient(builder, RowsOf(stage),
                        g.offset == stage.output.gradient.offset ? kNoTensor : g.offset);
  const Tensor& w = stage.weight.value;
  const auto multiply = [&](const ProductShape& shape, const ProductFactor& a,
                            const ProductFactor& b, const Tensor& out) {
    if (!builder.IsRounded() || has_copies) return builder.Multiply(shape, a, b, out);
    builder.MultiplyTiles({.rows = Narrow(shape.rows),
                           .cols = Narrow(shape.cols),
                           .inner = Narrow(shape.inner),
                           .a = TileOf(a),
                           .b = TileOf(b),
                           .out = TileOf(FactorOf(out))},
                          builder.RoundedPrecision());
  };
  const ProductFactor gradient = FactorOf(g);
  if (!stage.input.gradient.IsEmpty()) {
    multiply({.rows = rows, .cols = w.rows, .inner = w.Stride()}, gradient,
             FactorOf(rounded(w, stage.copies.weight), true), stage.input.gradient);
  }
  const ProductFactor input = FactorOf(rounded(stage.input.values, stage.copies.input), true);
  if (!MovesInProduct(builder.Compiled(), stage)) {
    return multiply({.rows = w.rows, .cols = w.Stride(), .inner = rows}, input, gradient,
                    stage.weight.gradient);
  }
  // Last of all that reads the weights.
  builder.MultiplyTiles({.rows = Narrow(w.rows),
                         .cols = Narrow(w.Stride()),
                         .inner = Narrow(rows),
                         .a = TileOf(input),
                         .b = TileOf(gradient),
                         .out = TileOf(FactorOf(w)),
                         .moved = MovedPart(stage.weight)},
                        builder.RoundedPrecision());
}

void AddBackward(ProgramBuilder& builder, const DropoutStage& stage) {
  AddDropout(builder, stage, stage.output.gradient, stage.input.gradient);
}

}  // namespace ddl
