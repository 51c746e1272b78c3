// SPDX-License-Identifier: Apache-2.0
// oneDNN's direct convolutions. Channels side by side (nhwc) run as fast as its own blocked layouts
// (120 GF/s of the 112 that sgemm reaches on the same core: padding is not multiplied), so that
// activations need no reordering; weights do, once a call. Padding between pixels counts as
// channels whose weights are zero.
#include "trainer/convolution.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>
#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/activation_kernels.h"

namespace ddl {

namespace {

using Memory = dnnl::memory;
using Tag = Memory::format_tag;

struct Library {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};

Library& TheLibrary() {
  thread_local Library library;
  return library;
}

Memory::dim Dim(std::size_t size) {
  return static_cast<Memory::dim>(size);
}

Memory::desc Describe(const Memory::dims& dims, Tag tag) {
  return {dims, Memory::data_type::f32, tag};
}

struct Shapes {
  Memory::desc input;
  Memory::desc weights;
  Memory::desc output;
  Memory::dims strides;
  Memory::dims padding;
};

Shapes ShapesOf(const ConvGeometry& at, std::size_t samples) {
  const ImageSize& in = at.image.size;
  const Memory::dim size = Dim(at.window.size);
  const Memory::dim channels = Dim(at.image.pixel);
  const Memory::dim outputs = Dim(at.outputs);
  return {.input = Describe({Dim(samples), channels, Dim(in.height), Dim(in.width)}, Tag::nhwc),
          .weights = Describe({outputs, channels, size, size}, Tag::any),
          .output = Describe({Dim(samples), outputs, Dim(at.places.height), Dim(at.places.width)},
                             Tag::nhwc),
          .strides = {Dim(at.window.stride), Dim(at.window.stride)},
          .padding = {Dim(at.window.padding), Dim(at.window.padding)}};
}

// Versions 2 and 3 of the library differ in how a primitive is described.
dnnl::convolution_forward::primitive_desc ForwardDesc(const Shapes& at) {
  constexpr auto kKind = dnnl::prop_kind::forward_training;
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {TheLibrary().engine, kKind,      kDirect,    at.input,  at.weights,
          at.output,           at.strides, at.padding, at.padding};
#else
  return {{kKind, kDirect, at.input, at.weights, at.output, at.strides, at.padding, at.padding},
          TheLibrary().engine};
#endif
}

// Of the gradient of the weights or of the input.
template <class Primitive>
typename Primitive::primitive_desc GradientDesc(
    const Shapes& at, const dnnl::convolution_forward::primitive_desc& forward) {
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {TheLibrary().engine, kDirect,    at.input,   at.weights, at.output,
          at.strides,          at.padding, at.padding, forward};
#else
  return {{kDirect, at.input, at.weights, at.output, at.strides, at.padding, at.padding},
          TheLibrary().engine,
          forward};
#endif
}

using PrimitiveArguments = std::unordered_map<int, Memory>;

// Memory that is somebody else's.
Memory On(const Memory::desc& desc, const float* floats) {
  return {desc, TheLibrary().engine, const_cast<float*>(floats)};  // only outputs are written
}

void Execute(const dnnl::primitive& primitive, const PrimitiveArguments& arguments) {
  primitive.execute(TheLibrary().stream, arguments);
  TheLibrary().stream.wait();
}

void AddTo(const Memory& part, const Memory& sum) {
  AddElements(sum.get_desc().get_size() / sizeof(float),
              static_cast<const float*>(part.get_data_handle()),
              static_cast<float*>(sum.get_data_handle()));
}

}  // namespace

// One of the three products for a number of samples, with weights in the order it likes best.
struct Convolution::Kernels {
  Kernels(const ConvGeometry& geometry, std::size_t samples, bool has_input_gradient)
      : Kernels(ShapesOf(geometry, samples), has_input_gradient) {}

  Kernels(const Shapes& shapes, bool has_input_gradient)
      : forward_desc(ForwardDesc(shapes)),
        weight_desc(GradientDesc<dnnl::convolution_backward_weights>(shapes, forward_desc)),
        forward(forward_desc),
        weight_gradient(weight_desc),
        forward_weights(forward_desc.weights_desc(), TheLibrary().engine),
        weight_sum(weight_desc.diff_weights_desc(), TheLibrary().engine),
        weight_part(weight_desc.diff_weights_desc(), TheLibrary().engine) {
    if (!has_input_gradient) return;
    input_desc = GradientDesc<dnnl::convolution_backward_data>(shapes, forward_desc);
    input_gradient = dnnl::convolution_backward_data(*input_desc);
    input_weights = Memory(input_desc->weights_desc(), TheLibrary().engine);
  }

