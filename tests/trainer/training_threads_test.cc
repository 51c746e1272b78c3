// SPDX-License-Identifier: Apache-2.0
// Several trainings in the threads of one process: each gives the bits that it gives alone.
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "configs/json.h"
#include "tests/trainer/blob_batches.h"
#include "trainer/gemm.h"
#include "trainer/training.h"

namespace ddl {
namespace training_threads_test {

constexpr const char* kPerceptron = R"({"type": "mlp", "hidden": [40, 24], "dropout": 0.2})";
constexpr const char* kConvolutions =
    R"({"type": "cnn", "image": [2, 3, 1], "norm": "batch", "layers": "5c3-r5-ga-fc12"})";

TrainerConfig ConfigOf(const std::string& model, std::uint64_t seed, const std::string& precision) {
  Json mapping = ParseJson(R"({"data": "blobs", "epochs": 6, "batch_size": 16,
      "optimizer": {"type": "adam", "lr": 0.01}})",
                           "test");
  mapping["model"] = ParseJson(model, "test");
  mapping["seed"] = seed;
  mapping["precision"] = precision;
  return ReadTrainerConfig(mapping);
}

// A training that may be made by one thread and run by another.
class OneTraining {
 public:
  explicit OneTraining(const TrainerConfig& config)
      : config_(config), training_(config_, batches_, outlets_) {}

  void Run() {
    PinArithmetic(1);
    EXPECT_EQ(training_.Run(), TrainingEnd::kFinished);
  }
  std::vector<float> State() { return training_.State(); }

 private:
  TrainerConfig config_;
  TrainingBatches batches_ = MakeBlobTraining();
  TrainingOutlets outlets_{.metrics = [](const std::string&) {},
                           .notes = [](const std::string&) {},
                           .is_stop_asked = [] { return false; }};
  Training training_;
};

class TrainingThreads : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "bf16" && !HasBfloat16Products())
      GTEST_SKIP() << "this processor has no AVX512-BF16";
    PinArithmetic(1);
  }

  // Perceptrons and convolutions in turn, each with a seed of its own.
  static TrainerConfig Numbered(std::uint64_t number) {
    return ConfigOf(number % 2 == 0 ? kPerceptron : kConvolutions, number, GetParam());
  }

  static std::vector<float> Alone(std::uint64_t number) {
    OneTraining training(Numbered(number));
    training.Run();
    return training.State();
  }
};

TEST_P(TrainingThreads, DoNotInfluenceEachOther) {
  constexpr std::uint64_t kTrainings = 4;
  std::vector<std::vector<float>> states(kTrainings);
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t number = 0; number < kTrainings; ++number)
      threads.emplace_back([&, number] {
        PinArithmetic(1);
        states[number] = Alone(number);
      });
  }
  for (std::uint64_t number = 0; number < kTrainings; ++number)
    EXPECT_EQ(states[number], Alone(number)) << number;
}

TEST_P(TrainingThreads, RunWhatAnotherThreadMade) {
  for (std::uint64_t number = 0; number < 2; ++number) {
    OneTraining training(Numbered(number));
    std::jthread([&] { training.Run(); }).join();
    EXPECT_EQ(training.State(), Alone(number)) << number;
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, TrainingThreads, testing::Values("float32", "bf16"),
                         [](const auto& tested) { return tested.param; });

}  // namespace training_threads_test
}  // namespace ddl
