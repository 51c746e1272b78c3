// SPDX-License-Identifier: Apache-2.0
#include "trainer/model.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/model_memory.h"
#include "trainer/shared_scratch.h"

namespace ddl {

namespace {

// Turns layers into stages, each reading what the one before wrote.
class ModelBuilder {
 public:
  ModelBuilder(const ModelShape& shape, std::size_t scratch_start) : memory_(shape, scratch_start) {
    model_.shape = shape;
    const bool is_text =
        !shape.layers.empty() && std::holds_alternative<EmbedLayer>(shape.layers.front());
    model_.input = memory_.Values("input", 1, shape.features,
                                  is_text ? Stored::kWhole : Stored::kAsMultiplied);
    at_.flow.values = model_.input;
    if (shape.image) {
      at_.image = {.size = shape.image->size,
                   .channels = shape.image->channels,
                   .pixel = shape.image->channels,
                   .sample = model_.input.Stride()};
    }
    for (const Layer& layer : shape.layers) {
      std::visit([this](const auto& kind) { Add(kind); }, layer);
      ++layer_;
    }
    Add(DenseLayer{.width = shape.classes, .activation = Activation::kIdentity});
    model_.logits = at_.flow.values;
    model_.targets = at_.flow.places;
    if (!shape.keeps_gradients) ShareStrip(model_.stages, memory_);
    if (shape.orthogonalises) ShareOrthogonalScratch(model_.stages, memory_);
  }

  [[nodiscard]] std::size_t StateFloats() const { return memory_.StateFloats(); }

  Model Finish() {
    model_.state_floats = StateFloats();
    model_.layout = memory_.Layout();
    if (model_.shape.is_of_gpu) return std::move(model_);
    for (Stage& stage : model_.stages) {
      if (auto* conv = std::get_if<ConvStage>(&stage)) conv->products = ProductsOf(*conv);
    }
    return std::move(model_);
  }

 private:
  [[nodiscard]] std::shared_ptr<const Convolution> ProductsOf(const ConvStage& stage) const {
    const ConvGeometry geometry{.image = stage.image,
                                .window = stage.window,
                                .places = stage.places,
                                .outputs = stage.pre.Stride(),
                                .precision = model_.shape.precision};
    return std::make_shared<const Convolution>(geometry, !stage.input.gradient.IsEmpty());
  }

  // What the latest stage hands on: images until a dense layer comes.
  struct Position {
    Flow flow;
    std::optional<ImageLayout> image;
  };

  void Add(const DenseLayer& layer) {
    Flatten();
    AddDense(layer);
  }

  void AddDense(const DenseLayer& layer, StoredFlow stored = {}) {
    if (IsLast()) stored.values = Stored::kWhole;
    DenseStage stage;
    stage.activation = layer.activation;
    stage.input = at_.flow;
    const std::size_t inputs = at_.flow.Width();
    stage.weight = MakeWeight(inputs, layer.width);
    stage.bias = memory_.MakeParameter(ParameterRole::kBias, "bias", 1, layer.width);
    stage.weight.fan_in = stage.bias.fan_in = inputs;
    if (model_.shape.keeps_gradients && stage.weight.gradient.IsEmpty()) {
      stage.weight.gradient = memory_.GradientOf(stage.weight, "weight");
    }
    stage.pre = AddOutput("pre", layer.width, stored.values);
    stage.output = OutputOf(layer.activation, stage.pre, stored.gradient);
    if (model_.shape.precision == Precision::kBfloat16) stage.copies = memory_.CopiesOf(stage);
    Append(stage);
    if (layer.has_dropout) AddDropout(at_.flow.gradient);
    memory_.NextNumber();
  }

  void Add(const ConvLayer& layer) {
    AddConv(layer.channels, layer.window, layer.activation, layer.has_norm);
  }

  void Add(const PoolLayer& layer) {
    const ImageLayout image = NeedImage();
    PoolStage stage;
    stage.kind = layer.is_mean ? PoolKind::kMean : PoolKind::kMaximum;
    stage.image = image;
    const bool is_global = layer.size == 0;
    stage.window = is_global ? image.size : ImageSize{.height = layer.size, .width = layer.size};
    CheckFits(stage.window);
    stage.input = at_.flow;
    MoveTo({.height = image.size.height / stage.window.height,
            .width = image.size.width / stage.window.width},
           image.channels);
    stage.output.places = at_.flow.places;
    stage.output.values = AddOutput("pooled", image.channels);
    stage.output.gradient = AddGradient("pooled.gradient", image.channels);
    stage.left = memory_.Scratch("left", 1, image.channels);
    ConvStage* conv =
        model_.stages.empty() ? nullptr : std::get_if<ConvStage>(&model_.stages.back());
    if (conv == nullptr || conv->pool) return Append(stage);
    conv->pool = stage;  // what it pools is in the cache then
    at_.flow = stage.output;
  }

