// SPDX-License-Identifier: Apache-2.0
// The loss of a small network, computed from a plan's own weights in double and without any of the
// trainer's code: what gradients are checked against, by finite differences.
#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "trainer/plan.h"

namespace ddl {

inline double ReferenceActivation(Activation activation, double z) {
  switch (activation) {
    case Activation::kIdentity:
      return z;
    case Activation::kRelu:
      return z > 0.0 ? z : 0.0;
    case Activation::kTanh:
      return std::tanh(z);
    case Activation::kGelu:
      return 0.5 * z * std::erfc(-z * M_SQRT1_2);
  }
  return z;
}

class ReferenceNetwork {
 public:
  // Copies weights, inputs, labels and, where the model has them, the masks of the latest step.
  ReferenceNetwork(Plan& plan, std::size_t lane, std::size_t rows, double label_smoothing)
      : model_(plan.Compiled()),
        rows_(rows),
        smoothing_(label_smoothing),
        floats_(plan.LaneBlock(lane), plan.LaneBlock(lane) + model_.layout.Floats()) {
    const BatchPlace place = plan.Batch(lane);
    labels_.assign(place.labels.begin(), place.labels.end());
  }

  // Any number of the lane's block, to be moved by a finite difference.
  [[nodiscard]] double& At(const Tensor& tensor, std::size_t row, std::size_t col) {
    return floats_[tensor.offset + row * tensor.Stride() + col];
  }

  [[nodiscard]] double MeanLoss() {
    double sum = 0.0;
    for (std::size_t row = 0; row < rows_; ++row)
      sum += RowLoss(row);
    return sum / static_cast<double>(rows_);
  }

  // Central difference of the mean loss along one number.
  [[nodiscard]] double Slope(const Tensor& tensor, std::size_t row, std::size_t col) {
    constexpr double kStep = 1e-5;
    double& number = At(tensor, row, col);
    const double saved = number;
    number = saved + kStep;
    const double above = MeanLoss();
    number = saved - kStep;
    const double below = MeanLoss();
    number = saved;
    return (above - below) / (2.0 * kStep);
  }

 private:
  double RowLoss(std::size_t row) {
    std::vector<double> values(model_.input.cols);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = At(model_.input, row, i);
    for (std::size_t layer = 0; layer < model_.layers.size(); ++layer) {
      values = Dense(model_.layers[layer], values);
      if (layer >= model_.dropouts.size()) continue;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] *= At(model_.dropouts[layer].mask, row, i);
      }
    }
    return CrossEntropy(values, static_cast<std::size_t>(labels_[row]));
  }

  std::vector<double> Dense(const DenseStage& stage, const std::vector<double>& x) {
    std::vector<double> y(stage.weight.value.cols);
    for (std::size_t j = 0; j < y.size(); ++j) {
      double z = At(stage.bias.value, 0, j);
      for (std::size_t i = 0; i < x.size(); ++i)
        z += x[i] * At(stage.weight.value, i, j);
      y[j] = ReferenceActivation(stage.activation, z);
    }
    return y;
  }

  [[nodiscard]] double CrossEntropy(const std::vector<double>& logits, std::size_t label) const {
    double sum = 0.0;
    for (const double z : logits)
      sum += std::exp(z);
    const double share = smoothing_ / static_cast<double>(logits.size());
    double loss = (1.0 - smoothing_) * (std::log(sum) - logits[label]);
    for (const double z : logits)
      loss += share * (std::log(sum) - z);
    return loss;
  }

  const Model& model_;
  std::size_t rows_;
  double smoothing_;
  std::vector<double> floats_;
  std::vector<std::int32_t> labels_;
};

// Fills the logical columns of a tensor with numbers from ±scale.
inline void FillTensor(float* lane, const Tensor& tensor, double scale, std::mt19937& random) {
  std::uniform_real_distribution<float> draw(static_cast<float>(-scale), static_cast<float>(scale));
  for (std::size_t row = 0; row < tensor.rows; ++row) {
    for (std::size_t col = 0; col < tensor.cols; ++col) {
      lane[tensor.offset + row * tensor.Stride() + col] = draw(random);
    }
  }
}

// Random weights, inputs and labels for a lane.
inline void FillLane(Plan& plan, std::size_t lane, unsigned seed) {
  std::mt19937 random(seed);
  float* block = plan.LaneBlock(lane);
  for (const DenseStage& stage : plan.Compiled().layers) {
    FillTensor(block, stage.weight.value, 0.7, random);
    FillTensor(block, stage.bias.value, 0.7, random);
  }
  FillTensor(block, plan.Compiled().input, 1.0, random);
  std::uniform_int_distribution<std::int32_t> label(
      0, static_cast<std::int32_t>(plan.Compiled().shape.classes) - 1);
  for (std::int32_t& at : plan.Batch(lane).labels)
    at = label(random);
}

}  // namespace ddl
