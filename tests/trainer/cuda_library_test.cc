// SPDX-License-Identifier: Apache-2.0
// libddl_cuda from outside. Where it is not built, or no GPU is at hand, the tests that need one
// are skipped and say why; `./run-tests --gpu` insists that they run.
#include "trainer/cuda/cuda_library.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/gpu_at_hand.h"
#include "tests/trainer/gpu_case.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace cuda_library_test {

TEST(CudaLibrary, SaysThatItIsNotThere) {
  EXPECT_EQ(ReasonFor("/nowhere/libddl_cuda.so"), "no library for GPUs");
}

TEST(CudaLibrary, SaysThatAFileIsNoLibrary) {
  const TrainerFolder folder;
  const std::filesystem::path path = folder.Path() / "text.so";
  std::ofstream(path) << "no library\n";
  EXPECT_NE(ReasonFor(path).find("cannot be loaded"), std::string::npos);
}

TEST(CudaLibrary, SaysWhatTheMachineLacks) {
  if (!std::filesystem::exists(BuiltCudaLibrary())) GTEST_SKIP() << "libddl_cuda is not built here";
  const std::string reason = ReasonFor(BuiltCudaLibrary());
  if (reason.empty()) GTEST_SKIP() << "this machine lacks nothing";
  const bool names_it = reason.find("driver") != std::string::npos ||
                        reason.find("GPU") != std::string::npos ||
                        reason.find("cannot be loaded") != std::string::npos;
  EXPECT_TRUE(names_it) << reason;
}

// Dropout, smoothing, decay and rates that differ from lane to lane; Fashion-MNIST's shape.
GpuPlanSettings Settings(std::size_t lanes, ProductPrecision precision) {
  GpuPlanSettings settings{.shape = {.batch = 128,
                                     .evaluation_batch = 256,
                                     .features = 784,
                                     .classes = 10,
                                     .layers = DenseLayers({256, 128}, Activation::kRelu, true),
                                     .state_tensors = 2},
                           .lanes = {},
                           .stretch = 16,
                           .precision = precision};
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const double factor = 1.0 + 0.05 * static_cast<double>(lane);
    settings.lanes.push_back({.seed = 7 + lane,
                              .optimizer = {.kind = OptimizerKind::kAdamW,
                                            .lr = 3e-4 * factor,
                                            .weight_decay = 0.01 * factor},
                              .dropout = 0.1 * factor,
                              .label_smoothing = 0.02 * factor});
  }
  return settings;
}

