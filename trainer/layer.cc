// SPDX-License-Identifier: Apache-2.0
#include "trainer/layer.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr std::size_t kMostSize = std::size_t{1} << 20U;

// Takes a layer apart from its front.
class LayerText {
 public:
  explicit LayerText(std::string_view text) : whole_(text), rest_(text) {}

  [[nodiscard]] bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  // Digits, where there are any.
  [[nodiscard]] std::optional<std::size_t> TakeSize() {
    std::size_t size = 0;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
    if (problem == std::errc::invalid_argument) return std::nullopt;
    if (problem != std::errc{} || size == 0 || size > kMostSize) throw Wrong();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return size;
  }

  [[nodiscard]] std::size_t NeedSize() {
    const std::optional<std::size_t> size = TakeSize();
    return size ? *size : throw Wrong();
  }

  void Finish() const {
    if (!rest_.empty()) throw Wrong();
  }

  [[nodiscard]] Error Wrong() const {
    return {fmt::format("'{}' is no layer", whole_), "model.layers",
            "write layers such as 32c3 (convolution), p2 (pooling), r64s2 (residual block), ga "
            "(mean of the image), fc128 (dense), with - between them"};
  }

 private:
  std::string_view whole_;
  std::string_view rest_;
};

// After the channels and "c".
ConvLayer ReadConv(LayerText& text, std::size_t channels, const LayerDefaults& defaults) {
  ConvLayer conv{.channels = channels,
                 .window = {.size = text.NeedSize()},
                 .activation = defaults.activation,
                 .has_norm = defaults.has_norm};
  if (text.Take("s")) conv.window.stride = text.NeedSize();
  if (text.Take("v")) return conv;
  if (conv.window.size % 2 == 0) {
    throw Error(
        fmt::format("a window of {} x {} has no middle", conv.window.size, conv.window.size),
        "model.layers", "use an odd size, or write v behind it for no padding");
  }
  conv.window.padding = conv.window.size / 2;
  return conv;
}

Layer ReadLayer(LayerText text, const LayerDefaults& defaults) {
  Layer layer;
  if (const std::optional<std::size_t> channels = text.TakeSize()) {
    if (!text.Take("c")) throw text.Wrong();
    layer = ReadConv(text, *channels, defaults);
  } else if (text.Take("fc")) {
    layer = DenseLayer{.width = text.NeedSize(),
                       .activation = defaults.activation,
                       .has_dropout = defaults.has_dropout};
  } else if (text.Take("ga")) {
    layer = PoolLayer{.size = 0, .is_mean = true};
  } else if (text.Take("r")) {
    ResidualLayer block{.channels = text.NeedSize()};
    if (text.Take("s")) block.stride = text.NeedSize();
    layer = block;
  } else {
    const bool is_mean = text.Take("a");
    if (!is_mean && !text.Take("p")) throw text.Wrong();
    layer = PoolLayer{.size = text.TakeSize().value_or(2), .is_mean = is_mean};
  }
  text.Finish();
  return layer;
}

std::string Name(const DenseLayer& layer) {
  return fmt::format("{}", layer.width);
}

std::string Name(const ConvLayer& layer) {
  const Window& window = layer.window;
  return fmt::format("{}c{}{}{}{}", layer.channels, window.size,
                     window.stride == 1 ? "" : fmt::format("s{}", window.stride),
                     window.padding == 0 && window.size > 1 ? "v" : "",
                     layer.has_norm ? "+norm" : "");
}

std::string Name(const PoolLayer& layer) {
  if (layer.size == 0) return "ga";
  return fmt::format("{}{}", layer.is_mean ? "a" : "p", layer.size);
}

std::string Name(const ResidualLayer& layer) {
  return fmt::format("r{}{}", layer.channels,
                     layer.stride == 1 ? "" : fmt::format("s{}", layer.stride));
}

std::string Name(const EmbedLayer& layer) {
  return fmt::format("embed{}", layer.width);
}

std::string Name(const TransformerLayer& layer) {
  return fmt::format("block{}", layer.heads);
}

std::string Name(const LayerNormLayer& /*layer*/) {
  return "norm";
}

}  // namespace

std::vector<Layer> DenseLayers(const std::vector<std::size_t>& widths, Activation activation,
                               bool has_dropout) {
  std::vector<Layer> layers;
  for (const std::size_t width : widths) {
    layers.emplace_back(
        DenseLayer{.width = width, .activation = activation, .has_dropout = has_dropout});
  }
  return layers;
}

std::vector<Layer> TransformerLayers(std::size_t depth, std::size_t heads, std::size_t width,
                                     bool has_dropout) {
  std::vector<Layer> layers{EmbedLayer{.width = width, .has_dropout = has_dropout}};
  for (std::size_t i = 0; i < depth; ++i) {
    layers.emplace_back(TransformerLayer{.heads = heads, .has_dropout = has_dropout});
  }
  layers.emplace_back(LayerNormLayer{});
  return layers;
}

std::vector<Layer> ParseLayers(std::string_view text, const LayerDefaults& defaults) {
  std::vector<Layer> layers;
  while (true) {
    const std::size_t dash = text.find('-');
    layers.push_back(ReadLayer(LayerText(text.substr(0, dash)), defaults));
    if (dash == std::string_view::npos) return layers;
    text.remove_prefix(dash + 1);
  }
}

std::string NameOf(const Layer& layer) {
  return std::visit([](const auto& kind) { return Name(kind); }, layer);
}

}  // namespace ddl
