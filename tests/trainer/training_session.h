// SPDX-License-Identifier: Apache-2.0
// Trainings over blobs within a test's process, cut off and continued.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "configs/json.h"
#include "tests/trainer/blob_batches.h"
#include "trainer/training.h"

namespace ddl {

inline constexpr int kNever = -1;

// One process' worth of training, cut off after some steps where asked.
struct Session {
  TrainingBatches batches = MakeBlobTraining();
  TrainerConfig config;
  std::optional<std::filesystem::path> folder = std::nullopt;
  std::optional<std::filesystem::path> output = std::nullopt;
  int stop_after_steps = kNever;
  std::optional<std::uint64_t> until = std::nullopt;

  std::vector<std::string> lines = {};
  std::vector<std::string> notes = {};
  std::vector<float> state = {};
  TrainingEnd end = TrainingEnd::kFinished;

  void Run() {
    int asked = 0;
    const TrainingOutlets outlets{
        .metrics = [&](const std::string& line) { lines.push_back(line); },
        .notes = [&](const std::string& note) { notes.push_back(note); },
        .is_stop_asked = [&] { return stop_after_steps != kNever && asked++ >= stop_after_steps; },
        .checkpoint_folder = folder,
        .output_folder = output,
        .until = until};
    Training training(config, batches, outlets);
    end = training.Run();
    state = training.State();
  }
};

inline TrainerConfig SmallConfig(const std::string& changes = "{}") {
  Json mapping = ParseJson(R"({"data": "blobs", "epochs": 4, "batch_size": 16,
      "model": {"type": "mlp", "hidden": [9], "dropout": 0.2},
      "optimizer": {"type": "adam", "lr": 0.01},
      "schedule": {"type": "cosine", "warmup": 1}})",
                           "test");
  Override(mapping, ParseJson(changes, "test"));
  return ReadTrainerConfig(mapping);
}

inline TrainerConfig WithModel(const std::string& model) {
  Json mapping = ParseJson(R"({"data": "blobs", "epochs": 4, "batch_size": 16,
      "optimizer": {"type": "adam", "lr": 0.01}})",
                           "test");
  mapping["model"] = ParseJson(model, "test");
  return ReadTrainerConfig(mapping);
}

// A line without the one figure that no two runs share.
inline std::string WithoutSpeed(const std::string& line) {
  Json json = ParseJson(line, "line");
  for (const char* key : {"samples_per_s", "gflops", "percent_of_limit"})
    json.erase(key);
  return DumpJson(json);
}

inline std::vector<std::string> WithoutSpeed(const std::vector<std::string>& lines) {
  std::vector<std::string> bare;
  for (const std::string& line : lines)
    bare.push_back(WithoutSpeed(line));
  return bare;
}

}  // namespace ddl
