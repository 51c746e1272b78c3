// SPDX-License-Identifier: Apache-2.0
// Model steps a second on one GPU, Adam, data in its memory: for each network, number of lanes and
// precision medians of rounds of half a second. Beside them bytes (operation_bytes.h) and
// arithmetic of a step on paper, and what share that is of the memory's speed, which is measured
// first: a sum of two matrices of 1 GiB.
//   --models A,B   mlp (784-256-128-10), cnn (32c3-p-64c3-p-fc128), resnet
//                  (32c3-r32-r64s2-r64-r128s2-r128-ga), gpt (6 blocks, 6 heads, 384 wide, context
//                  256) (mlp)
//   --lanes A,B    how many side by side (1,8,64)
//   --products A,B fp32, tf32, bf16 (fp32,tf32)
//   --apart        with bias, activation and update in kernels of their own
//   --streams N    the lanes are shared out to so many plans, each with a session and a thread of
//                  its own, so that the host prepares stretches of one while others run (1)
//   --gpu N        counted from 0 (0)
//   --rounds N     (5)
//   --batch N      (128; gpt 64)
//   --dropout RATE of all but the resnet, which has no place for it (0)
//   --steps N      so many steps of each and no clock, for an emulated GPU that counts
//                  (DDL_EMULATOR_REPORT; what two steps take beside one is what a step takes)
//   --library FILE (the one that was built)
//   --json         for programs
// A variant that fails is told on stderr and the others are measured, unless the GPU itself failed,
// which ends all of it; either makes the exit code 3.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"
#include "trainer/accounting.h"
#include "trainer/cuda/cuda_library.h"
#include "trainer/cuda/gpu_plan.h"
#include "trainer/cuda/gpu_rows.h"
#include "trainer/cuda/gpu_team.h"
#include "trainer/cuda/operation_bytes.h"
#include "trainer/initial_weights.h"

