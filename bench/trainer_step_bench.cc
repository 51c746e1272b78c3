// SPDX-License-Identifier: Apache-2.0
// One trainer on one core: samples a second of a training step, rows gathered from a data set as a
// training does, beside the arithmetic limit of the core, measured in the same rounds.
//   --model NAME     mlp (784-256-128-10, SGD with momentum; default), mlp-adam, cnn
//                    (32c3-p-64c3-p-fc128), gpt (4 blocks, 4 heads, 128 wide, context 64, batch 12,
//                    AdamW; needs tinyshakespeare.txt in DDL_DATA); batch 128 unless said
//   --bf16           precision: bf16, beside the limit of products of bfloat16
//   --rounds N       medians of so many (5) of half a second each
//   --stages         adds the time of each stage
//   --json           for programs
// The limit is the best rate of one large square product (1024^3) and of the net's own dense
// products, whichever is higher. A `samples_per_s` of gpt counts characters, as metrics do.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/accounting.h"
#include "trainer/config.h"
#include "trainer/dataset.h"
#include "trainer/gemm.h"
#include "trainer/initial_weights.h"
#include "trainer/probe.h"
#include "trainer/task.h"
#include "trainer/training.h"

namespace {

constexpr std::chrono::duration<double> kTurn = std::chrono::milliseconds(500);
constexpr ddl::ProbeProduct kSquare{.shape = {.rows = 1024, .cols = 1024, .inner = 1024}};

struct Options {
  bool json = false;
  bool stages = false;
  int rounds = 5;
  std::string model = "mlp";
  ddl::Precision precision = ddl::Precision::kFloat32;
};

// The dense products of a step: forward, gradient of inputs (not of the first layer), of weights.
std::vector<ddl::ProbeProduct> StepProducts(const ddl::Model& model) {
  std::vector<ddl::ProbeProduct> products;
  for (const ddl::Stage& stage : model.stages) {
    const auto* dense = std::get_if<ddl::DenseStage>(&stage);
    if (dense == nullptr) continue;
    const std::size_t rows = model.shape.batch * dense->output.places;
    const std::size_t inputs = dense->weight.value.rows;
    const std::size_t outputs = dense->weight.value.Stride();
    products.push_back({{rows, outputs, inputs}});
    if (!dense->input.gradient.IsEmpty()) {
      products.push_back({{rows, inputs, outputs}, false, true});
    }
    products.push_back({{inputs, outputs, rows}, true, false});
  }
  return products;
}

// Processor time of this thread: others on the machine take caches from it, and no turns.
double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double SecondsSince(double start) {
  return Seconds() - start;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

ddl::TrainerConfig ConfigOf(const std::string& model) {
  ddl::Json mapping = ddl::ParseJson(
      R"({"data": "fashion-mnist", "validation": 0, "batch_size": 128, "drop_last": true,
          "optimizer": {"type": "sgd", "momentum": 0.9, "lr": 0.05}})",
      "benchmark");
  if (model == "mlp-adam") mapping["optimizer"] = {{"type", "adam"}};
  if (model == "cnn") mapping["model"] = {{"type", "cnn"}};
  if (model == "gpt") {
    mapping["data"] = {{"type", "text"}, {"train", "tinyshakespeare.txt"}, {"context", 64}};
    mapping["model"] = {{"type", "transformer"}};
    mapping["optimizer"] = {{"type", "adamw"}};
    mapping["batch_size"] = 12;
  }
  return ddl::ReadTrainerConfig(mapping);
}

// A training's inner loop.
class Steps {
 public:
  Steps(const ddl::TrainerConfig& config, const ddl::TrainingBatches& batches)
      : config_(config),
        batches_(batches),
        order_(batches.order(0)),
        plan_(ddl::ShapeOf(config, batches), {ddl::LaneOf(config, batches)}) {
    ddl::InitialiseWeights(plan_.Compiled(), config.model.init, 0, plan_.LaneBlock(0));
  }

  [[nodiscard]] const ddl::Model& Compiled() const { return plan_.Compiled(); }

  // Samples a second, over half a second.
  double Run() {
    const double start = Seconds();
    std::size_t samples = 0;
    while (SecondsSince(start) < kTurn.count()) {
      Load();
      plan_.Step();
      samples += config_.batch_size * Compiled().targets;
    }
    return static_cast<double>(samples) / SecondsSince(start);
  }

