// SPDX-License-Identifier: Apache-2.0
#include <type_traits>
#include <variant>

#include "trainer/model.h"

namespace ddl {

std::size_t CountWeights(const Model& model) {
  std::size_t count = 0;
  ForEachParameter(model.stages, [&count](const Parameter& parameter) {
    count += parameter.value.rows * parameter.value.cols;
  });
  return count;
}

double StepFlops(const Model& model) {
  double products = 0.0;
  for (const Stage& stage : model.stages) {
    products += std::visit(
        [&](const auto& kind) {
          if constexpr (HasProducts<std::decay_t<decltype(kind)>>) {
            return kind.StepFlops(model.shape.batch);
          } else {
            return 0.0;
          }
        },
        stage);
  }
  return products;
}

}  // namespace ddl