class CudaLibraryOnGpu : public testing::TestWithParam<ProductPrecision> {
 protected:
  void SetUp() override {
    const std::string reason = WhyNoGpu();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  // The states of all lanes after steps 1, …, `last`, left and taken up again after `broken`.
  std::vector<std::vector<float>> StatesAfter(std::size_t lanes, std::uint64_t last,
                                              std::uint64_t broken = 0) {
    const auto first_device = CudaLibrary(BuiltCudaLibrary()).Open(0);
    DeviceLanes first(*first_device, Settings(lanes, GetParam()), rows_);
    first.Steps(1, broken == 0 ? last : broken);
    std::vector<std::vector<float>> states = StatesOf(first, lanes);
    if (broken == 0) return states;
    const auto device = CudaLibrary(BuiltCudaLibrary()).Open(0);
    DeviceLanes second(*device, Settings(lanes, GetParam()), rows_);
    for (std::size_t lane = 0; lane < lanes; ++lane)
      second.Compiled().SetState(lane, states[lane]);
    second.Steps(broken + 1, last);
    return StatesOf(second, lanes);
  }

  // Of lane number `lane` in no company.
  std::vector<float> StateAlone(std::size_t lane, std::uint64_t last) {
    const auto device = CudaLibrary(BuiltCudaLibrary()).Open(0);
    GpuPlanSettings settings = Settings(lane + 1, GetParam());
    settings.lanes.erase(settings.lanes.begin(), settings.lanes.end() - 1);
    DeviceLanes own(*device, settings, rows_, lane);
    own.Steps(1, last);
    return own.Compiled().State(0);
  }

  ByteRows rows_{4096, 784, 10};

 private:
  static std::vector<std::vector<float>> StatesOf(DeviceLanes& device, std::size_t lanes) {
    std::vector<std::vector<float>> states;
    for (std::size_t lane = 0; lane < lanes; ++lane)
      states.push_back(device.Compiled().State(lane));
    return states;
  }
};

TEST_P(CudaLibraryOnGpu, LossesOfAHundredStepsAreTheCpus) {
  constexpr std::uint64_t kSteps = 100;
  constexpr double kRows = 64.0;  // of the smallest batch
  const GpuPlanSettings settings = Settings(2, GetParam());
  const auto device = CudaLibrary(BuiltCudaLibrary()).Open(0);
  DeviceLanes lanes(*device, settings, rows_);
  const std::vector<BatchScore> scores = lanes.Steps(1, kSteps);
  for (std::size_t lane = 0; lane < 2; ++lane) {
    CpuLane cpu(settings.shape, settings.lanes[lane], rows_);
    for (std::uint64_t step = 1; step <= kSteps; ++step) {
      const BatchScore expected = cpu.Step(RowsOf(lane, step, 128, 4096), step);
      const BatchScore& found = scores[(step - 1) * 2 + lane];
      ASSERT_EQ(found.rows, expected.rows);
      ASSERT_NEAR(found.loss_sum, expected.loss_sum, 1e-3 * kRows) << step;
    }
  }
}

TEST_P(CudaLibraryOnGpu, ALaneOfManyIsBitForBitTheLaneAlone) {
  const auto many = StatesAfter(64, 50);
  for (const std::size_t lane : {0U, 37U, 63U})
    EXPECT_EQ(many[lane], StateAlone(lane, 50)) << lane;
  EXPECT_EQ(StatesAfter(2, 50)[1], many[1]);
}

TEST_P(CudaLibraryOnGpu, AResumedTrainingIsBitForBitTheUninterrupted) {
  EXPECT_EQ(StatesAfter(8, 60, 24), StatesAfter(8, 60));
}

TEST_P(CudaLibraryOnGpu, TheSameRunGivesTheSameBits) {
  EXPECT_EQ(StatesAfter(64, 50), StatesAfter(64, 50));
}

// As when others took the memory: half as many lanes are tried in the same session's place.
TEST_P(CudaLibraryOnGpu, WhatDoesNotFitFailsNothingThatFollows) {
  constexpr std::size_t kPebibyte = std::size_t{1} << 50U;
  const auto device = CudaLibrary(BuiltCudaLibrary()).Open(0);
  EXPECT_THROW((void)device->Allocate(kPebibyte), GpuMemoryError);
  DeviceLanes lanes(*device, Settings(2, GetParam()), rows_);
  lanes.Steps(1, 20);
  EXPECT_EQ(lanes.Compiled().State(0), StatesAfter(1, 20)[0]);
}

// Memory is taken, kernels are loaded and steps captured in one thread while another does the same.
TEST_P(CudaLibraryOnGpu, SessionsOfThreadsDisturbNoneOfEachOther) {
  constexpr std::size_t kThreads = 4;
  std::vector<std::vector<std::vector<float>>> states(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i] { states[i] = StatesAfter(i + 1, 30); });
  }
  for (std::size_t i = 1; i < kThreads; ++i)
    EXPECT_EQ(states[i][0], states[0][0]) << i;
}

INSTANTIATE_TEST_SUITE_P(All, CudaLibraryOnGpu,
                         testing::Values(ProductPrecision::kFloat32,
                                         ProductPrecision::kTensorFloat32),
                         [](const auto& one) {
                           return one.param == ProductPrecision::kFloat32 ? "fp32" : "tf32";
                         });

}  // namespace cuda_library_test
}  // namespace ddl
