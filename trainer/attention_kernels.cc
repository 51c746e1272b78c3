// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "trainer/attention.h"
#include "trainer/clones.h"
#include "trainer/gemm.h"
#include "trainer/initial_weights.h"
#include "trainer/line_sums.h"
#include "trainer/random_kernels.h"
#include "trainer/score_mask.h"
#include "trainer/vector_math.h"

namespace ddl {

namespace {

// Rows of scores become probabilities of the columns up to the diagonal; the rest is zero.
DDL_CLONES void CausalSoftmax(std::size_t length, std::size_t stride, float scale, float* scores) {
  for (std::size_t row = 0; row < length; ++row) {
    float* s = scores + row * stride;
    const std::size_t count = row + 1;
    float most = s[0];
    for (std::size_t i = 1; i < count; ++i) {
      most = s[i] > most ? s[i] : most;
    }
    for (std::size_t i = 0; i < count; ++i) {
      s[i] = VectorExp(scale * (s[i] - most));
    }
    const float share = 1.0F / SumRow(count, [=](std::size_t i) { return s[i]; });
    for (std::size_t i = 0; i < count; ++i) {
      s[i] *= share;
    }
    std::fill(s + count, s + stride, 0.0F);
  }
}

// gradient of the scores from that of the probabilities, in place
DDL_CLONES void SoftmaxBack(std::size_t length, std::size_t stride, float scale,
                            const float* __restrict probabilities, float* __restrict gradient) {
  for (std::size_t row = 0; row < length; ++row) {
    const float* p = probabilities + row * stride;
    float* g = gradient + row * stride;
    const float sum = SumRow(row + 1, [=](std::size_t i) { return p[i] * g[i]; });
    for (std::size_t i = 0; i < length; ++i) {
      g[i] = scale * p[i] * (g[i] - sum);
    }
  }
}

// Probabilities, or their gradients, some of them dropped; zero behind the diagonal. `output` may
// be `input`.
DDL_CLONES void MultiplyCausal(std::size_t length, std::size_t stride, const float* input,
                               const float* mask, float* output) {
  for (std::size_t row = 0; row < length; ++row) {
    MultiplyElements(row + 1, input + row * stride, mask + row * stride, output + row * stride);
    std::fill(output + row * stride + row + 1, output + (row + 1) * stride, 0.0F);
  }
}

// One head of one sample: where its numbers begin.
struct Head {
  std::size_t number = 0;         // among those of all samples
  std::size_t input = 0;          // its queries
  std::size_t output = 0;         // its part of the output
  std::size_t probabilities = 0;  // its square
};

struct HeadShape {
  std::size_t length = 0;
  std::size_t depth = 0;  // of a head
  std::size_t width = 0;  // of all heads
  float scale = 1.0F;
};

HeadShape ShapeOfHeads(const AttentionStage& stage) {
  const std::size_t depth = stage.output.Width() / stage.heads;
  return {.length = stage.output.places,
          .depth = depth,
          .width = stage.output.Width(),
          .scale = 1.0F / std::sqrt(static_cast<float>(depth))};
}

template <class Function>
void ForEachHead(const AttentionStage& stage, const LaneRun& run, Function function) {
  const HeadShape shape = ShapeOfHeads(stage);
  for (std::size_t sample = 0; sample < run.rows; ++sample) {
    for (std::size_t head = 0; head < stage.heads; ++head) {
      const std::size_t first = sample * shape.length;
      function(Head{.number = sample * stage.heads + head,
                    .input = first * stage.input.values.Stride() + head * shape.depth,
                    .output = first * stage.output.values.Stride() + head * shape.depth,
                    .probabilities = (sample * stage.heads + head) * shape.length *
                                     stage.probabilities.Stride()});
    }
  }
}

// A head's probabilities, some of them dropped, in the scratch.
const float* Dropped(const AttentionStage& stage, const LaneRun& run, const Head& head,
                     const float* probabilities) {
  const std::size_t length = stage.output.places;
  const std::size_t stride = stage.probabilities.Stride();
  DrawScoreMask(ScoreMaskPlace(run.settings.seed, run.step, *stage.dropout), head.number, length,
                stride, run.settings.dropout, run.At(stage.mask));
  MultiplyCausal(length, stride, probabilities, run.At(stage.mask), run.At(stage.scratch));
  return run.At(stage.scratch);
}

void Attend(const AttentionStage& stage, const LaneRun& run, bool drops) {
  const HeadShape shape = ShapeOfHeads(stage);
  const std::size_t in = stage.input.values.Stride();
  const std::size_t square = stage.probabilities.Stride();
  ForEachHead(stage, run, [&](const Head& head) {
    const float* queries = run.At(stage.input.values) + head.input;
    float* scores = run.At(stage.probabilities) + head.probabilities;
    Gemm({.rows = shape.length, .cols = shape.length, .inner = shape.depth},
         {.at = queries, .stride = in},
         {.at = queries + shape.width, .stride = in, .is_transposed = true}, scores, square);
    CausalSoftmax(shape.length, square, shape.scale, scores);
    const float* shares = drops ? Dropped(stage, run, head, scores) : scores;
    Gemm({.rows = shape.length, .cols = shape.depth, .inner = shape.length},
         {.at = shares, .stride = square}, {.at = queries + 2 * shape.width, .stride = in},
         run.At(stage.output.values) + head.output, stage.output.values.Stride());
  });
}

}  // namespace

double AttentionStage::StepFlops(std::size_t samples) const {
  const auto length = static_cast<double>(output.places);
  return 6.0 * 2.0 * static_cast<double>(samples) * length * length *
         static_cast<double>(output.Width());
}

void Forward(const AttentionStage& stage, const LaneRun& run) {
  Attend(stage, run, stage.dropout.has_value());
}

void Evaluate(const AttentionStage& stage, const LaneRun& run) {
  Attend(stage, run, false);
}

void Backward(const AttentionStage& stage, const LaneRun& run) {
  const HeadShape shape = ShapeOfHeads(stage);
  const std::size_t in = stage.input.values.Stride();
  const std::size_t out = stage.output.gradient.Stride();
  const std::size_t square = stage.probabilities.Stride();
  const GemmShape to_depth{.rows = shape.length, .cols = shape.depth, .inner = shape.length};
  float* scores = run.At(stage.scratch);
  ForEachHead(stage, run, [&](const Head& head) {
    const float* queries = run.At(stage.input.values) + head.input;
    const float* gradient = run.At(stage.output.gradient) + head.output;
    const float* probabilities = run.At(stage.probabilities) + head.probabilities;
    float* to = run.At(stage.input.gradient) + head.input;
    const float* shares = stage.dropout ? Dropped(stage, run, head, probabilities) : probabilities;
    Gemm(to_depth, {.at = shares, .stride = square, .is_transposed = true},
         {.at = gradient, .stride = out}, to + 2 * shape.width, in);
    Gemm({.rows = shape.length, .cols = shape.length, .inner = shape.depth},
         {.at = gradient, .stride = out},
         {.at = queries + 2 * shape.width, .stride = in, .is_transposed = true}, scores, square);
    if (stage.dropout) {
      MultiplyCausal(shape.length, square, scores, run.At(stage.mask), scores);
    }
    SoftmaxBack(shape.length, square, shape.scale, probabilities, scores);
    Gemm(to_depth, {.at = scores, .stride = square}, {.at = queries + shape.width, .stride = in},
         to, in);
    Gemm(to_depth, {.at = scores, .stride = square, .is_transposed = true},
         {.at = queries, .stride = in}, to + shape.width, in);
  });
}

}  // namespace ddl
