// SPDX-License-Identifier: Apache-2.0
// Embeddings and attention as operations.
#include <cmath>

#include "trainer/cuda/program_builder.h"
#include "trainer/initial_weights.h"

namespace ddl {

namespace {

TokenPlaces PlacesOf(const ProgramBuilder& builder, const EmbedStage& stage) {
  return {.tokens = stage.tokens.offset,
          .samples = Narrow(builder.Samples()),
          .length = Narrow(stage.output.places),
          .token_stride = Narrow(stage.tokens.Stride()),
          .stride = Narrow(stage.output.values.Stride())};
}

HeadPlaces PlacesOf(const ProgramBuilder& builder, const AttentionStage& stage) {
  return {.samples = Narrow(builder.Samples()),
          .heads = Narrow(stage.heads),
          .length = Narrow(stage.output.places),
          .depth = Narrow(stage.output.Width() / stage.heads),
          .square = Narrow(stage.probabilities.Stride())};
}

// Where a mask of probabilities is drawn; 0: all are kept.
std::uint32_t PurposeOf(const ProgramBuilder& builder, const AttentionStage& stage) {
  const bool drops = builder.IsTraining() && stage.dropout;
  return drops ? ScoreMaskPlace(0, 0, *stage.dropout).purpose : 0;
}

float ScaleOf(const HeadPlaces& places) {
  return 1.0F / std::sqrt(static_cast<float>(places.depth));
}

// Queries, keys and values, or their gradients, as they lie side by side.
struct HeadInputs {
  HeadInputs(const Tensor& tensor, std::size_t width)
      : queries{.numbers = NumbersOf(tensor), .stride = Narrow(tensor.Stride())},
        keys(queries),
        values(queries) {
    keys.first = Narrow(width);
    values.first = Narrow(2 * width);
  }

  HeadRows queries;
  HeadRows keys;
  HeadRows values;
};

// What attention does to the squares of one stage.
class HeadKernels {
 public:
  HeadKernels(ProgramBuilder& builder, const AttentionStage& stage)
      : builder_(builder),
        places_(PlacesOf(builder, stage)),
        scale_(ScaleOf(places_)),
        purpose_(PurposeOf(builder, stage)) {}

  [[nodiscard]] bool Drops() const { return purpose_ != 0; }

  // squares = a b', up to the diagonal.
  void Scores(const HeadRows& a, const HeadRows& b, std::size_t squares) {
    TileProduct product = OfHeads(TileTriangle::kLowerResult);
    product.rows = product.cols = places_.length;
    product.inner = places_.depth;
    product.a = RowsOf(a);
    product.b = RowsOf(b);
    product.b.is_transposed = true;
    product.out = SquaresAt(squares);
    builder_.MultiplyTiles(product, builder_.WholePrecision());
  }
  void Softmax(std::size_t squares) {
    builder_.Add(CausalSoftmaxBody{.blocks = RowBlocks(),
                                   .arena = builder_.Places().arena,
                                   .places = places_,
                                   .scale = scale_,
                                   .squares = squares});
  }
  void SoftmaxGradient(std::size_t probabilities, std::size_t squares) {
    builder_.Add(CausalSoftmaxGradientBody{.blocks = RowBlocks(),
                                           .arena = builder_.Places().arena,
                                           .places = places_,
                                           .scale = scale_,
                                           .probabilities = probabilities,
                                           .squares = squares});
  }
  // Some are dropped; `to` may be `from`.
  void Drop(std::size_t from, std::size_t to) {
    DropSquaresBody body{.board = builder_.Places().board,
                         .arena = builder_.Places().arena,
                         .places = places_,
                         .purpose = purpose_,
                         .from = from,
                         .to = to};
    body.blocks = BlocksFor(body.Drawers(), DropSquaresBody::kThreads);
    builder_.Add(body);
  }
  // out = squares x, or squares' x.
  void Mix(std::size_t squares, bool is_transposed, const HeadRows& x, const HeadRows& out) {
    TileProduct product =
        OfHeads(is_transposed ? TileTriangle::kUpperLeft : TileTriangle::kLowerLeft);
    product.rows = product.inner = places_.length;
    product.cols = places_.depth;
    product.a = SquaresAt(squares);
    product.a.is_transposed = is_transposed;
    product.b = RowsOf(x);
    product.out = RowsOf(out);
    builder_.MultiplyTiles(product, builder_.WholePrecision());
  }

 private:
  [[nodiscard]] TileProduct OfHeads(TileTriangle triangle) const {
    return {.members = places_.Count(), .heads = places_.heads, .triangle = triangle};
  }
  [[nodiscard]] TileFactor RowsOf(const HeadRows& rows) const {
    return {.offset = rows.numbers.offset + rows.first,
            .stride = rows.stride,
            .sample = std::size_t{places_.length} * rows.stride,
            .head = places_.depth};
  }
  [[nodiscard]] TileFactor SquaresAt(std::size_t offset) const {
    const std::size_t square = std::size_t{places_.length} * places_.square;
    return {.offset = offset,
            .stride = places_.square,
            .sample = places_.heads * square,
            .head = square};
  }
  [[nodiscard]] std::uint32_t RowBlocks() const {
    return BlocksFor(Narrow(std::size_t{places_.Count()} * places_.length), RowThreads::kBlockRows);
  }

