// SPDX-License-Identifier: Apache-2.0
// The second door to the matrix library (oneDNN): convolutions over images whose channels lie side
// by side. Kernels are generated when an object is made, which costs some milliseconds.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "trainer/bfloat16.h"
#include "trainer/image.h"

namespace ddl {

struct ConvGeometry {
  ImageLayout image;  // of the input
  Window window;
  ImageSize places;          // of the output
  std::size_t outputs = 16;  // channels of the output, padding included
  Precision precision = Precision::kFloat32;
};

// Samples that are worked on together. How many depends on the geometry alone: their images stay in
// a core's own cache from one product to the next.
struct ConvPiece {
  std::size_t first = 0;  // place of the output, of all samples
  std::size_t places = 0;
};

// Called for each piece, in order.
using ConvPieceWork = std::function<void(const ConvPiece&)>;

struct ConvGradients {
  const float* weights = nullptr;
  const float* input = nullptr;
  const float* output_gradient = nullptr;
  float* weight_gradient = nullptr;
  float* input_gradient = nullptr;  // overwritten; null where nobody wants it
};

// The three products of a convolution, by one thread at a time. Weights and their gradient are
// [size, size, channels, outputs]. The same call with the same numbers gives the same bits.
class Convolution {
 public:
  // Throws Error where the library has no kernel.
  Convolution(const ConvGeometry& geometry, bool has_input_gradient);
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;
  ~Convolution();

  // output[samples, places, outputs] = convolution of input; `then` follows each piece.
  void Forward(std::size_t samples, const float* weights, const float* input, float* output,
               const ConvPieceWork& then) const;
  // Gradients of the weights, summed over the samples, and of the input. `before` each piece its
  // gradient of the output is completed.
  void Backward(std::size_t samples, const ConvGradients& at, const ConvPieceWork& before) const;

  // The library's names of its kernels: forward, gradient of weights, of the input.
  [[nodiscard]] std::string Describe() const;

 private:
  struct Kernels;
  class Weights;
  class Rounding;

  template <class Function>
  void ForEachPiece(std::size_t samples, Function function) const;

  ConvGeometry geometry_;
  std::size_t piece_;                   // samples
  std::unique_ptr<Weights> weights_;    // as the user has them, padded
  std::unique_ptr<Rounding> rounding_;  // copies of a piece in bfloat16; none with float32
  std::unique_ptr<Kernels> one_;        // for a sample
  std::unique_ptr<Kernels> several_;    // for a piece; none where samples do not lie side by side
};

}  // namespace ddl
