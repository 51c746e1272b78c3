// SPDX-License-Identifier: Apache-2.0
#include "trainer/explain.h"

#include <fmt/format.h>

#include "trainer/accounting.h"
#include "trainer/cuda/gpu_memory.h"
#include "trainer/cuda/gpu_program.h"
#include "trainer/cuda/gpu_team.h"
#include "trainer/cuda/operation_bytes.h"
#include "trainer/gemm.h"
#include "trainer/probe.h"
#include "trainer/training.h"

namespace ddl {

namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;
constexpr double kMega = 1e6;

std::string Totals(const Plan& plan) {
  const Model& model = plan.Compiled();
  const StepCost cost = CostOf(model);
  return fmt::format(
      "{} weights; arena of {} lane{}, {:.2f} MiB, of which a checkpoint holds {:.2f} MiB a lane\n"
      "{:.1f} MFLOP and {:.1f} MiB read or written in a step of {} rows; {}\n",
      CountWeights(model), plan.Lanes(), plan.Lanes() == 1 ? "" : "s",
      static_cast<double>(plan.ArenaBytes()) / kMebibyte,
      static_cast<double>(model.state_floats * sizeof(float)) / kMebibyte, cost.flops / kMega,
      cost.bytes / kMebibyte, model.shape.batch, DescribeArithmetic(model.shape.precision));
}

std::string ShapeOf(const Flow& flow) {
  return flow.places == 1 ? fmt::format("{}", flow.Width())
                          : fmt::format("{} x {}", flow.places, flow.Width());
}

// Which of the library's kernels a stage multiplies with; what is not listed multiplies nothing.
std::string ProductsOf(const Stage& stage) {
  if (const auto* conv = std::get_if<ConvStage>(&stage)) return conv->products->Describe();
  if (std::holds_alternative<AttentionStage>(stage)) return "sgemm";
  const auto* dense = std::get_if<DenseStage>(&stage);
  if (dense == nullptr) return "";
  return dense->copies.products == nullptr ? "sgemm" : "matmul of bf16";
}

std::string StageLine(const Model& model, std::size_t number, const Stage& stage) {
  const std::string output = std::visit(
      [](const auto& kind) {
        if constexpr (requires { kind.pool; }) {
          return ShapeOf(kind.pool ? kind.pool->output : kind.output);
        } else if constexpr (requires { kind.output; }) {
          return ShapeOf(kind.output);
        } else {
          return ShapeOf(kind.input);
        }
      },
      stage);
  const StepCost cost = CostOf(model, stage);
  std::string line = fmt::format("  {:>3} {:<12} {:>12} {:>10.2f}", number, NameOf(stage), output,
                                 cost.flops / kMega);
  if (!model.shape.is_of_gpu) {
    line += fmt::format(" {:>9.3f}  {}", cost.bytes / kMebibyte, ProductsOf(stage));
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
}

// What a sample is behind each stage, and what a step costs there. On a GPU stages share their
// passes over memory, which are counted of the whole step alone.
std::string StageTable(const Model& model) {
  std::string text = fmt::format("  {:>3} {:<12} {:>12} {:>10}", "", "stage", "a sample", "MFLOP");
  text += model.shape.is_of_gpu ? "\n" : fmt::format(" {:>9}  {}\n", "MiB", "products by");
  for (std::size_t i = 0; i < model.stages.size(); ++i) {
    text += StageLine(model, i + 1, model.stages[i]);
  }
  return text;
}

// No step can be faster.
std::string LimitLine(const StepCost& cost, double limit_flops) {
  if (limit_flops <= 0.0) {
    return "the limit of this machine is not known: ddl doctor --bench measures it\n";
  }
  return fmt::format("at the measured {:.1f} GFLOP/s a step takes {:.0f} us at least\n",
                     limit_flops / kGiga, cost.flops / limit_flops * kMega);
}

std::string TensorLine(const NamedTensor& named) {
  const Tensor& tensor = named.tensor;
  const std::string shape = fmt::format("{} x {}", tensor.rows, tensor.cols);
  return fmt::format("  {:<20} {:>14}  stride {:>6}  offset {:>10}\n", named.name, shape,
                     tensor.Stride(), tensor.offset);
}

}  // namespace

std::string Explain(const Plan& plan, double limit_flops) {
  const Model& model = plan.Compiled();
  std::string text = Totals(plan);
  text += LimitLine(CostOf(model), limit_flops);
  text += StageTable(model);
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

// A lane of a GPU, whose memory is known before any of it is taken.
std::string ExplainGpu(const TrainerConfig& config, const TrainingBatches& batches) {
  constexpr std::size_t kManyLanes = 64;
  const ModelShape shape = ShapeOf(config, batches);
  const Model model = BuildModel(GpuShape(shape));
  const StepBytes moved = CountStepBytes(
      model, config.has_tf32 ? ProductPrecision::kTensorFloat32 : ProductPrecision::kFloat32);
  std::string text = fmt::format(
      "{} weights, of which a checkpoint holds {:.2f} MiB with what the optimizer keeps\n"
      "{:.1f} MFLOP and {:.1f} MiB read or written in a step of {} rows, in {} operations\n",
      CountWeights(model), static_cast<double>(model.state_floats * sizeof(float)) / kMebibyte,
      StepFlops(model) / kMega, moved.bytes / kMebibyte, shape.batch, moved.operations);
  const GpuDataShape data =
      batches.resident ? ShapeOf(DataFrom(*batches.resident->data, batches.resident->affine))
                       : GpuDataShape{.is_handed_over = true};
  const GpuMemory memory = CountGpuMemory(shape, data, StretchFor(shape, data.is_handed_over));
  text += fmt::format("on a GPU: {}\n          {}\n", DescribeGpuMemory(memory, 1),
                      DescribeGpuMemory(memory, kManyLanes));
  return text + StageTable(model);
}

std::string Explain(const TrainerConfig& config, const TrainingBatches& batches,
                    double limit_flops) {
  if (config.device == DeviceKind::kGpu) return ExplainGpu(config, batches);
  return Explain(Plan(ShapeOf(config, batches), {LaneOf(config, batches)}), limit_flops);
}

}  // namespace ddl
