// SPDX-License-Identifier: Apache-2.0
// Muon's step of each hidden matrix as operations, in the order of trainer/muon.cc.
#include <algorithm>
#include <cmath>

#include "trainer/cuda/program_builder.h"
#include "trainer/muon.h"

namespace ddl {

namespace {

// One matrix, whose direction stands in its gradient's place.
class MatrixStep {
 public:
  MatrixStep(ProgramBuilder& builder, const ModelParameter& parameter, PartRange parts)
      : builder_(builder),
        parameter_(parameter),
        parts_(parts),
        x_(parameter.gradient),
        is_wide_(x_.rows < x_.cols),
        side_(std::min(x_.rows, x_.cols)) {}

  void Add() {
    const GpuPlaces& places = builder_.Places();
    const UpdatePart* parts = places.parts + parts_.first;
    builder_.Add(MomentumBody{.blocks = parts_.count,
                              .board = places.board,
                              .arena = places.arena,
                              .parts = parts,
                              .scales = places.clips});
    Normalise(parts);
    for (int step = 0; step < kNewtonSchulzSteps; ++step) {
      Iterate();
    }
    const double ratio = static_cast<double>(x_.cols) / static_cast<double>(x_.rows);
    builder_.Add(
        OrthogonalMoveBody{.blocks = parts_.count,
                           .board = places.board,
                           .arena = places.arena,
                           .parts = parts,
                           .widening = static_cast<float>(std::sqrt(std::max(1.0, ratio)))});
  }

 private:
  void Normalise(const UpdatePart* parts) {
    const GpuPlaces& places = builder_.Places();
    const std::size_t inverse = builder_.Scratch().inverse_norm;
    builder_.Add(SquaresBody{
        .blocks = parts_.count, .arena = places.arena, .parts = parts, .squares = places.squares});
    builder_.Add(InverseNormBody{
        .arena = places.arena, .squares = places.squares, .parts = parts_.count, .out = inverse});
    Combine({.a_scale = inverse, .a = x_.offset, .out = x_.offset}, x_.Floats());
  }

  // x = linear x + (cubic gram + quintic gram gram) x, gram = x x' or x' x, whichever is smaller.
  // Padding columns of the smaller one's products are those of x, and zero; of the other one's
  // nobody asks.
  void Iterate() {
    constexpr QuinticCoefficients kCoefficients;
    const Tensor& gram = parameter_.orthogonal.gram;
    const Tensor& square = parameter_.orthogonal.square;
    const Tensor& product = parameter_.orthogonal.product;
    if (is_wide_) {
      Multiply({.rows = side_, .cols = side_, .inner = x_.Stride()}, FactorOf(x_),
               FactorOf(x_, true), gram);
    } else {
      Multiply({.rows = side_, .cols = x_.Stride(), .inner = x_.rows}, FactorOf(x_, true),
               FactorOf(x_), gram);
    }
    Multiply({.rows = side_, .cols = gram.Stride(), .inner = side_}, FactorOf(gram), FactorOf(gram),
             square);
    Combine({.a_factor = kCoefficients.cubic,
             .b_factor = kCoefficients.quintic,
             .a = gram.offset,
             .b = square.offset,
             .out = gram.offset},
            gram.Floats());
    Multiply({.rows = x_.rows, .cols = x_.Stride(), .inner = side_},
             is_wide_ ? FactorOf(gram) : FactorOf(x_), is_wide_ ? FactorOf(x_) : FactorOf(gram),
             product);
    Combine({.a_factor = kCoefficients.linear,
             .b_factor = 1.0F,
             .a = x_.offset,
             .b = product.offset,
             .out = x_.offset},
            x_.Floats());
  }

  void Multiply(const ProductShape& shape, const ProductFactor& a, const ProductFactor& b,
                const Tensor& out) {
    builder_.Multiply(shape, a, b, out, builder_.WholePrecision());
  }
  void Combine(CombineBody body, std::size_t floats) {
    body.arena = builder_.Places().arena;
    body.floats = Narrow(floats);
    body.blocks = BlocksFor(floats / kFour, CombineBody::kThreads);
    builder_.Add(body);
  }

  ProgramBuilder& builder_;
  const ModelParameter& parameter_;
  PartRange parts_;
  const Tensor& x_;
  bool is_wide_;
  std::size_t side_;
};

}  // namespace

void AddMatrixSteps(ProgramBuilder& builder) {
  for (const auto& [parameter, parts] : MatrixParts(builder.Compiled())) {
    MatrixStep(builder, *parameter, parts).Add();
  }
}

}  // namespace ddl
