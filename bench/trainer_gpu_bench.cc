// SPDX-License-Identifier: Apache-2.0
// Model steps a second on one GPU: an MLP 784-256-128-10, batch 128, Adam, whose rows of bytes lie
// in its memory; for each number of lanes, each precision of products, and bias, activation and
// update done by products themselves or apart from them, medians of rounds of half a second. Beside
// them bytes and arithmetic of a step on paper, and what of both was reached.
//   --gpu N      counted from 0 (0)
//   --lanes A,B  how many side by side (1,8,64)
//   --rounds N   (5)
//   --json       for programs
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"
#include "trainer/accounting.h"
#include "trainer/cuda/cuda_library.h"
#include "trainer/cuda/gpu_plan.h"
#include "trainer/cuda/gpu_program.h"
#include "trainer/initial_weights.h"

namespace {

constexpr std::size_t kRows = 60'000;
constexpr std::size_t kFeatures = 784;
constexpr std::size_t kBatch = 128;
constexpr std::chrono::duration<double> kTurn = std::chrono::milliseconds(500);

struct Options {
  std::size_t gpu = 0;
  std::vector<std::size_t> lanes{1, 8, 64};
  int rounds = 5;
  bool json = false;
};

struct Rows {
  Rows() : bytes(kRows * kFeatures), labels(kRows) {
    std::mt19937 random(1);
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>(random());
    for (std::size_t row = 0; row < kRows; ++row)
      labels[row] = static_cast<std::int32_t>(row % 10);
  }
  [[nodiscard]] ddl::GpuData Data() const {
    return {.train = {.features = std::span<const std::uint8_t>(bytes), .labels = labels},
            .features = kFeatures,
            .affine = {{127.5F}, {1.0F / 73.0F}}};
  }
  std::vector<std::uint8_t> bytes;
  std::vector<std::int32_t> labels;
};

// Of one line of the report.
struct Variant {
  ddl::ProductPrecision precision = ddl::ProductPrecision::kFloat32;
  bool finishes_apart = false;

  [[nodiscard]] const char* Products() const {
    return precision == ddl::ProductPrecision::kFloat32 ? "fp32" : "tf32";
  }
  [[nodiscard]] const char* Finishes() const { return finishes_apart ? "apart" : "in products"; }
};
constexpr Variant kVariants[] = {
    {.precision = ddl::ProductPrecision::kFloat32},
    {.precision = ddl::ProductPrecision::kFloat32, .finishes_apart = true},
    {.precision = ddl::ProductPrecision::kTensorFloat32},
    {.precision = ddl::ProductPrecision::kTensorFloat32, .finishes_apart = true}};

ddl::GpuPlanSettings Settings(std::size_t lanes, const Variant& variant) {
  ddl::GpuPlanSettings settings{
      .shape = {.batch = kBatch,
                .evaluation_batch = kBatch,
                .features = kFeatures,
                .classes = 10,
                .layers = ddl::DenseLayers({256, 128}, ddl::Activation::kRelu, false),
                .finishes_apart = variant.finishes_apart,
                .state_tensors = 2},
      .lanes = {},
      .precision = variant.precision};
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    settings.lanes.push_back(
        {.seed = lane, .optimizer = {.kind = ddl::OptimizerKind::kAdam, .lr = 1e-3}});
  }
  return settings;
}

// Model steps a second of one round; stretches are prepared while the one before runs.
double Round(ddl::GpuPlan& plan, const std::vector<ddl::LaneBatch>& batches) {
  const auto start = std::chrono::steady_clock::now();
  std::chrono::duration<double> spent{};
  std::size_t steps = 0;
  while (spent < kTurn) {
    plan.Train(batches);
    steps += batches.size();
    (void)plan.Scores();
    spent = std::chrono::steady_clock::now() - start;
  }
  return static_cast<double>(steps) / spent.count();
}

