// SPDX-License-Identifier: Apache-2.0
// oneDNN's direct convolutions. Channels side by side (nhwc) run as fast as its own blocked layouts
// (120 GF/s of the 112 that sgemm reaches on the same core: padding is not multiplied), so that
// activations need no reordering; weights do, once a call. Padding between pixels counts as
// channels whose weights are zero. A whole batch at a time is slower by an eighth than pieces that
// the second-level cache holds.
#include "trainer/convolution.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/activation_kernels.h"
#include "trainer/onednn.h"

namespace ddl {

namespace {

using onednn::Dim;
using onednn::Memory;
using onednn::On;
using Tag = Memory::format_tag;

constexpr auto kWhole = Memory::data_type::f32;

Memory::desc LayoutOf(const Memory::dims& dims, Tag tag, Memory::data_type type = kWhole) {
  return {dims, type, tag};
}

Memory::data_type TypeOf(Precision precision) {
  return precision == Precision::kBfloat16 ? Memory::data_type::bf16 : kWhole;
}

// What is multiplied has the asked precision, and what comes out is float32.
struct Shapes {
  Memory::desc input;
  Memory::desc weights;
  Memory::desc output;
  Memory::desc input_gradient;
  Memory::desc weight_gradient;
  Memory::desc output_gradient;
  Memory::dims strides;
  Memory::dims padding;
};

Shapes ShapesOf(const ConvGeometry& at, std::size_t samples) {
  const Memory::dim size = Dim(at.window.size);
  const Memory::dim channels = Dim(at.image.pixel);
  const Memory::dim outputs = Dim(at.outputs);
  const Memory::dims input{Dim(samples), channels, Dim(at.image.size.height),
                           Dim(at.image.size.width)};
  const Memory::dims weights{outputs, channels, size, size};
  const Memory::dims output{Dim(samples), outputs, Dim(at.places.height), Dim(at.places.width)};
  const Memory::data_type type = TypeOf(at.precision);
  return {.input = LayoutOf(input, Tag::nhwc, type),
          .weights = LayoutOf(weights, Tag::any, type),
          .output = LayoutOf(output, Tag::nhwc),
          .input_gradient = LayoutOf(input, Tag::nhwc),
          .weight_gradient = LayoutOf(weights, Tag::any),
          .output_gradient = LayoutOf(output, Tag::nhwc, type),
          .strides = {Dim(at.window.stride), Dim(at.window.stride)},
          .padding = {Dim(at.window.padding), Dim(at.window.padding)}};
}

// Versions 2 and 3 of the library differ in how a primitive is described.
dnnl::convolution_forward::primitive_desc ForwardDesc(const Shapes& at) {
  constexpr auto kKind = dnnl::prop_kind::forward_training;
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {onednn::Engine(), kKind,      kDirect,    at.input,   at.weights,
          at.output,        at.strides, at.padding, at.padding, onednn::OwnScratchpad()};
#else
  return {{kKind, kDirect, at.input, at.weights, at.output, at.strides, at.padding, at.padding},
          onednn::OwnScratchpad(),
          onednn::Engine()};
#endif
}

// Of the gradient of the weights or of the input: those two, and what they are to the output.
template <class Primitive>
typename Primitive::primitive_desc GradientDesc(
    const Memory::desc& input, const Memory::desc& weights, const Shapes& at,
    const dnnl::convolution_forward::primitive_desc& forward) {
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {onednn::Engine(), kDirect,    input,      weights, at.output_gradient,
          at.strides,       at.padding, at.padding, forward, onednn::OwnScratchpad()};
#else
  return {{kDirect, input, weights, at.output_gradient, at.strides, at.padding, at.padding},
          onednn::OwnScratchpad(),
          onednn::Engine(),
          forward};
#endif
}

// Samples of a piece: input, output and their gradients fit half a megabyte.
std::size_t PieceOf(const ConvGeometry& at) {
  const bool is_dense = at.image.sample == at.image.size.Pixels() * at.image.pixel;
  if (!is_dense) return 1;
  constexpr std::size_t kFloats = std::size_t{128} * 1024;
  const std::size_t sample = at.image.sample + at.places.Pixels() * at.outputs;
  return std::clamp<std::size_t>(kFloats / sample, 1, 32);
}

void AddTo(const Memory& part, const Memory& sum) {
  AddElements(sum.get_desc().get_size() / sizeof(float),
              static_cast<const float*>(part.get_data_handle()),
              static_cast<float*>(sum.get_data_handle()));
}

}  // namespace

// One of the three products for a number of samples, with weights in the order it likes best.
struct Convolution::Kernels {
  Kernels(const Shapes& shapes, bool has_input_gradient)
      : forward_desc(ForwardDesc(shapes)),
        weight_desc(GradientDesc<dnnl::convolution_backward_weights>(
            shapes.input, shapes.weight_gradient, shapes, forward_desc)),
        forward(forward_desc),
        weight_gradient(weight_desc),
        forward_weights(forward_desc.weights_desc(), onednn::Engine()),
        weight_sum(weight_desc.diff_weights_desc(), onednn::Engine()),
        weight_part(weight_desc.diff_weights_desc(), onednn::Engine()) {
    if (!has_input_gradient) return;
    input_desc = GradientDesc<dnnl::convolution_backward_data>(
        shapes.input_gradient, shapes.weights, shapes, forward_desc);
    input_gradient = onednn::Operation(*input_desc);
    input_weights = Memory(input_desc->weights_desc(), onednn::Engine());
  }

