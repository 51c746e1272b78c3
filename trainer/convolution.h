// SPDX-License-Identifier: Apache-2.0
// The second door to the matrix library (oneDNN): convolutions over images whose channels lie side
// by side. Kernels are generated when an object is made, which costs some milliseconds.
#pragma once

#include <cstddef>
#include <memory>

#include "trainer/image.h"

namespace ddl {

struct ConvGeometry {
  std::size_t batch = 1;  // samples that are taken at a time where there are so many
  ImageLayout image;      // of the input
  Window window;
  ImageSize places;          // of the output
  std::size_t outputs = 16;  // channels of the output, padding included
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

  // output[samples, places, outputs] = convolution of input
  void Forward(std::size_t samples, const float* weights, const float* input, float* output) const;
  // gradient of the weights, summed over the samples
  void WeightGradient(std::size_t samples, const float* input, const float* output_gradient,
                      float* gradient) const;
  // input_gradient, overwritten
  void InputGradient(std::size_t samples, const float* weights, const float* output_gradient,
                     float* input_gradient) const;

 private:
  struct Kernels;
  class Weights;

  template <class Function>
  void ForEachPiece(std::size_t samples, Function function) const;

  ConvGeometry geometry_;
  std::unique_ptr<Weights> weights_;  // as the user has them, padded
  std::unique_ptr<Kernels> one_;      // for a sample
  std::unique_ptr<Kernels> batch_;    // for a batch; none where samples do not lie side by side
};

}  // namespace ddl