namespace {

constexpr std::size_t kRows = 60'000;
constexpr std::size_t kFeatures = 784;
constexpr std::size_t kContext = 256;
constexpr std::size_t kVocabulary = 65;
constexpr std::chrono::duration<double> kTurn = std::chrono::milliseconds(500);

struct Options {
  std::size_t gpu = 0;
  std::vector<std::string> models{"mlp"};
  std::vector<std::size_t> lanes{1, 8, 64};
  std::vector<std::string> products{"fp32", "tf32"};
  bool is_apart = false;
  std::size_t streams = 1;
  int rounds = 5;
  std::size_t batch = 0;  // each network's own
  double dropout = 0.0;
  std::size_t steps = 0;  // as many as fit into the time
  std::string library = DDL_BINARY_DIR "/libddl_cuda.so";
  bool json = false;
};

// Of one line of the report.
struct Variant {
  std::string model;
  std::string products;
  std::size_t lanes = 1;
};

// Bytes: pixels with labels, or tokens.
struct Rows {
  explicit Rows(bool text) : bytes(kRows * (text ? 16 : kFeatures)), labels(kRows), is_text(text) {
    std::mt19937 random(1);
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>(random() % (is_text ? kVocabulary : 256));
    for (std::size_t row = 0; row < kRows; ++row)
      labels[row] = static_cast<std::int32_t>(row % 10);
  }
  [[nodiscard]] ddl::GpuData Data() const {
    const std::span<const std::uint8_t> features(bytes);
    if (is_text) return {.train = {.features = features}, .features = kContext, .is_text = true};
    return {.train = {.features = features, .labels = labels},
            .features = kFeatures,
            .affine = {{127.5F}, {1.0F / 73.0F}}};
  }
  std::vector<std::uint8_t> bytes;
  std::vector<std::int32_t> labels;
  bool is_text;
};

std::vector<ddl::Layer> LayersOf(const std::string& model, bool has_dropout) {
  if (model == "mlp") return ddl::DenseLayers({256, 128}, ddl::Activation::kRelu, has_dropout);
  if (model == "cnn") return ddl::ParseLayers("32c3-p-64c3-p-fc128", {.has_dropout = has_dropout});
  if (model == "resnet")
    return ddl::ParseLayers("32c3-r32-r64s2-r64-r128s2-r128-ga", {.has_norm = true});
  if (model == "gpt") return ddl::TransformerLayers(6, 6, 384, has_dropout);
  throw ddl::Error(fmt::format("unknown network {}", model), "--models",
                   "say mlp, cnn, resnet or gpt");
}

ddl::ProductPrecision ProductsOf(const std::string& name) {
  if (name == "fp32") return ddl::ProductPrecision::kFloat32;
  if (name == "tf32" || name == "bf16") return ddl::ProductPrecision::kTensorFloat32;
  throw ddl::Error(fmt::format("unknown products {}", name), "--products",
                   "say fp32, tf32 or bf16");
}

ddl::GpuPlanSettings Settings(const Options& options, const Variant& variant) {
  const bool is_text = variant.model == "gpt";
  const std::size_t own_batch = is_text ? 64 : 128;
  const std::size_t batch = options.batch == 0 ? own_batch : options.batch;
  ddl::GpuPlanSettings settings{
      .shape = {.batch = batch,
                .evaluation_batch = batch,
                .features = is_text ? kContext : kFeatures,
                .classes = is_text ? kVocabulary : 10,
                .layers = LayersOf(variant.model, options.dropout > 0.0),
                .precision = variant.products == "bf16" ? ddl::Precision::kBfloat16
                                                        : ddl::Precision::kFloat32,
                .finishes_apart = options.is_apart,
                .state_tensors = 2},
      .lanes = {},
      .precision = ProductsOf(variant.products)};
  if (!is_text) settings.shape.image = ddl::ImageShape{.size = {.height = 28, .width = 28}};
  settings.stretch = options.steps > 0 ? 1 : ddl::StretchFor(settings.shape, false);
  for (std::size_t lane = 0; lane < variant.lanes; ++lane) {
    settings.lanes.push_back({.seed = lane,
                              .optimizer = {.kind = ddl::OptimizerKind::kAdam, .lr = 1e-3},
                              .dropout = options.dropout});
  }
  return settings;
}

// Bytes a second of a sum of two matrices of `floats` each.
double MeasureMemory(ddl::GpuDevice& device, std::size_t floats) {
  constexpr int kTimes = 20;
  ddl::JoinBody body{
      .blocks = ddl::BlocksFor(floats / ddl::kFour, ddl::JoinBody::kThreads),
      .arena = {.floats = ddl::AllocateOn<float>(device, 3 * floats), .lane_floats = 3 * floats},
      .a = 0,
      .b = floats,
      .out = 2 * floats,
      .numbers = floats};
  const std::vector<ddl::Operation> operations{body};
  const std::size_t program = device.Compile(operations, 1);
  device.Launch(program, 1);
  device.Wait();
  const auto start = std::chrono::steady_clock::now();
  device.Launch(program, kTimes);
  device.Wait();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  return kTimes * 3.0 * static_cast<double>(floats * sizeof(float)) / spent.count();
}

// Some of the lanes: a plan with a session of its own, for one thread at a time. Each stretch is
// prepared, launched and waited for; what runs meanwhile is of other streams.
class Stream {
 public:
  // Device memory of `rows` and the order outlive it.
  Stream(std::unique_ptr<ddl::GpuDevice> device, const ddl::GpuPlanSettings& settings,
         const ddl::GpuRows& rows, const ddl::Affine& affine, std::span<const std::uint32_t> order)
      : device_(std::move(device)), plan_(*device_, settings, rows, affine.mean.size()) {
    for (std::size_t lane = 0; lane < settings.lanes.size(); ++lane) {
      const ddl::LaneSettings& own = settings.lanes[lane];
      std::vector<float> block(plan_.Compiled().layout.Floats());
      ddl::InitialiseWeights(plan_.Compiled(), ddl::Initialisation::kUniform, own.seed,
                             block.data());
      plan_.SetLane(lane, own, affine);
      plan_.SetState(lane, std::span(block).first(plan_.Compiled().state_floats));
    }
    const std::size_t batch = settings.shape.batch;
    for (std::size_t i = 0; i < plan_.Stretch() * plan_.Lanes(); ++i) {
      const std::size_t first = i * 131 % (order.size() - batch);
      batches_.push_back(
          {.rows = order.subspan(first, batch), .step = 1 + i / plan_.Lanes(), .lr = 1e-3});
    }
  }