  // Microseconds of each stage in a step, the gather among them.
  std::map<std::string, double> Stages() {
    constexpr std::size_t kSteps = 200;
    std::map<std::string, double> spent;
    for (std::size_t i = 0; i < kSteps; ++i) {
      double start = Seconds();
      Load();
      spent["gather"] += SecondsSince(start);
      for (const ddl::Call& call : plan_.StepCalls()) {
        start = Seconds();
        call.run();
        spent[fmt::format("{} {} {}", call.what, call.stage, call.number)] += SecondsSince(start);
      }
    }
    for (auto& [stage, seconds] : spent) {
      seconds *= 1e6 / kSteps;
    }
    return spent;
  }

 private:
  void Load() {
    const std::size_t step = iteration_ % (batches_.train.rows / config_.batch_size);
    batches_.train.load(order_(step * config_.batch_size, config_.batch_size), plan_.Batch(0));
    plan_.SetStep(0, config_.batch_size, ++iteration_, config_.optimizer.lr);
  }

  const ddl::TrainerConfig& config_;
  const ddl::TrainingBatches& batches_;
  ddl::RowOrder order_;
  ddl::Plan plan_;
  std::uint64_t iteration_ = 0;
};

struct Rates {
  std::vector<double> square;
  std::vector<double> shaped;
  std::vector<double> samples;
};

void Show(const Options& options, const Rates& rates, double flops_per_sample) {
  const double square = Median(rates.square);
  const double shaped = Median(rates.shaped);
  const double limit = std::max(square, shaped) / flops_per_sample;
  const double rate = Median(rates.samples);
  if (options.json) {
    fmt::print(R"({{"benchmark": "trainer step", "model": "{}", "arithmetic": "{}", )"
               R"("samples_per_s": {:.0f}, "gemm_1024_gflops": {:.1f}, )"
               R"("gemm_own_shapes_gflops": {:.1f}, "limit_samples_per_s": {:.0f}, )"
               R"("share_of_limit": {:.3f}}})"
               "\n",
               options.model, ddl::DescribeArithmetic(options.precision), rate, square / 1e9,
               shaped / 1e9, limit, rate / limit);
    return;
  }
  fmt::print("trainer step of {}, one core, {} (median of {})\n", options.model,
             ddl::DescribeArithmetic(options.precision), options.rounds);
  fmt::print("  samples/s  product 1024^3  own products  limit samples/s  share of limit\n");
  fmt::print("  {:>9.0f}  {:>10.1f} GF/s  {:>7.1f} GF/s  {:>15.0f}  {:>13.1f}%\n", rate,
             square / 1e9, shaped / 1e9, limit, 100 * rate / limit);
}

int Measure(const Options& options) {
  ddl::PinArithmetic(1);
  ddl::TrainerConfig config = ConfigOf(options.model);
  config.precision = options.precision;
  const ddl::Dataset dataset = ddl::LoadDataset(config.data, ddl::DataPathsFromEnvironment());
  const ddl::TrainingBatches batches = ddl::MakeBatches(config, dataset);
  Steps steps(config, batches);
  const ddl::Model& model = steps.Compiled();
  const std::vector<ddl::ProbeProduct> own = StepProducts(model);
  steps.Run();  // generates kernels, touches memory
  Rates rates;
  for (int round = 0; round < options.rounds; ++round) {
    rates.square.push_back(ddl::ProductRate(options.precision, {&kSquare, 1}, kTurn));
    rates.shaped.push_back(ddl::ProductRate(options.precision, own, kTurn));
    rates.samples.push_back(steps.Run());
  }
  const auto targets = static_cast<double>(config.batch_size * model.targets);
  Show(options, rates, ddl::StepFlops(model) / targets);
  if (!options.stages) return 0;
  for (const auto& [stage, microseconds] : steps.Stages()) {
    fmt::print("  {:<28} {:>8.1f} us\n", stage, microseconds);
  }
  return 0;
}

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") options.json = true;
    if (word == "--stages") options.stages = true;
    if (word == "--rounds" && i + 1 < argc) options.rounds = std::max(1, std::atoi(argv[++i]));
    if (word == "--bf16") options.precision = ddl::Precision::kBfloat16;
    if (word == "--model" && i + 1 < argc) options.model = argv[++i];
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Measure(ReadOptions(argc, argv));
  } catch (const ddl::Error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
  }
}
