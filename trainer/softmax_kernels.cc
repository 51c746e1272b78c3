// SPDX-License-Identifier: Apache-2.0
#include "trainer/softmax_kernels.h"

#include <cassert>
#include <cmath>

#include "trainer/clones.h"
#include "trainer/line_sums.h"
#include "trainer/tensor.h"
#include "trainer/vector_math.h"

namespace ddl {

namespace {

struct RowScore {
  float maximum = 0.0F;
  std::size_t best = 0;
  float exponentials = 0.0F;  // the sum of e^(z - maximum)
  float shifted_sum = 0.0F;   // the sum of z - maximum
};

DDL_INLINE void FindMaximum(const float* logits, std::size_t classes, RowScore& row) {
  row.maximum = logits[0];
  row.best = 0;
  for (std::size_t c = 1; c < classes; ++c) {
    const bool is_better = logits[c] > row.maximum;
    row.maximum = is_better ? logits[c] : row.maximum;
    row.best = is_better ? c : row.best;
  }
}

// Writes e^(z - maximum) to `exponentials`, zero in padding columns.
DDL_INLINE RowScore ScoreRow(const float* logits, std::size_t classes, std::size_t stride,
                             float* exponentials) {
  RowScore row;
  FindMaximum(logits, classes, row);
  LineSums sums{};
  LineSums shifts{};
  for (std::size_t start = 0; start < stride; start += kFloatsPerLine) {
    for (std::size_t i = 0; i < kFloatsPerLine; ++i) {
      const float shifted = logits[start + i] - row.maximum;
      const float e = VectorExp(shifted);
      const bool is_class = start + i < classes;
      exponentials[start + i] = is_class ? e : 0.0F;
      sums[i] += is_class ? e : 0.0F;
      shifts[i] += is_class ? shifted : 0.0F;
    }
  }
  row.exponentials = FoldSum(sums);
  row.shifted_sum = FoldSum(shifts);
  return row;
}

// -log p = log(sum of exponentials) - (z - maximum), taken at the label and, smoothed, over all.
DDL_INLINE double RowLoss(const RowScore& row, float label_logit, const SoftmaxTargets& targets) {
  const double log_sum = std::log(static_cast<double>(row.exponentials));
  const double at_label = log_sum - static_cast<double>(label_logit - row.maximum);
  if (targets.label_smoothing == 0.0F) return at_label;
  const double smoothing = targets.label_smoothing;
  const double mean =
      log_sum - static_cast<double>(row.shifted_sum) / static_cast<double>(targets.classes);
  return (1.0 - smoothing) * at_label + smoothing * mean;
}

DDL_INLINE void AddRow(const RowScore& row, std::int32_t label, double loss, BatchScore& score) {
  score.loss_sum += loss;
  score.correct += static_cast<std::size_t>(label) == row.best ? 1 : 0;
  ++score.rows;
}

}  // namespace

DDL_CLONES BatchScore SoftmaxCrossEntropyGradient(BlockShape shape, const SoftmaxTargets& targets,
                                                  float* logits) {
  BatchScore score;
  const float scale = 1.0F / static_cast<float>(shape.rows);
  const float background = targets.label_smoothing / static_cast<float>(targets.classes);
  for (std::size_t r = 0; r < shape.rows; ++r) {
    float* z = logits + r * shape.stride;
    const std::int32_t label = targets.labels[r];
    assert(label >= 0 && static_cast<std::size_t>(label) < targets.classes);
    const float label_logit = z[label];
    const RowScore row = ScoreRow(z, targets.classes, shape.stride, z);
    AddRow(row, label, RowLoss(row, label_logit, targets), score);
    const float to_probability = scale / row.exponentials;
    for (std::size_t c = 0; c < shape.stride; ++c) {
      z[c] *= to_probability;
    }
    if (background != 0.0F) {
      for (std::size_t c = 0; c < targets.classes; ++c) {
        z[c] -= background * scale;
      }
    }
    z[label] -= (1.0F - targets.label_smoothing) * scale;
  }
  return score;
}

DDL_CLONES BatchScore SoftmaxCrossEntropy(BlockShape shape, const SoftmaxTargets& targets,
                                          const float* logits) {
  BatchScore score;
  for (std::size_t r = 0; r < shape.rows; ++r) {
    const float* z = logits + r * shape.stride;
    const std::int32_t label = targets.labels[r];
    assert(label >= 0 && static_cast<std::size_t>(label) < targets.classes);
    RowScore row;
    FindMaximum(z, targets.classes, row);
    for (std::size_t c = 0; c < targets.classes; ++c) {
      const float shifted = z[c] - row.maximum;
      row.exponentials += VectorExp(shifted);
      row.shifted_sum += shifted;
    }
    AddRow(row, label, RowLoss(row, z[label], targets), score);
  }
  return score;
}

DDL_CLONES void SoftmaxProbabilities(BlockShape shape, std::size_t classes, const float* logits,
                                     float* out) {
  for (std::size_t r = 0; r < shape.rows; ++r) {
    const float* z = logits + r * shape.stride;
    float* p = out + r * classes;
    RowScore row;
    FindMaximum(z, classes, row);
    for (std::size_t c = 0; c < classes; ++c) {
      p[c] = VectorExp(z[c] - row.maximum);
      row.exponentials += p[c];
    }
    for (std::size_t c = 0; c < classes; ++c) {
      p[c] /= row.exponentials;
    }
    // Logits that differ in their last bit may have one exponential.
    for (std::size_t c = 0; c < row.best; ++c) {
      if (p[c] == p[row.best]) p[c] = std::nextafter(p[c], 0.0F);
    }
  }
}

std::int32_t AnswerOf(const float* logits, std::size_t classes) {
  RowScore row;
  FindMaximum(logits, classes, row);
  return static_cast<std::int32_t>(row.best);
}

}  // namespace ddl
