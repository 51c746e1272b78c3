// SPDX-License-Identifier: Apache-2.0
// A network as its user describes it: the layers before the last, which is always dense, to the
// classes. A layer becomes one or several stages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trainer/activation_kernels.h"
#include "trainer/image.h"

namespace ddl {

struct DenseLayer {
  std::size_t width = 1;
  Activation activation = Activation::kRelu;
  bool has_dropout = false;

  bool operator==(const DenseLayer&) const = default;
};

struct ConvLayer {
  std::size_t channels = 1;
  Window window;
  Activation activation = Activation::kRelu;
  bool has_norm = false;  // batch normalisation between convolution and activation

  bool operator==(const ConvLayer&) const = default;
};

struct PoolLayer {
  std::size_t size = 2;  // 0: the whole image
  bool is_mean = false;

  bool operator==(const PoolLayer&) const = default;
};

// Two 3 x 3 convolutions, normalised, beside a way that skips them (He et al., 2016, figure 2);
// where size or channels change, the way that skips is a normalised 1 x 1 convolution.
struct ResidualLayer {
  std::size_t channels = 1;
  std::size_t stride = 1;  // of the first convolution

  bool operator==(const ResidualLayer&) const = default;
};

// Tokens and their positions as vectors.
struct EmbedLayer {
  std::size_t width = 1;
  bool has_dropout = false;  // of the sum of both

  bool operator==(const EmbedLayer&) const = default;
};

// Attention, then two dense layers of which the first is four times as wide, each behind a layer
// normalisation and beside a way that skips it (Radford et al., 2019).
struct TransformerLayer {
  std::size_t heads = 1;
  bool has_dropout = false;  // of probabilities, behind attention, behind the dense layers

  bool operator==(const TransformerLayer&) const = default;
};

struct LayerNormLayer {
  bool operator==(const LayerNormLayer&) const = default;
};

using Layer = std::variant<DenseLayer, ConvLayer, PoolLayer, ResidualLayer, EmbedLayer,
                           TransformerLayer, LayerNormLayer>;

// A multi-layer perceptron's hidden layers.
[[nodiscard]] std::vector<Layer> DenseLayers(const std::vector<std::size_t>& widths,
                                             Activation activation, bool has_dropout);

// A transformer's layers before the last: embedding, blocks, a normalisation.
[[nodiscard]] std::vector<Layer> TransformerLayers(std::size_t depth, std::size_t heads,
                                                   std::size_t width, bool has_dropout);

// What a line of layers does not say.
struct LayerDefaults {
  Activation activation = Activation::kRelu;
  bool has_norm = false;     // of convolutions
  bool has_dropout = false;  // of dense layers
};

// Reads "32c3-p2-64c3s2-fc128": layers separated by '-'.
//   32c5    convolution, 32 channels, 5 x 5, padded to keep the size; 32c5s2: every second place;
//           32c5v: no padding
//   p2, a2  maximum, mean of 2 x 2 (p and a alone: 2); ga: mean of the whole image
//   r64     residual block of 64 channels; r64s2: halves the size
//   fc128   dense, 128 units
// Throws Error naming the layer that cannot be read.
[[nodiscard]] std::vector<Layer> ParseLayers(std::string_view text, const LayerDefaults& defaults);

// In the same notation, but for dense layers, which are their width alone: "32c3", "p2", "128"; and
// what has no notation: "embed128", "block4" (heads), "norm".
[[nodiscard]] std::string NameOf(const Layer& layer);

}  // namespace ddl
