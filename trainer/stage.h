// SPDX-License-Identifier: Apache-2.0
// Every kind of stage there is. A stage is a description with Forward and Backward beside it, and,
// where it differs from Forward, Evaluate; a weight gradient of its own where it has weights that
// are worth fusing.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "trainer/attention.h"
#include "trainer/batch_norm.h"
#include "trainer/branch.h"
#include "trainer/conv.h"
#include "trainer/dense.h"
#include "trainer/dropout.h"
#include "trainer/embed.h"
#include "trainer/flatten.h"
#include "trainer/layer_norm.h"
#include "trainer/pool.h"

namespace ddl {

using Stage =
    std::variant<DenseStage, ConvStage, BatchNormStage, PoolStage, FlattenStage, DropoutStage,
                 ForkStage, AddStage, EmbedStage, LayerNormStage, AttentionStage>;

[[nodiscard]] inline const char* NameOf(const Stage& stage) {
  const auto* conv = std::get_if<ConvStage>(&stage);
  if (conv != nullptr && conv->pool) return "conv+pool";
  return std::visit([](const auto& kind) { return kind.kName; }, stage);
}

// Most stages do the same with and without training.
template <class Kind>
void Evaluate(const Kind& stage, const LaneRun& run) {
  Forward(stage, run);
}

// The same stage on the moving averages of its weights, where they are kept.
template <class Kind>
Kind OnAverages(Kind stage) {
  const auto move = [](ModelParameter& parameter) {
    if (!parameter.average.IsEmpty()) parameter.value = parameter.average;
  };
  if constexpr (requires { stage.weight; }) {
    move(stage.weight);
    move(stage.bias);
  }
  if constexpr (requires { stage.scale; }) {
    move(stage.scale);
    move(stage.shift);
  }
  if constexpr (requires { stage.table; }) {
    move(stage.table);
    move(stage.positions);
  }
  return stage;
}

// A stage whose weights can be updated strip by strip: WeightGradient and FusedUpdate.
template <class Kind>
concept HasWeightGradient = requires(const Kind& stage, const LaneRun& run) {
  WeightGradient(stage, run);
  FusedUpdate(stage, run);
};

// Calls function(const ModelParameter&) for every parameter, stage by stage.
template <class Function>
void ForEachParameter(const std::vector<Stage>& stages, Function function) {
  for (const Stage& stage : stages) {
    std::visit(
        [&](const auto& kind) {
          for (const ModelParameter* parameter : kind.Parameters()) {
            if (!parameter->value.IsEmpty()) function(*parameter);
          }
        },
        stage);
  }
}

// A stage that multiplies matrices.
template <class Kind>
concept HasProducts = requires(const Kind& stage) { stage.StepFlops(std::size_t{1}); };

}  // namespace ddl
