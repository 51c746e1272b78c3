// SPDX-License-Identifier: Apache-2.0
// Model steps a second that trainings which share a GPU hand over, take turns for and are told of,
// on a device that does nothing: what the host costs beside whatever a GPU needs. 64 threads, an
// MLP 784-256-128-10, batch 128; rounds in a row.
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "trainer/cuda/gpu_team.h"

namespace {

using ddl::GpuDevice;

constexpr std::size_t kLanes = 64;
constexpr std::size_t kBatch = 128;
constexpr std::size_t kRows = 1000;
constexpr std::size_t kFeatures = 784;
constexpr int kRuns = 200;
constexpr int kRounds = 5;

// Memory that is never touched but for the tables.
class IdleDevice final : public GpuDevice {
 public:
  void* Allocate(std::size_t bytes) override {
    blocks_.push_back(std::make_unique<std::byte[]>(bytes));
    return blocks_.back().get();
  }
  void* AllocateStaging(std::size_t bytes) override { return Allocate(bytes); }
  void Upload(void* /*to*/, const void* /*from*/, std::size_t /*bytes*/) override {}
  void Download(void* to, const void* /*from*/, std::size_t bytes) override {
    std::memset(to, 0, bytes);
  }
  std::size_t Compile(std::span<const ddl::Operation> /*operations*/,
                      std::uint32_t /*lanes*/) override {
    return programs_++;
  }
  void Launch(std::size_t /*program*/, std::size_t /*times*/) override {}
  void Wait() override {}

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::size_t programs_ = 0;
};

void Train(ddl::GpuTeam& team, std::atomic<std::size_t>& steps) {
  const auto seat = team.Join({.optimizer = {.kind = ddl::OptimizerKind::kAdam}}, ddl::Affine{},
                              [] { return false; });
  const std::vector<std::uint32_t> rows(kBatch);
  for (int run = 0; run < kRuns; ++run) {
    std::vector<ddl::LaneBatch> batches(team.Stretch());
    for (std::size_t i = 0; i < batches.size(); ++i)
      batches[i] = {.rows = rows, .step = i + 1, .lr = 1e-3};
    (void)seat->Train(batches);
    steps += batches.size();
  }
}

double Round(const ddl::GpuSource& source, const ddl::GpuRows& rows) {
  ddl::GpuTeam team(
      source,
      {.shape = {.batch = kBatch,
                 .evaluation_batch = 256,
                 .features = kFeatures,
                 .classes = 10,
                 .layers = ddl::DenseLayers({256, 128}, ddl::Activation::kRelu, false),
                 .state_tensors = 2},
       .first_lanes = kLanes,
       .most_lanes = kLanes},
      rows);
  std::atomic<std::size_t> steps = 0;
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      threads.emplace_back([&] { Train(team, steps); });
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(steps) / spent.count();
}

}  // namespace

int main() {
  const std::vector<std::uint8_t> bytes(kRows * kFeatures);
  const std::vector<std::int32_t> labels(kRows);
  IdleDevice device;
  const ddl::GpuRows rows(
      device, {.train = {.features = std::span<const std::uint8_t>(bytes), .labels = labels},
               .features = kFeatures});
  const ddl::GpuSource source{
      .name = "idle",
      .arithmetic = "none",
      .open = [] { return std::make_unique<IdleDevice>(); },
      .space = [] { return ddl::GpuSpace{.free_bytes = std::size_t{1} << 36U}; }};
  for (int round = 0; round < kRounds; ++round)
    fmt::print("{:.0f} model steps/s\n", Round(source, rows));
}