  void Add(const ResidualLayer& layer) {
    const Position begin = at_;
    const bool is_straight = layer.stride == 1 && NeedImage().channels == layer.channels &&
                             !begin.flow.gradient.IsEmpty();  // data lie otherwise than flows
    const std::size_t fork = model_.stages.size();
    model_.stages.emplace_back(ForkStage{.input = begin.flow, .second = {}});
    AddConv(layer.channels, {.size = 3, .stride = layer.stride, .padding = 1}, Activation::kRelu,
            true);
    AddConv(layer.channels, {.size = 3, .stride = 1, .padding = 1}, Activation::kIdentity, true);
    AddStage sum{.first = at_.flow.values, .second = begin.flow.values, .output = at_.flow};
    Tensor skipped = sum.output.gradient;
    if (!is_straight) {
      at_ = begin;
      skipped = memory_.ScratchLike("skipped", begin.flow.gradient);
      at_.flow.gradient = skipped;
      AddConv(layer.channels, {.size = 1, .stride = layer.stride}, Activation::kIdentity, true);
      std::get<BatchNormStage>(model_.stages.back()).output.gradient = sum.output.gradient;
      sum.second = at_.flow.values;
    }
    std::get<ForkStage>(model_.stages[fork]).second = skipped;
    sum.output.values = AddOutput("sum", layer.channels);
    Append(sum);
  }

  void Add(const EmbedLayer& layer) {
    EmbedStage stage;
    stage.tokens = at_.flow.values;
    const std::size_t length = stage.tokens.cols;
    stage.table =
        memory_.MakeParameter(ParameterRole::kTable, "table", model_.shape.classes, layer.width);
    memory_.NextNumber();
    stage.positions =
        memory_.MakeParameter(ParameterRole::kTable, "positions", length, layer.width);
    memory_.NextNumber();
    stage.output.places = at_.flow.places = length;
    stage.output.values = AddOutput("embedded", layer.width, Stored::kWhole);
    stage.output.gradient = AddGradient("embedded.gradient", layer.width, Stored::kWhole);
    Append(stage);
    if (layer.has_dropout) AddDropout(at_.flow.gradient, Stored::kWhole);
  }

  void Add(const TransformerLayer& layer) {
    const std::size_t width = at_.flow.Width();
    AddBranch(layer.has_dropout, [&] {
      const bool is_fused = IsFused(layer.heads, width);
      const Stored stored = is_fused ? Stored::kAsMultiplied : Stored::kWhole;
      AddDense({.width = 3 * width, .activation = Activation::kIdentity}, {stored, stored});
      AddAttention(layer, width, stored);
    });
    AddBranch(layer.has_dropout,
              [&] { AddDense({.width = 4 * width, .activation = Activation::kGelu}); });
  }

  void Add(const LayerNormLayer& /*layer*/) { AddLayerNorm(); }

  // A normalisation, what `inside` adds and a dense layer, beside a way that skips them.
  template <class Function>
  void AddBranch(bool has_dropout, Function inside) {
    const Flow begin = at_.flow;
    const std::size_t fork = model_.stages.size();
    model_.stages.emplace_back(ForkStage{.input = begin, .second = {}});
    AddLayerNorm();
    inside();
    // The last gradient is the sum's as well.
    AddDense({.width = begin.Width(), .activation = Activation::kIdentity},
             {.gradient = has_dropout ? Stored::kAsMultiplied : Stored::kWhole});
    if (has_dropout) AddDropout(AddGradient("dropped.gradient", begin.Width(), Stored::kWhole));
    AddStage sum{.is_rectified = false,
                 .first = at_.flow.values,
                 .second = begin.values,
                 .output = at_.flow};
    std::get<ForkStage>(model_.stages[fork]).second = sum.output.gradient;
    sum.output.values = AddOutput("sum", begin.Width(), Stored::kWhole);
    Append(sum);
    memory_.NextNumber();
  }