  void Train() {
    plan_.Train(batches_);
    (void)plan_.Scores();
  }

  // Model steps a second from `start` until a turn is over.
  double Turn(std::chrono::steady_clock::time_point start) {
    std::chrono::duration<double> spent{};
    std::size_t steps = 0;
    while (spent < kTurn) {
      Train();
      steps += batches_.size();
      spent = std::chrono::steady_clock::now() - start;
    }
    return static_cast<double>(steps) / spent.count();
  }

 private:
  std::unique_ptr<ddl::GpuDevice> device_;
  ddl::GpuPlan plan_;
  std::vector<ddl::LaneBatch> batches_;
};

// Model steps a second of all streams, from one moment on.
double Round(const std::vector<std::unique_ptr<Stream>>& streams) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::future<double>> turns;
  for (const auto& stream : streams) {
    turns.push_back(
        std::async(std::launch::async, [&stream, start] { return stream->Turn(start); }));
  }
  double sum = 0.0;
  for (std::future<double>& turn : turns)
    sum += turn.get();
  return sum;
}

// As even as they can be, none without a lane.
std::vector<ddl::GpuPlanSettings> ShareOut(const ddl::GpuPlanSettings& all, std::size_t streams) {
  const std::size_t lanes = all.lanes.size();
  if (lanes < streams)
    throw ddl::Error(fmt::format("{} lanes for {} streams", lanes, streams), "--streams",
                     "say no more than the fewest lanes");
  std::vector<ddl::GpuPlanSettings> shares(streams, all);
  for (std::size_t i = 0; i < streams; ++i) {
    const auto own = std::span(all.lanes).subspan(i * lanes / streams,
                                                  (i + 1) * lanes / streams - i * lanes / streams);
    shares[i].lanes.assign(own.begin(), own.end());
  }
  return shares;
}

double Measure(const ddl::CudaLibrary& library, const Options& options,
               const ddl::GpuPlanSettings& settings, const Rows& data) {
  const auto device = library.Open(options.gpu);
  const ddl::GpuRows rows(*device, data.Data());
  std::vector<std::uint32_t> order(kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    order[i] = static_cast<std::uint32_t>((i * 7919) % kRows);
  std::vector<std::unique_ptr<Stream>> streams;
  for (const ddl::GpuPlanSettings& share : ShareOut(settings, options.streams)) {
    streams.push_back(std::make_unique<Stream>(library.Open(options.gpu), share, rows,
                                               data.Data().affine, order));
  }
  for (std::size_t step = 0; step < options.steps; ++step) {
    for (const auto& stream : streams)
      stream->Train();
  }
  if (options.steps > 0) return 0.0;
  (void)Round(streams);
  std::vector<double> rates;
  for (int round = 0; round < options.rounds; ++round)
    rates.push_back(Round(streams));
  std::ranges::sort(rates);
  return rates[rates.size() / 2];
}

std::vector<std::string> ReadWords(const std::string& text) {
  std::vector<std::string> words;
  std::stringstream list(text);
  for (std::string one; std::getline(list, one, ',');)
    words.push_back(one);
  return words;
}

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--json") {
      options.json = true;
    } else if (word == "--apart") {
      options.is_apart = true;
    } else if (word == "--gpu" && has_value) {
      options.gpu = std::stoul(argv[++i]);
    } else if (word == "--streams" && has_value) {
      options.streams = std::max(1UL, std::stoul(argv[++i]));
    } else if (word == "--steps" && has_value) {
      options.steps = std::stoul(argv[++i]);
    } else if (word == "--rounds" && has_value) {
      options.rounds = std::max(1, std::stoi(argv[++i]));
    } else if (word == "--batch" && has_value) {
      options.batch = std::stoul(argv[++i]);
    } else if (word == "--dropout" && has_value) {
      options.dropout = std::stod(argv[++i]);
      if (!(options.dropout >= 0.0 && options.dropout < 1.0))
        throw ddl::Error(argv[i], word, "say a number from 0 to below 1");
    } else if (word == "--library" && has_value) {
      options.library = argv[++i];
    } else if (word == "--models" && has_value) {
      options.models = ReadWords(argv[++i]);
    } else if (word == "--products" && has_value) {
      options.products = ReadWords(argv[++i]);
    } else if (word == "--lanes" && has_value) {
      options.lanes.clear();
      for (const std::string& count : ReadWords(argv[++i]))
        options.lanes.push_back(std::stoul(count));
    } else {
      throw ddl::Error(fmt::format("unknown argument {}", word), "",
                       "the first lines of the source tell them");
    }
  }
  return options;
}