double Measure(const ddl::CudaLibrary& library, const Options& options,
               const ddl::GpuPlanSettings& settings, const Rows& rows) {
  const auto device = library.Open(options.gpu);
  ddl::GpuPlan plan(*device, settings, rows.Data());
  for (std::size_t lane = 0; lane < settings.lanes.size(); ++lane) {
    std::vector<float> block(plan.Compiled().layout.Floats());
    ddl::InitialiseWeights(plan.Compiled(), ddl::Initialisation::kUniform, lane, block.data());
    plan.SetState(lane, std::span(block).first(plan.Compiled().state_floats));
  }
  std::vector<std::uint32_t> order(kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    order[i] = static_cast<std::uint32_t>((i * 7919) % kRows);
  std::vector<ddl::LaneBatch> batches;
  for (std::size_t i = 0; i < plan.Stretch() * plan.Lanes(); ++i) {
    const std::size_t first = i * 131 % (kRows - kBatch);
    batches.push_back({.rows = std::span(order).subspan(first, kBatch),
                       .step = 1 + i / plan.Lanes(),
                       .lr = 1e-3});
  }
  (void)Round(plan, batches);
  std::vector<double> rates;
  for (int round = 0; round < options.rounds; ++round)
    rates.push_back(Round(plan, batches));
  std::ranges::sort(rates);
  return rates[rates.size() / 2];
}

// On paper: a gradient that moves its weights at once is neither written nor read.
ddl::StepCost CostOf(const ddl::ModelShape& shape) {
  const ddl::Model model = ddl::BuildModel(ddl::GpuShape(shape));
  ddl::StepCost cost = ddl::CostOf(model);
  for (const ddl::Stage& stage : model.stages) {
    const auto* dense = std::get_if<ddl::DenseStage>(&stage);
    if (dense == nullptr || !ddl::MovesInProduct(model, *dense)) continue;
    cost.bytes -= 2.0 * static_cast<double>(dense->weight.value.Floats() * sizeof(float));
  }
  return cost;
}

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--json") {
      options.json = true;
    } else if (word == "--gpu" && has_value) {
      options.gpu = std::stoul(argv[++i]);
    } else if (word == "--rounds" && has_value) {
      options.rounds = std::max(1, std::stoi(argv[++i]));
    } else if (word == "--lanes" && has_value) {
      options.lanes.clear();
      std::stringstream list(argv[++i]);
      for (std::string one; std::getline(list, one, ',');)
        options.lanes.push_back(std::stoul(one));
    } else {
      throw ddl::Error(fmt::format("unknown argument {}", word), "",
                       "say --gpu N, --lanes A,B, --rounds N, --json");
    }
  }
  return options;
}

void Run(const Options& options) {
  const ddl::CudaLibrary library(DDL_BINARY_DIR "/libddl_cuda.so");
  const std::vector<ddl::CudaGpuFacts> gpus = library.Devices();
  if (options.gpu >= gpus.size()) {
    throw ddl::Error(fmt::format("GPU {} of {}", options.gpu, gpus.size()), "--gpu",
                     "count from 0");
  }
  const ddl::CudaGpuFacts gpu = gpus[options.gpu];
  const Rows rows;
  if (!options.json) fmt::print("{}, {}, driver for CUDA {}\n", gpu.name, gpu.uuid, gpu.driver);
  for (const Variant& variant : kVariants) {
    for (const std::size_t lanes : options.lanes) {
      const ddl::GpuPlanSettings settings = Settings(lanes, variant);
      const double rate = Measure(library, options, settings, rows);
      const ddl::StepCost cost = CostOf(settings.shape);
      if (options.json) {
        const ddl::Json line{{"gpu", gpu.name},
                             {"products", variant.Products()},
                             {"finishes", variant.Finishes()},
                             {"lanes", lanes},
                             {"model_steps_per_s", rate},
                             {"bytes_per_step", cost.bytes},
                             {"flops_per_step", cost.flops}};
        fmt::print("{}\n", ddl::DumpJson(line));
        continue;
      }
      fmt::print(
          "{:>4} lanes, {}, finishes {}: {:>10.0f} model steps/s, {:>6.0f} GB/s, {:>8.0f} GF/s\n",
          lanes, variant.Products(), variant.Finishes(), rate, rate * cost.bytes / 1e9,
          rate * cost.flops / 1e9);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Run(ReadOptions(argc, argv));
    return 0;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "trainer_gpu_bench: {}\n", problem.what());
    return 3;
  }
}