  dnnl::convolution_forward::primitive_desc forward_desc;
  dnnl::convolution_backward_weights::primitive_desc weight_desc;
  std::optional<dnnl::convolution_backward_data::primitive_desc> input_desc;
  onednn::Operation forward;
  onednn::Operation weight_gradient;
  onednn::Operation input_gradient;
  Memory forward_weights;
  Memory weight_sum;
  Memory weight_part;  // of a later piece
  Memory input_weights;
};

// Weights as the arena has them: with the padding of the outputs, without that of the inputs.
class Convolution::Weights {
 public:
  explicit Weights(const ConvGeometry& at)
      : channels_(at.image.channels),
        pixel_(at.image.pixel),
        outputs_(at.outputs),
        taps_(at.window.size * at.window.size),
        padded_(pixel_ == channels_ ? 0 : taps_ * pixel_ * outputs_),
        desc_(LayoutOf({Dim(outputs_), Dim(pixel_), Dim(at.window.size), Dim(at.window.size)},
                       Tag::hwio)) {}

  void Arrange(const float* weights, Memory& target) {
    ForEachTap([&](std::size_t own, std::size_t padded, std::size_t floats) {
      std::copy_n(weights + own, floats, padded_.data() + padded);
    });
    onednn::Reorder(On(desc_, padded_.empty() ? weights : padded_.data()), target);
  }

  void Restore(const Memory& gradient, float* sum) {
    onednn::Reorder(gradient, On(desc_, padded_.empty() ? sum : padded_.data()));
    ForEachTap([&](std::size_t own, std::size_t padded, std::size_t floats) {
      std::copy_n(padded_.data() + padded, floats, sum + own);
    });
  }

 private:
  // Calls function(start, start with padding, floats) for each place of the window.
  template <class Function>
  void ForEachTap(Function function) const {
    if (padded_.empty()) return;
    const std::size_t floats = channels_ * outputs_;
    for (std::size_t tap = 0; tap < taps_; ++tap) {
      function(tap * floats, tap * pixel_ * outputs_, floats);
    }
  }

  std::size_t channels_;
  std::size_t pixel_;
  std::size_t outputs_;
  std::size_t taps_;
  std::vector<float> padded_;  // rows of padding stay zero; empty where there are none
  Memory::desc desc_;
};

// Pieces of images and gradients rounded, as many numbers as they have.
class Convolution::Rounding {
 public:
  Rounding(const ConvGeometry& at, std::size_t samples)
      : input_(samples * at.image.sample),
        output_gradient_(samples * at.places.Pixels() * at.outputs) {}

  const void* Input(const float* values, std::size_t count) {
    return Rounded(values, count, input_);
  }
  const void* OutputGradient(const float* values, std::size_t count) {
    return Rounded(values, count, output_gradient_);
  }

 private:
  static const void* Rounded(const float* values, std::size_t count, std::vector<Bfloat16>& to) {
    assert(count <= to.size());
    RoundToBfloat16(count, values, to.data());
    return to.data();
  }