  void AddLayerNorm() {
    const std::size_t width = at_.flow.Width();
    LayerNormStage stage;
    stage.input = at_.flow;
    stage.scale = memory_.MakeParameter(ParameterRole::kScale, "scale", 1, width);
    stage.shift = memory_.MakeParameter(ParameterRole::kShift, "shift", 1, width);
    stage.mean = memory_.Scratch("mean", 1, memory_.Rows() * at_.flow.places);
    stage.inverse = memory_.Scratch("inverse", 1, memory_.Rows() * at_.flow.places);
    stage.output.places = at_.flow.places;
    stage.output.values = AddOutput("normal", width);
    stage.output.gradient = AddGradient("normal.gradient", width);
    Append(stage);
  }

  // Whose kernels alone read numbers as they are stored.
  [[nodiscard]] bool IsFused(std::size_t heads, std::size_t width) const {
    return model_.shape.is_of_gpu && width / heads <= kMostFusedDepth;
  }

  void AddAttention(const TransformerLayer& layer, std::size_t width, Stored stored) {
    AttentionStage stage;
    stage.heads = layer.heads;
    if (layer.has_dropout) stage.dropout = memory_.Number();
    stage.input = at_.flow;
    const std::size_t length = at_.flow.places;
    stage.output.places = length;
    stage.output.values = AddOutput("attended", width, stored);
    stage.output.gradient = AddGradient("attended.gradient", width, stored);
    const std::size_t squares = memory_.Rows() * layer.heads;
    if (IsFused(layer.heads, width)) {
      stage.statistics = memory_.Scratch("statistics", squares * 3, length);
    } else {
      stage.probabilities = memory_.Scratch("probabilities", squares * length, length);
      stage.scratch = memory_.Scratch("scores", length, length);
      const bool has_mask = layer.has_dropout && !model_.shape.is_of_gpu;
      if (has_mask) stage.mask = memory_.Scratch("mask", length, length);
    }
    Append(stage);
  }

  void AddConv(std::size_t outputs, const Window& window, Activation activation, bool has_norm) {
    ConvStage stage;
    stage.window = window;
    stage.activation = has_norm ? Activation::kIdentity : activation;
    stage.image = NeedImage();
    const std::size_t least = window.size - std::min(window.size - 1, 2 * window.padding);
    CheckFits({.height = least, .width = least});
    stage.input = at_.flow;
    const std::size_t inputs = window.size * window.size * stage.image.channels;
    stage.weight = MakeWeight(inputs, outputs);
    if (stage.weight.gradient.IsEmpty()) {
      stage.weight.gradient = memory_.GradientOf(stage.weight, "weight");
    }
    stage.weight.rounded = memory_.RoundedOf(stage.weight);
    stage.weight.fan_in = inputs;
    if (!has_norm) {  // whose shift would make up for any bias
      stage.bias = memory_.MakeParameter(ParameterRole::kBias, "bias", 1, outputs);
      stage.bias.fan_in = inputs;
    }
    stage.places = window.Output(stage.image.size);
    MoveTo(stage.places, outputs);
    stage.pre = AddOutput("pre", outputs);
    stage.output = OutputOf(stage.activation, stage.pre);
    Append(stage);
    if (has_norm) AddNorm(activation);
    memory_.NextNumber();
  }

  // The weights of the running layer. The last one's are no hidden matrix.
  ModelParameter MakeWeight(std::size_t inputs, std::size_t outputs) {
    if (model_.shape.orthogonalises && !IsLast()) {
      return memory_.MakeMatrix("weight", inputs, outputs);
    }
    return memory_.MakeParameter(ParameterRole::kWeight, "weight", inputs, outputs);
  }

  void AddNorm(Activation activation) {
    const std::size_t width = at_.flow.Width();
    BatchNormStage stage;
    stage.activation = activation;
    stage.input = at_.flow;
    stage.scale = memory_.MakeParameter(ParameterRole::kScale, "scale", 1, width);
    stage.shift = memory_.MakeParameter(ParameterRole::kShift, "shift", 1, width);
    stage.running_mean = memory_.State("running_mean", 1, width);
    stage.running_variance = memory_.State("running_variance", 1, width);
    stage.mean = memory_.Scratch("mean", 1, width);
    stage.inverse = memory_.Scratch("inverse", 1, width);
    stage.output.places = at_.flow.places;
    stage.output.values = AddOutput("normal", width);
    stage.output.gradient = AddGradient("normal.gradient", width);
    Append(stage);
  }

