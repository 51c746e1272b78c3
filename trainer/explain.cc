// SPDX-License-Identifier: Apache-2.0
#include "trainer/explain.h"

#include <fmt/format.h>

#include "trainer/gemm.h"
#include "trainer/training.h"

namespace ddl {

namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

std::string Totals(const Plan& plan) {
  const Model& model = plan.Compiled();
  return fmt::format(
      "{} weights; arena of {} lane{}, {:.2f} MiB, of which a checkpoint holds {:.2f} MiB a lane\n"
      "{:.1f} MFLOP a step of {} rows; {}\n",
      CountWeights(model), plan.Lanes(), plan.Lanes() == 1 ? "" : "s",
      static_cast<double>(plan.ArenaBytes()) / kMebibyte,
      static_cast<double>(model.state_floats * sizeof(float)) / kMebibyte, StepFlops(model) / 1e6,
      model.shape.batch, DescribeArithmetic());
}

std::string TensorLine(const NamedTensor& named) {
  const Tensor& tensor = named.tensor;
  const std::string shape = fmt::format("{} x {}", tensor.rows, tensor.cols);
  return fmt::format("  {:<20} {:>14}  stride {:>6}  offset {:>10}\n", named.name, shape,
                     tensor.Stride(), tensor.offset);
}

}  // namespace

std::string Explain(const Plan& plan) {
  std::string text = Totals(plan);
  text += "a step is these calls, each over all lanes:\n";
  for (const Call& call : plan.StepCalls()) {
    text += call.number == 0 ? fmt::format("  {}\n", call.what)
                             : fmt::format("  {} {} {}\n", call.what, call.stage, call.number);
  }
  text += "a lane of the arena, in floats:\n";
  for (const NamedTensor& named : plan.Compiled().layout.Tensors()) {
    text += TensorLine(named);
  }
  return text;
}

std::string Explain(const TrainerConfig& config, const TrainingBatches& batches) {
  return Explain(Plan(ShapeOf(config, batches), {LaneOf(config, batches)}));
}

}  // namespace ddl