void Tell(const Options& options, const ddl::CudaGpuFacts& gpu, double memory,
          const Variant& variant, double rate, const ddl::GpuPlanSettings& settings) {
  const ddl::Model model = ddl::BuildModel(ddl::GpuShape(settings.shape));
  const double bytes = ddl::CountStepBytes(model, settings.precision).bytes;
  const double flops = ddl::StepFlops(model);
  const char* finishes = options.is_apart ? "apart" : "in products";
  if (options.json) {
    const ddl::Json line{{"gpu", gpu.name},
                         {"driver_serves_cuda", gpu.driver},
                         {"model", variant.model},
                         {"precision", variant.products},
                         {"finishes", finishes},
                         {"lanes", variant.lanes},
                         {"streams", options.streams},
                         {"batch", settings.shape.batch},
                         {"dropout", options.dropout},
                         {"model_steps_per_s", rate},
                         {"bytes_per_step", bytes},
                         {"flops_per_step", flops},
                         {"memory_bytes_per_s", memory}};
    fmt::print("{}\n", ddl::DumpJson(line));
  } else {
    fmt::print(
        "{:>6}, {:>3} lanes, streams {}, {}, finishes {}: {:>9.0f} model steps/s, {:>5.0f} GB/s "
        "({:.0f} % of the memory's), {:>7.0f} GF/s\n",
        variant.model, variant.lanes, options.streams, variant.products, finishes, rate,
        rate * bytes / 1e9, 100.0 * rate * bytes / memory, rate * flops / 1e9);
  }
  std::cout.flush();
}

std::vector<Variant> VariantsOf(const Options& options) {
  std::vector<Variant> variants;
  for (const std::string& model : options.models) {
    for (const std::string& products : options.products) {
      for (const std::size_t lanes : options.lanes)
        variants.push_back({model, products, lanes});
    }
  }
  return variants;
}

// False: some variant failed, and was told.
bool Run(const Options& options) {
  const ddl::CudaLibrary library(options.library);
  const ddl::CudaGpuFacts gpu = library.Device(options.gpu);
  const std::size_t floats = std::min<std::size_t>(std::size_t{1} << 28U, gpu.free_bytes / 32);
  const bool is_timed = options.steps == 0;
  const double memory = is_timed ? MeasureMemory(*library.Open(options.gpu),
                                                 floats / ddl::kFloatsPerLine * ddl::kFloatsPerLine)
                                 : 0.0;
  if (is_timed && !options.json) {
    fmt::print("{}, {}, driver for CUDA {}, memory {:.0f} GB/s\n", gpu.name, gpu.uuid, gpu.driver,
               memory / 1e9);
  }
  bool is_whole = true;
  for (const Variant& variant : VariantsOf(options)) {
    try {
      const ddl::GpuPlanSettings settings = Settings(options, variant);
      const Rows rows(variant.model == "gpt");
      const double rate = Measure(library, options, settings, rows);
      if (is_timed) Tell(options, gpu, memory, variant, rate, settings);
    } catch (const ddl::GpuFault&) {
      throw;  // no session of this process works any more
    } catch (const std::exception& problem) {
      fmt::print(stderr, "trainer_gpu_bench: {}, {}, {} lanes: {}\n", variant.model,
                 variant.products, variant.lanes, problem.what());
      is_whole = false;
    }
  }
  return is_whole;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(ReadOptions(argc, argv)) ? 0 : 3;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "trainer_gpu_bench: {}\n", problem.what());
    return 3;
  }
}
