// SPDX-License-Identifier: Apache-2.0
#include "trainer/model_memory.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

namespace ddl {

ModelMemory::ModelMemory(const ModelShape& shape, std::size_t scratch_start)
    : are_rounded_(shape.is_of_gpu && shape.precision == Precision::kBfloat16),
      batch_(shape.batch),
      rows_(std::max(shape.batch, shape.evaluation_batch)),
      state_tensors_(shape.state_tensors),
      keeps_average_(shape.keeps_average),
      scratch_(scratch_start) {}

Tensor ModelMemory::State(const char* name, std::size_t rows, std::size_t cols) {
  return state_.Add(Numbered(name), rows, cols);
}

Tensor ModelMemory::Scratch(const char* name, std::size_t rows, std::size_t cols) {
  return scratch_.Add(Numbered(name), rows, cols);
}

Tensor ModelMemory::ScratchLike(const char* name, const Tensor& other) {
  if (other.IsEmpty()) return {};
  return scratch_.Add(Numbered(name), other.rows, other.cols, other.is_bfloat16);
}

Tensor ModelMemory::Values(const char* name, std::size_t places, std::size_t width, Stored stored) {
  return scratch_.Add(Numbered(name), rows_ * places, width, IsBfloat16(stored));
}

Tensor ModelMemory::Gradient(const char* name, std::size_t places, std::size_t width,
                             Stored stored) {
  return scratch_.Add(Numbered(name), batch_ * places, width, IsBfloat16(stored));
}

DenseCopies ModelMemory::CopiesOf(const DenseStage& stage) {
  const auto copy = [this](const char* name, const Tensor& of) {
    return of.is_bfloat16 ? Tensor{} : scratch_.Add(Numbered(name), of.rows, of.cols, true);
  };
  return {.input = copy("input.bf16", stage.input.values),
          .weight = copy("weight.bf16", stage.weight.value),
          .bias = stage.pre.is_bfloat16 ? copy("bias.bf16", stage.bias.value) : Tensor{},
          .gradient = copy("gradient.bf16", stage.output.gradient),
          .products = std::make_shared<Bfloat16Gemm>()};
}

Tensor ModelMemory::RoundedOf(const ModelParameter& weight) {
  if (!are_rounded_) return {};
  return scratch_.Add(Numbered("weight.bf16"), weight.value.rows, weight.value.cols, true);
}

ModelParameter ModelMemory::MakeParameter(ParameterRole role, const char* name, std::size_t rows,
                                          std::size_t cols) {
  ModelParameter parameter = Make(role, name, {.rows = rows, .cols = cols}, state_tensors_);
  if (role != ParameterRole::kWeight) parameter.gradient = GradientOf(parameter, name);
  return parameter;
}

ModelParameter ModelMemory::MakeMatrix(const char* name, std::size_t rows, std::size_t cols) {
  ModelParameter parameter = Make(ParameterRole::kWeight, name, {.rows = rows, .cols = cols}, 1);
  parameter.gradient = GradientOf(parameter, name);
  return parameter;
}

ModelParameter ModelMemory::Make(ParameterRole role, const char* name, const Tensor& shape,
                                 int state_tensors) {
  const std::size_t rows = shape.rows;
  const std::size_t cols = shape.cols;
  const std::string full = Numbered(name);
  ModelParameter parameter;
  parameter.role = role;
  parameter.number = number_;
  parameter.value = state_.Add(full, rows, cols);
  if (state_tensors > 0) parameter.first = state_.Add(full + ".first", rows, cols);
  if (state_tensors > 1) parameter.second = state_.Add(full + ".second", rows, cols);
  if (keeps_average_) parameter.average = state_.Add(full + ".average", rows, cols);
  return parameter;
}

Tensor ModelMemory::GradientOf(const ModelParameter& parameter, const char* name) {
  return scratch_.Add(Numbered(name) + ".gradient", parameter.value.rows, parameter.value.cols);
}

LaneLayout ModelMemory::Layout() const {
  LaneLayout layout = state_;
  layout.Append(scratch_);
  return layout;
}

std::string ModelMemory::Numbered(const char* name) const {
  return fmt::format("{}{}", name, number_ + 1);
}

}  // namespace ddl
