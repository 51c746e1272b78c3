// SPDX-License-Identifier: Apache-2.0
// The loss of a small network, computed from a plan's own weights in double and without any of the
// trainer's code: what gradients are checked against, by finite differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "trainer/initial_weights.h"
#include "trainer/plan.h"
#include "trainer/score_mask.h"

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
  // Copies weights, inputs, labels and, where the model has them, the masks of the latest step,
  // which was of that number and with those settings.
  ReferenceNetwork(Plan& plan, std::size_t lane, std::size_t rows, const LaneSettings& settings,
                   std::uint64_t step)
      : model_(plan.Compiled()),
        rows_(rows),
        settings_(settings),
        step_(step),
        floats_(plan.LaneBlock(lane), plan.LaneBlock(lane) + model_.layout.Floats()) {
    const BatchPlace place = plan.Batch(lane);
    labels_.assign(place.labels.begin(), place.labels.end());
  }

  // Any number of the lane's block, to be moved by a finite difference.
  [[nodiscard]] double& At(const Tensor& tensor, std::size_t row, std::size_t col) {
    return floats_[tensor.offset + row * tensor.Stride() + col];
  }

  [[nodiscard]] double MeanLoss() {
    for (const Stage& stage : model_.stages)
      std::visit([this](const auto& kind) { Run(kind); }, stage);
    double sum = 0.0;
    const std::size_t count = rows_ * model_.targets;
    for (std::size_t row = 0; row < count; ++row)
      sum += CrossEntropy(row);
    return sum / static_cast<double>(count);
  }

  // Central difference of the mean loss along one number.
  [[nodiscard]] double Slope(const Tensor& tensor, std::size_t row, std::size_t col) {
    constexpr double kStep = 1e-6;
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
  // Each stage reads and writes where the plan's does.
  void Run(const DenseStage& stage) {
    for (std::size_t row = 0; row < rows_ * stage.output.places; ++row) {
      for (std::size_t j = 0; j < stage.weight.value.cols; ++j) {
        double z = At(stage.bias.value, 0, j);
        for (std::size_t i = 0; i < stage.weight.value.rows; ++i)
          z += At(stage.input.values, row, i) * At(stage.weight.value, i, j);
        At(stage.output.values, row, j) = ReferenceActivation(stage.activation, z);
      }
    }
  }

  void Run(const DropoutStage& stage) {
    for (std::size_t row = 0; row < rows_ * stage.output.places; ++row) {
      for (std::size_t j = 0; j < stage.mask.cols; ++j)
        At(stage.output.values, row, j) = At(stage.input.values, row, j) * At(stage.mask, row, j);
    }
  }

  // Windows are told by the image's own sizes, pixel by pixel.
  void Run(const ConvStage& stage) {
    const ImageLayout& image = stage.image;
    for (std::size_t row = 0; row < rows_ * stage.places.Pixels(); ++row) {
      const std::size_t sample = row / stage.places.Pixels();
      const std::size_t y = row % stage.places.Pixels() / stage.places.width;
      const std::size_t x = row % stage.places.width;
      for (std::size_t j = 0; j < stage.weight.value.cols; ++j) {
        double z = stage.bias.value.IsEmpty() ? 0.0 : At(stage.bias.value, 0, j);
        for (std::size_t i = 0; i < stage.weight.value.rows; ++i) {
          const std::size_t tap = i / image.channels;
          const std::size_t from_y = y * stage.window.stride + tap / stage.window.size;
          const std::size_t from_x = x * stage.window.stride + tap % stage.window.size;
          const std::size_t padding = stage.window.padding;
          const bool is_inside = from_y >= padding && from_x >= padding &&
                                 from_y - padding < image.size.height &&
                                 from_x - padding < image.size.width;
          if (!is_inside) continue;
          const std::size_t pixel = (from_y - padding) * image.size.width + from_x - padding;
          z += floats_[stage.input.values.offset + sample * image.sample + pixel * image.pixel +
                       i % image.channels] *
               At(stage.weight.value, i, j);
        }
        At(stage.output.values, row, j) = ReferenceActivation(stage.activation, z);
      }
    }
    if (stage.pool) Run(*stage.pool);
  }

  void Run(const BatchNormStage& stage) {
    const std::size_t rows = rows_ * stage.input.places;
    for (std::size_t c = 0; c < stage.input.Width(); ++c) {
      double mean = 0.0;
      double variance = 0.0;
      for (std::size_t row = 0; row < rows; ++row)
        mean += At(stage.input.values, row, c) / static_cast<double>(rows);
      for (std::size_t row = 0; row < rows; ++row)
        variance += std::pow(At(stage.input.values, row, c) - mean, 2) / static_cast<double>(rows);
      for (std::size_t row = 0; row < rows; ++row) {
        const double normal = (At(stage.input.values, row, c) - mean) / std::sqrt(variance + 1e-5);
        At(stage.output.values, row, c) = ReferenceActivation(
            stage.activation, At(stage.scale.value, 0, c) * normal + At(stage.shift.value, 0, c));
      }
    }
  }

  void Run(const PoolStage& stage) {
    const ImageLayout& image = stage.image;
    const std::size_t width = image.size.width / stage.window.width;
    for (std::size_t row = 0; row < rows_ * stage.output.places; ++row) {
      const std::size_t sample = row / stage.output.places;
      const std::size_t place = row % stage.output.places;
      for (std::size_t c = 0; c < image.channels; ++c) {
        double sum = 0.0;
        double most = -HUGE_VAL;
        for (std::size_t i = 0; i < stage.window.Pixels(); ++i) {
          const std::size_t y = place / width * stage.window.height + i / stage.window.width;
          const std::size_t x = place % width * stage.window.width + i % stage.window.width;
          const double value = floats_[stage.input.values.offset + sample * image.sample +
                                       (y * image.size.width + x) * image.pixel + c];
          sum += value / static_cast<double>(stage.window.Pixels());
          most = std::max(most, value);
        }
        At(stage.output.values, row, c) = stage.kind == PoolKind::kMean ? sum : most;
      }
    }
  }

  void Run(const FlattenStage& stage) {
    for (std::size_t row = 0; row < rows_; ++row) {
      for (std::size_t i = 0; i < stage.output.Width(); ++i)
        At(stage.output.values, row, i) =
            At(stage.input.values, row * stage.input.places + i / stage.input.Width(),
               i % stage.input.Width());
    }
  }

  void Run(const EmbedStage& stage) {
    const std::size_t length = stage.output.places;
    for (std::size_t row = 0; row < rows_ * length; ++row) {
      const auto token = static_cast<std::size_t>(At(stage.tokens, row / length, row % length));
      for (std::size_t c = 0; c < stage.output.Width(); ++c)
        At(stage.output.values, row, c) =
            At(stage.table.value, token, c) + At(stage.positions.value, row % length, c);
    }
  }

  void Run(const LayerNormStage& stage) {
    const auto width = static_cast<double>(stage.input.Width());
    for (std::size_t row = 0; row < rows_ * stage.input.places; ++row) {
      double mean = 0.0;
      double variance = 0.0;
      for (std::size_t c = 0; c < stage.input.Width(); ++c)
        mean += At(stage.input.values, row, c) / width;
      for (std::size_t c = 0; c < stage.input.Width(); ++c)
        variance += std::pow(At(stage.input.values, row, c) - mean, 2) / width;
      for (std::size_t c = 0; c < stage.input.Width(); ++c)
        At(stage.output.values, row, c) =
            At(stage.shift.value, 0, c) + At(stage.scale.value, 0, c) *
                                              (At(stage.input.values, row, c) - mean) /
                                              std::sqrt(variance + 1e-5);
    }
  }

  // One query at a time.
  void Run(const AttentionStage& stage) {
    const std::size_t length = stage.output.places;
    const std::size_t width = stage.output.Width();
    const std::size_t depth = width / stage.heads;
    for (std::size_t row = 0; row < rows_ * length; ++row) {
      const std::size_t first = row / length * length;
      for (std::size_t head = 0; head < stage.heads; ++head) {
        const std::vector<float> mask = MaskOf(stage, row / length * stage.heads + head);
        std::vector<double> weights;
        double sum = 0.0;
        for (std::size_t other = first; other <= row; ++other) {
          double score = 0.0;
          for (std::size_t c = head * depth; c < (head + 1) * depth; ++c)
            score += At(stage.input.values, row, c) * At(stage.input.values, other, width + c);
          weights.push_back(std::exp(score / std::sqrt(static_cast<double>(depth))));
          sum += weights.back();
        }
        for (std::size_t c = head * depth; c < (head + 1) * depth; ++c) {
          double value = 0.0;
          for (std::size_t other = first; other <= row; ++other)
            value += static_cast<double>(mask[row % length * PaddedWidth(length) + other - first]) *
                     weights[other - first] / sum * At(stage.input.values, other, 2 * width + c);
          At(stage.output.values, row, c) = value;
        }
      }
    }
  }

  // Of a head among those of all samples: [length, its padded width].
  [[nodiscard]] std::vector<float> MaskOf(const AttentionStage& stage, std::size_t head) const {
    const std::size_t length = stage.output.places;
    std::vector<float> mask(length * PaddedWidth(length), 1.0F);
    if (stage.dropout) {
      DrawScoreMask(ScoreMaskPlace(settings_.seed, step_, *stage.dropout), head, length,
                    PaddedWidth(length), settings_.dropout, mask.data());
    }
    return mask;
  }

  void Run(const ForkStage& /*stage*/) {}

  void Run(const AddStage& stage) {
    for (std::size_t row = 0; row < rows_ * stage.output.places; ++row) {
      for (std::size_t c = 0; c < stage.output.Width(); ++c)
        At(stage.output.values, row, c) =
            std::max(stage.is_rectified ? 0.0 : -HUGE_VAL,
                     At(stage.first, row, c) + At(stage.second, row, c));
    }
  }

  [[nodiscard]] double CrossEntropy(std::size_t row) {
    const Tensor& logits = model_.logits;
    const auto label = static_cast<std::size_t>(labels_[row]);
    double sum = 0.0;
    for (std::size_t i = 0; i < logits.cols; ++i)
      sum += std::exp(At(logits, row, i));
    const double smoothing = settings_.label_smoothing;
    const double share = smoothing / static_cast<double>(logits.cols);
    double loss = (1.0 - smoothing) * (std::log(sum) - At(logits, row, label));
    for (std::size_t i = 0; i < logits.cols; ++i)
      loss += share * (std::log(sum) - At(logits, row, i));
    return loss;
  }

  const Model& model_;
  std::size_t rows_;
  LaneSettings settings_;
  std::uint64_t step_;
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
  ForEachParameter(plan.Compiled().stages, [&](const ModelParameter& parameter) {
    FillTensor(block, parameter.value, 0.7, random);
  });
  std::uniform_int_distribution<std::int32_t> label(
      0, static_cast<std::int32_t>(plan.Compiled().shape.classes) - 1);
  const Tensor& input = plan.Compiled().input;
  FillTensor(block, input, 1.0, random);
  if (std::holds_alternative<EmbedStage>(plan.Compiled().stages.front())) {  // tokens
    for (std::size_t i = 0; i < input.rows * input.Stride(); ++i)
      block[input.offset + i] = static_cast<float>(label(random));
  }
  for (std::int32_t& at : plan.Batch(lane).labels)
    at = label(random);
}

}  // namespace ddl