  std::vector<Bfloat16> input_;
  std::vector<Bfloat16> output_gradient_;
};

Convolution::Convolution(const ConvGeometry& geometry, bool has_input_gradient)
    : geometry_(geometry),
      piece_(PieceOf(geometry)),
      weights_(std::make_unique<Weights>(geometry)) {
  if (geometry.precision == Precision::kBfloat16) {
    rounding_ = std::make_unique<Rounding>(geometry, piece_);
  }
  const ImageLayout& image = geometry.image;
  try {
    Shapes shapes = ShapesOf(geometry, 1);
    if (piece_ > 1) {
      several_ = std::make_unique<Kernels>(ShapesOf(geometry, piece_), has_input_gradient);
      shapes.weight_gradient = several_->weight_desc.diff_weights_desc();  // to be added to it
    }
    one_ = std::make_unique<Kernels>(shapes, has_input_gradient);
  } catch (const dnnl::error& problem) {
    throw Error(
        fmt::format("no convolution of {0} x {0} over {1} x {2} pixels: {3}", geometry.window.size,
                    image.size.height, image.size.width, problem.what()),
        "model.layers", "use another window");
  }
}

Convolution::~Convolution() = default;

// Calls function(kernels, first sample, samples) for whole pieces, then for each sample left.
template <class Function>
void Convolution::ForEachPiece(std::size_t samples, Function function) const {
  std::size_t first = 0;
  for (; several_ != nullptr && first + piece_ <= samples; first += piece_) {
    function(*several_, first, piece_);
  }
  for (; first < samples; ++first) {
    function(*one_, first, 1);
  }
}

void Convolution::Forward(std::size_t samples, const float* weights, const float* input,
                          float* output, const ConvPieceWork& then) const {
  const std::size_t places = geometry_.places.Pixels();
  const Kernels* arranged = nullptr;
  ForEachPiece(samples, [&](Kernels& kernels, std::size_t first, std::size_t count) {
    if (arranged != &kernels) weights_->Arrange(weights, kernels.forward_weights);
    arranged = &kernels;
    const std::size_t in = geometry_.image.sample;
    const void* piece = input + first * in;
    if (rounding_) piece = rounding_->Input(input + first * in, count * in);
    float* to = output + first * places * geometry_.outputs;
    kernels.forward.Execute({{DNNL_ARG_SRC, On(kernels.forward_desc.src_desc(), piece)},
                             {DNNL_ARG_WEIGHTS, kernels.forward_weights},
                             {DNNL_ARG_DST, On(kernels.forward_desc.dst_desc(), to)}});
    then({.first = first * places, .places = count * places});
  });
}

void Convolution::Backward(std::size_t samples, const ConvGradients& at,
                           const ConvPieceWork& before) const {
  const std::size_t places = geometry_.places.Pixels();
  const std::size_t in = geometry_.image.sample;
  const std::size_t out = places * geometry_.outputs;
  const Kernels* arranged = nullptr;
  const Memory* sum = nullptr;
  ForEachPiece(samples, [&](Kernels& kernels, std::size_t first, std::size_t count) {
    before({.first = first * places, .places = count * places});
    const void* input = at.input + first * in;
    const void* gradient = at.output_gradient + first * out;
    if (rounding_) {
      input = rounding_->Input(at.input + first * in, count * in);
      gradient = rounding_->OutputGradient(at.output_gradient + first * out, count * out);
    }
    const Memory& part = sum == nullptr ? kernels.weight_sum : kernels.weight_part;
    kernels.weight_gradient.Execute(
        {{DNNL_ARG_SRC, On(kernels.weight_desc.src_desc(), input)},
         {DNNL_ARG_DIFF_DST, On(kernels.weight_desc.diff_dst_desc(), gradient)},
         {DNNL_ARG_DIFF_WEIGHTS, part}});
    if (sum == nullptr) {
      sum = &part;
    } else {
      AddTo(part, *sum);
    }
    if (at.input_gradient == nullptr) return;
    if (arranged != &kernels) weights_->Arrange(at.weights, kernels.input_weights);
    arranged = &kernels;
    kernels.input_gradient.Execute(
        {{DNNL_ARG_DIFF_DST, On(kernels.input_desc->diff_dst_desc(), gradient)},
         {DNNL_ARG_WEIGHTS, kernels.input_weights},
         {DNNL_ARG_DIFF_SRC,
          On(kernels.input_desc->diff_src_desc(), at.input_gradient + first * in)}});
  });
  weights_->Restore(*sum, at.weight_gradient);
}

std::string Convolution::Describe() const {
  const Kernels& kernels = several_ ? *several_ : *one_;
  std::string text = fmt::format("{}, {}", kernels.forward_desc.impl_info_str(),
                                 kernels.weight_desc.impl_info_str());
  if (kernels.input_desc) text += fmt::format(", {}", kernels.input_desc->impl_info_str());
  return fmt::format("{}; {} samples at a time", text, piece_);
}

}  // namespace ddl