  dnnl::convolution_forward::primitive_desc forward_desc;
  dnnl::convolution_backward_weights::primitive_desc weight_desc;
  std::optional<dnnl::convolution_backward_data::primitive_desc> input_desc;
  dnnl::convolution_forward forward;
  dnnl::convolution_backward_weights weight_gradient;
  dnnl::convolution_backward_data input_gradient;
  Memory forward_weights;
  Memory weight_sum;
  Memory weight_part;  // of one sample
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
        desc_(Describe({Dim(outputs_), Dim(pixel_), Dim(at.window.size), Dim(at.window.size)},
                       Tag::hwio)) {}

  void Arrange(const float* weights, Memory& target) {
    ForEachTap([&](std::size_t own, std::size_t padded, std::size_t floats) {
      std::copy_n(weights + own, floats, padded_.data() + padded);
    });
    Reorder(On(desc_, padded_.empty() ? weights : padded_.data()), target);
  }

  void Restore(const Memory& gradient, float* sum) {
    Reorder(gradient, On(desc_, padded_.empty() ? sum : padded_.data()));
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

  static void Reorder(Memory from, Memory to) {
    dnnl::reorder(from, to).execute(TheLibrary().stream, from, to);
  }

  std::size_t channels_;
  std::size_t pixel_;
  std::size_t outputs_;
  std::size_t taps_;
  std::vector<float> padded_;  // rows of padding stay zero; empty where there are none
  Memory::desc desc_;
};

Convolution::Convolution(const ConvGeometry& geometry, bool has_input_gradient)
    : geometry_(geometry), weights_(std::make_unique<Weights>(geometry)) {
  const ImageLayout& image = geometry.image;
  try {
    one_ = std::make_unique<Kernels>(geometry, 1, has_input_gradient);
    const bool is_dense = image.sample == image.size.Pixels() * image.pixel;
    if (geometry.batch > 1 && is_dense) {
      batch_ = std::make_unique<Kernels>(geometry, geometry.batch, has_input_gradient);
    }
  } catch (const dnnl::error& problem) {
    throw Error(
        fmt::format("no convolution of {0} x {0} over {1} x {2} pixels: {3}", geometry.window.size,
                    image.size.height, image.size.width, problem.what()),
        "model.layers", "use another window");
  }
}

Convolution::~Convolution() = default;

// Calls function(kernels, first input, first output) for the whole batch, or for each sample.
template <class Function>
void Convolution::ForEachPiece(std::size_t samples, Function function) const {
  if (batch_ != nullptr && samples == geometry_.batch) return function(*batch_, 0, 0);
  const std::size_t output = geometry_.places.Pixels() * geometry_.outputs;
  for (std::size_t i = 0; i < samples; ++i) {
    function(*one_, i * geometry_.image.sample, i * output);
  }
}

void Convolution::Forward(std::size_t samples, const float* weights, const float* input,
                          float* output) const {
  bool is_arranged = false;
  ForEachPiece(samples, [&](Kernels& kernels, std::size_t in, std::size_t out) {
    if (!is_arranged) weights_->Arrange(weights, kernels.forward_weights);
    is_arranged = true;
    Execute(kernels.forward, {{DNNL_ARG_SRC, On(kernels.forward_desc.src_desc(), input + in)},
                              {DNNL_ARG_WEIGHTS, kernels.forward_weights},
                              {DNNL_ARG_DST, On(kernels.forward_desc.dst_desc(), output + out)}});
  });
}

void Convolution::WeightGradient(std::size_t samples, const float* input,
                                 const float* output_gradient, float* gradient) const {
  Memory sum;
  ForEachPiece(samples, [&](Kernels& kernels, std::size_t in, std::size_t out) {
    const bool is_first = !sum;
    const Memory& part = is_first ? kernels.weight_sum : kernels.weight_part;
    Execute(kernels.weight_gradient,
            {{DNNL_ARG_SRC, On(kernels.weight_desc.src_desc(), input + in)},
             {DNNL_ARG_DIFF_DST, On(kernels.weight_desc.diff_dst_desc(), output_gradient + out)},
             {DNNL_ARG_DIFF_WEIGHTS, part}});
    if (is_first) sum = part;
    if (!is_first) AddTo(part, sum);
  });
  weights_->Restore(sum, gradient);
}

void Convolution::InputGradient(std::size_t samples, const float* weights,
                                const float* output_gradient, float* input_gradient) const {
  bool is_arranged = false;
  ForEachPiece(samples, [&](Kernels& kernels, std::size_t in, std::size_t out) {
    if (!is_arranged) weights_->Arrange(weights, kernels.input_weights);
    is_arranged = true;
    Execute(kernels.input_gradient,
            {{DNNL_ARG_DIFF_DST, On(kernels.input_desc->diff_dst_desc(), output_gradient + out)},
             {DNNL_ARG_WEIGHTS, kernels.input_weights},
             {DNNL_ARG_DIFF_SRC, On(kernels.input_desc->diff_src_desc(), input_gradient + in)}});
  });
}

}  // namespace ddl
