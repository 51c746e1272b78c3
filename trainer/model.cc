// SPDX-License-Identifier: Apache-2.0
#include "trainer/model.h"

#include <algorithm>
#include <cassert>
#include <string>

#include <fmt/format.h>

namespace ddl {

namespace {

// Builds a model in two passes: what a checkpoint holds comes first in a lane.
class ModelBuilder {
 public:
  explicit ModelBuilder(const ModelShape& shape) { model_.shape = shape; }

  Model Build() {
    widths_ = {model_.shape.features};
    widths_.insert(widths_.end(), model_.shape.hidden.begin(), model_.shape.hidden.end());
    widths_.push_back(model_.shape.classes);
    for (std::size_t layer = 0; layer + 1 < widths_.size(); ++layer) {
      AddState(layer);
    }
    model_.state_floats = model_.layout.Floats();
    AddGradients();
    AddActivations();
    return std::move(model_);
  }

 private:
  // The state of a layer's parameter: its value and the optimizer's tensors.
  Parameter AddParameter(const std::string& name, std::size_t rows, std::size_t cols) {
    Parameter parameter;
    parameter.value = model_.layout.Add(name, rows, cols);
    if (model_.shape.state_tensors > 0) {
      parameter.first = model_.layout.Add(name + ".first", rows, cols);
    }
    if (model_.shape.state_tensors > 1) {
      parameter.second = model_.layout.Add(name + ".second", rows, cols);
    }
    return parameter;
  }

  void AddState(std::size_t layer) {
    DenseStage stage;
    stage.weight =
        AddParameter(fmt::format("weight{}", layer + 1), widths_[layer], widths_[layer + 1]);
    stage.bias = AddParameter(fmt::format("bias{}", layer + 1), 1, widths_[layer + 1]);
    model_.layers.push_back(stage);
  }

  // Whole gradients where their norm is wanted, else one strip that all layers share.
  void AddGradients() {
    for (std::size_t layer = 0; layer < model_.layers.size(); ++layer) {
      DenseStage& stage = model_.layers[layer];
      const Tensor& w = stage.weight.value;
      stage.bias.gradient = model_.layout.Add(fmt::format("bias{}.gradient", layer + 1), 1, w.cols);
      if (model_.shape.has_clipping) {
        stage.weight.gradient =
            model_.layout.Add(fmt::format("weight{}.gradient", layer + 1), w.rows, w.cols);
      }
    }
    if (!model_.shape.has_clipping) ShareStrip();
  }

  void ShareStrip() {
    std::size_t most = 0;
    for (const DenseStage& stage : model_.layers) {
      const Tensor& w = stage.weight.value;
      most = std::max(most, StripRows(w.rows, w.cols) * w.Stride());
    }
    const Tensor strip = model_.layout.Add("strip", 1, most);
    for (DenseStage& stage : model_.layers) {
      stage.weight.gradient = strip;
    }
  }

  void AddActivations() {
    const ModelShape& shape = model_.shape;
    const std::size_t rows = std::max(shape.batch, shape.evaluation_batch);
    model_.input = model_.layout.Add("input", rows, shape.features);
    Tensor input = model_.input;
    Tensor input_gradient;
    for (std::size_t layer = 0; layer < model_.layers.size(); ++layer) {
      DenseStage& stage = model_.layers[layer];
      stage.input = input;
      stage.input_gradient = input_gradient;
      const bool is_last = layer + 1 == model_.layers.size();
      stage.activation = is_last ? Activation::kIdentity : shape.activation;
      AddOutput(stage, layer, rows);
      if (!is_last && shape.has_dropout) AddDropout(stage, layer);
      input = !is_last && shape.has_dropout ? model_.dropouts.back().output : stage.output;
      input_gradient = stage.output_gradient;
    }
  }

  void AddOutput(DenseStage& stage, std::size_t layer, std::size_t rows) {
    const std::size_t width = widths_[layer + 1];
    stage.pre = model_.layout.Add(fmt::format("pre{}", layer + 1), rows, width);
    stage.output = stage.activation == Activation::kGelu
                       ? model_.layout.Add(fmt::format("output{}", layer + 1), rows, width)
                       : stage.pre;
    // Softmax turns the last layer's output into its gradient in place.
    stage.output_gradient =
        stage.activation == Activation::kIdentity
            ? stage.output
            : model_.layout.Add(fmt::format("gradient{}", layer + 1), model_.shape.batch, width);
  }

  void AddDropout(const DenseStage& stage, std::size_t layer) {
    const auto add = [&](const char* name) {
      return model_.layout.Add(fmt::format("{}{}", name, layer + 1), model_.shape.batch,
                               stage.output.cols);
    };
    model_.dropouts.push_back({.input = stage.output,
                               .mask = add("mask"),
                               .output = add("dropped"),
                               .gradient = stage.output_gradient});
  }

  Model model_;
  std::vector<std::size_t> widths_;
};

}  // namespace

Model BuildModel(const ModelShape& shape) {
  assert(shape.batch > 0 && shape.features > 0 && shape.classes > 0);
  return ModelBuilder(shape).Build();
}

std::size_t CountWeights(const Model& model) {
  std::size_t count = 0;
  for (const DenseStage& stage : model.layers) {
    count += (stage.weight.value.rows + 1) * stage.weight.value.cols;
  }
  return count;
}

double StepFlops(const Model& model) {
  double products = 0.0;
  for (const DenseStage& stage : model.layers) {
    const double one = 2.0 * static_cast<double>(model.shape.batch) *
                       static_cast<double>(stage.weight.value.rows) *
                       static_cast<double>(stage.weight.value.cols);
    products += stage.input_gradient.IsEmpty() ? 2.0 * one : 3.0 * one;
  }
  return products;
}

}  // namespace ddl
