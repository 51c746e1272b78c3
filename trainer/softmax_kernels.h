// SPDX-License-Identifier: Apache-2.0
// Softmax, cross-entropy, its gradient and the count of right answers in one pass over the logits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/activation_kernels.h"
#include "trainer/batch_score.h"

namespace ddl {

struct SoftmaxTargets {
  const std::int32_t* labels = nullptr;  // [rows], each in [0, classes)
  std::size_t classes = 0;
  float label_smoothing = 0.0F;  // the target is (1 - s) one-hot + s / classes
};

// Loss and right answers (the first of equal maxima counts) of logits[rows, stride]. Overwrites the
// logits with the gradient of the mean loss over `rows`; padding columns become zero.
BatchScore SoftmaxCrossEntropyGradient(BlockShape shape, const SoftmaxTargets& targets,
                                       float* logits);

// The same score; the logits stay.
[[nodiscard]] BatchScore SoftmaxCrossEntropy(BlockShape shape, const SoftmaxTargets& targets,
                                             const float* logits);

// out[rows, classes], without padding: the probabilities of logits[rows, stride]. The largest of a
// row is, alone or as the first, that of the class which the scores above take for the answer.
void SoftmaxProbabilities(BlockShape shape, std::size_t classes, const float* logits, float* out);

// The class that the scores above take for a row's answer.
[[nodiscard]] std::int32_t AnswerOf(const float* logits, std::size_t classes);

}  // namespace ddl
