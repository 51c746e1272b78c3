// SPDX-License-Identifier: Apache-2.0
// Where the tensors of a model that is being built lie: what a checkpoint holds in one region,
// activations and gradients in another behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trainer/arena.h"
#include "trainer/model.h"
#include "trainer/parameter.h"

namespace ddl {

// How numbers that pass between stages are stored on a GPU: as products take them, or in float32
// whatever those take, as what is added up from layer to layer and what the loss reads.
enum class Stored : std::uint8_t { kAsMultiplied, kWhole };
struct StoredFlow {
  Stored values = Stored::kAsMultiplied;
  Stored gradient = Stored::kAsMultiplied;
};

class ModelMemory {
 public:
  // `scratch_start`: where the second region begins, which the first pass over a model tells.
  ModelMemory(const ModelShape& shape, std::size_t scratch_start);

  // The stage with weights that names and random numbers are for from now on: 0, 1, …
  [[nodiscard]] std::size_t Number() const { return number_; }
  void NextNumber() { ++number_; }

  [[nodiscard]] Tensor State(const char* name, std::size_t rows, std::size_t cols);
  [[nodiscard]] Tensor Scratch(const char* name, std::size_t rows, std::size_t cols);
  // Empty like an empty one.
  [[nodiscard]] Tensor ScratchLike(const char* name, const Tensor& other);
  // A row for each place of all samples; of a training step's.
  [[nodiscard]] Tensor Values(const char* name, std::size_t places, std::size_t width,
                              Stored stored);
  [[nodiscard]] Tensor Gradient(const char* name, std::size_t places, std::size_t width,
                                Stored stored);
  // In bfloat16, of what is not stored as such.
  [[nodiscard]] DenseCopies CopiesOf(const DenseStage& stage);
  // The same of weights that a GPU's tiles read; else empty.
  [[nodiscard]] Tensor RoundedOf(const ModelParameter& weight);

  // A parameter's value with the optimizer's tensors, and its gradient unless it is a weight, whose
  // gradient may not be wanted as a whole.
  [[nodiscard]] ModelParameter MakeParameter(ParameterRole role, const char* name, std::size_t rows,
                                             std::size_t cols);
  // The same of a matrix that muon moves: one tensor of its state, and the whole gradient.
  [[nodiscard]] ModelParameter MakeMatrix(const char* name, std::size_t rows, std::size_t cols);
  [[nodiscard]] Tensor GradientOf(const ModelParameter& parameter, const char* name);

  [[nodiscard]] std::size_t Rows() const { return rows_; }
  [[nodiscard]] std::size_t StateFloats() const { return state_.Floats(); }
  // Of both regions.
  [[nodiscard]] LaneLayout Layout() const;

 private:
  [[nodiscard]] ModelParameter Make(ParameterRole role, const char* name, const Tensor& shape,
                                    int state_tensors);
  [[nodiscard]] std::string Numbered(const char* name) const;
  [[nodiscard]] bool IsBfloat16(Stored stored) const {
    return are_rounded_ && stored == Stored::kAsMultiplied;
  }

  bool are_rounded_;  // where products are of bfloat16
  std::size_t batch_;
  std::size_t rows_;
  int state_tensors_;
  bool keeps_average_;
  LaneLayout state_;
  LaneLayout scratch_;
  std::size_t number_ = 0;
};

}  // namespace ddl