  ProgramBuilder& builder_;
  HeadPlaces places_;
  float scale_;
  std::uint32_t purpose_;
};

HeadRows RowsOf(const Tensor& tensor) {
  return {.numbers = NumbersOf(tensor), .stride = Narrow(tensor.Stride())};
}

bool IsFused(const AttentionStage& stage) {
  return !stage.statistics.IsEmpty();
}

FusedAttention FusedOf(const ProgramBuilder& builder, const AttentionStage& stage) {
  const HeadInputs in(stage.input.values, stage.output.Width());
  FusedAttention fused{.arena = builder.Places().arena,
                       .places = PlacesOf(builder, stage),
                       .queries = in.queries,
                       .keys = in.keys,
                       .values = in.values,
                       .out = RowsOf(stage.output.values),
                       .statistics = stage.statistics.offset,
                       .board = builder.Places().board,
                       .purpose = PurposeOf(builder, stage)};
  fused.places.square = Narrow(stage.statistics.Stride());
  fused.scale = ScaleOf(fused.places);
  fused.blocks = fused.BlocksOf();
  return fused;
}

template <template <ProductPrecision> class Body, class... More>
void AddFused(ProgramBuilder& builder, const FusedAttention& fused, const More&... more) {
  ProgramBuilder::InPrecision(builder.RoundedPrecision(), [&]<ProductPrecision kPrecision>() {
    builder.Add(Body<kPrecision>{{fused}, more...});
  });
}

}  // namespace

void AddForward(ProgramBuilder& builder, const EmbedStage& stage) {
  const TokenPlaces at = PlacesOf(builder, stage);
  const std::size_t floats = std::size_t{at.samples} * at.length * at.stride;
  builder.Add(EmbedBody{.blocks = BlocksFor(floats / kFour, EmbedBody::kThreads),
                        .arena = builder.Places().arena,
                        .at = at,
                        .table = stage.table.value.offset,
                        .positions = stage.positions.value.offset,
                        .out = stage.output.values.offset});
}

void AddBackward(ProgramBuilder& builder, const EmbedStage& stage) {
  const TokenPlaces at = PlacesOf(builder, stage);
  const std::size_t gradient = stage.output.gradient.offset;
  builder.Add(TableGradientBody{
      .blocks = Narrow(BlocksFor(at.stride, TableGradientBody::kCols) * stage.table.value.rows),
      .arena = builder.Places().arena,
      .at = at,
      .gradient = gradient,
      .out = stage.table.gradient.offset});
  builder.Add(PositionGradientBody{
      .blocks = BlocksFor(std::size_t{at.length} * at.stride, PositionGradientBody::kThreads),
      .arena = builder.Places().arena,
      .at = at,
      .gradient = gradient,
      .out = stage.positions.gradient.offset});
}

void AddForward(ProgramBuilder& builder, const AttentionStage& stage) {
  if (IsFused(stage)) return AddFused<FusedAttentionBody>(builder, FusedOf(builder, stage));
  const HeadInputs in(stage.input.values, stage.output.Width());
  const std::size_t squares = stage.probabilities.offset;
  HeadKernels kernels(builder, stage);
  kernels.Scores(in.queries, in.keys, squares);
  kernels.Softmax(squares);
  const std::size_t shares = kernels.Drops() ? builder.Scratch().squares : squares;
  if (kernels.Drops()) kernels.Drop(squares, shares);
  kernels.Mix(shares, false, in.values, RowsOf(stage.output.values));
}

void AddBackward(ProgramBuilder& builder, const AttentionStage& stage) {
  const HeadInputs in(stage.input.values, stage.output.Width());
  const HeadInputs to(stage.input.gradient, stage.output.Width());
  const HeadRows gradient = RowsOf(stage.output.gradient);
  if (IsFused(stage)) {
    const FusedAttention fused = FusedOf(builder, stage);
    AddFused<FusedQueryGradientBody>(builder, fused, gradient, to.queries);
    AddFused<FusedKeyGradientBody>(builder, fused, gradient, to.keys, to.values);
    return;
  }
  const std::size_t probabilities = stage.probabilities.offset;
  const std::size_t scores = builder.Scratch().squares;
  HeadKernels kernels(builder, stage);
  if (kernels.Drops()) kernels.Drop(probabilities, scores);
  kernels.Mix(kernels.Drops() ? scores : probabilities, true, gradient, to.values);
  kernels.Scores(gradient, in.values, scores);
  if (kernels.Drops()) kernels.Drop(scores, scores);
  kernels.SoftmaxGradient(probabilities, scores);
  kernels.Mix(scores, false, in.keys, to.queries);
  kernels.Mix(scores, true, in.queries, to.keys);
}

}  // namespace ddl