  // The gradient may lie where the input's does. A GPU draws the mask anew on the way back.
  void AddDropout(const Tensor& gradient, Stored stored = Stored::kAsMultiplied) {
    DropoutStage stage{
        .number = memory_.Number(), .input = at_.flow, .mask = {}, .output = at_.flow};
    if (!model_.shape.is_of_gpu) stage.mask = AddGradient("mask", at_.flow.Width());
    stage.output.values = AddOutput("dropped", at_.flow.Width(), stored);
    stage.output.gradient = gradient;
    Append(stage);
  }

  // Images become rows. Where padding lies between their pixels they are packed.
  void Flatten() {
    if (!at_.image) return;
    const ImageLayout image = *at_.image;
    at_.image.reset();
    if (at_.flow.places == 1) return;
    const std::size_t width = image.size.Pixels() * image.channels;
    Flow flat;
    if (image.pixel == image.channels) {
      flat.values = Reshaped(at_.flow.values, memory_.Rows(), width);
      flat.gradient = Reshaped(at_.flow.gradient, model_.shape.batch, width);
      at_.flow = flat;  // of stages: data have one place a sample
      return;
    }
    const Flow images = at_.flow;
    at_.flow.places = 1;
    flat.values = AddOutput("flat", width);
    flat.gradient = AddGradient("flat.gradient", width);
    Append(FlattenStage{.input = images, .output = flat});
  }

  template <class Kind>
  void Append(const Kind& stage) {
    at_.flow = stage.output;
    model_.stages.emplace_back(stage);
  }

  void MoveTo(const ImageSize& size, std::size_t channels) {
    const std::size_t pixel = PaddedWidth(channels);
    at_.image = {
        .size = size, .channels = channels, .pixel = pixel, .sample = size.Pixels() * pixel};
    at_.flow.places = size.Pixels();
  }

  [[nodiscard]] const ImageLayout& NeedImage() const {
    if (at_.image) return *at_.image;
    throw Error(fmt::format("layer {} ({}) needs images, and gets rows of {} numbers", layer_ + 1,
                            LayerName(), at_.flow.Width()),
                "model.layers",
                "put it before the dense layers; say model.image: [height, width, channels] where "
                "the data do not");
  }

  void CheckFits(const ImageSize& window) const {
    const ImageSize& image = at_.image->size;
    if (window.height <= image.height && window.width <= image.width) return;
    throw Error(
        fmt::format("layer {} ({}) needs images of {} x {} pixels at least, and gets {} x {}",
                    layer_ + 1, LayerName(), window.height, window.width, image.height,
                    image.width),
        "model.layers", "leave out a pooling, or make the window smaller");
  }

  [[nodiscard]] std::string LayerName() const { return NameOf(model_.shape.layers[layer_]); }

  // Of the layers, or the dense one behind them.
  [[nodiscard]] bool IsLast() const { return layer_ == model_.shape.layers.size(); }

  // A row a place of the running flow.
  Tensor AddOutput(const char* name, std::size_t width, Stored stored = Stored::kAsMultiplied) {
    return memory_.Values(name, at_.flow.places, width, stored);
  }
  Tensor AddGradient(const char* name, std::size_t width, Stored stored = Stored::kAsMultiplied) {
    return memory_.Gradient(name, at_.flow.places, width, stored);
  }

  // What an activation makes of `pre`, and its gradient: in one place for identity, as the loss
  // turns the last layer's output into its gradient.
  Flow OutputOf(Activation activation, const Tensor& pre, Stored gradient = Stored::kAsMultiplied) {
    Flow output{.values = pre, .gradient = pre, .places = at_.flow.places};
    if (activation == Activation::kGelu) output.values = AddOutput("output", pre.cols);
    if (!IsLast()) output.gradient = AddGradient("gradient", pre.cols, gradient);
    return output;
  }

  Model model_;
  ModelMemory memory_;
  std::size_t layer_ = 0;  // that is being added
  Position at_;
};

}  // namespace

Model BuildModel(const ModelShape& shape) {
  assert(shape.batch > 0 && shape.features > 0 && shape.classes > 0);
  // Where activations begin is known once all layers have been seen.
  const ModelBuilder sizes(shape, 0);
  return ModelBuilder(shape, sizes.StateFloats()).Finish();
}

}  // namespace ddl
