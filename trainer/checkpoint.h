// SPDX-License-Identifier: Apache-2.0
// One checkpoint file: a header and a lane's state from the arena, guarded by a CRC.
//
// The layout is sealed_file.h's with magic "ddl ckpt"; the body is the state as float32. Written
// aside, synced, then renamed: under its own name a file is whole or absent. docs/formats.md tells
// it to readers in other languages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "trainer/arena.h"
#include "trainer/early_stopping.h"

namespace ddl {

// Where a training stands. Sums are of the running epoch, so that it may be left in its midst.
struct TrainingClock {
  std::uint64_t epoch = 0;          // whole epochs done
  std::uint64_t step_in_epoch = 0;  // optimizer steps done of the next one
  std::uint64_t iteration = 0;      // optimizer steps done in all
  double loss_sum = 0.0;
  std::uint64_t correct = 0;
  std::uint64_t rows = 0;
  double seconds = 0.0;                  // spent training in this epoch
  double best_accuracy = -1.0;           // of validation, over all epochs; below 0: none yet
  std::optional<double> best_loss = {};  // the same of a regression
  Progress progress;                     // of validation, for early stopping
};

struct CheckpointHeader {
  std::string training;    // what the state belongs to; another training refuses it
  std::string arithmetic;  // library and instruction set that made it
  TrainingClock clock;
  std::vector<NamedTensor> tensors = {};  // where the matrices lie in the state
  std::string data = {};                  // TrainingBatches::identity; empty: not known
};

struct Checkpoint {
  CheckpointHeader header;
  std::vector<float> state;
};

// Throws Error when the file cannot be written; what stood under the name before stays.
void WriteCheckpoint(const std::filesystem::path& path, const CheckpointHeader& header,
                     std::span<const float> state);

// Why a file is no good: "the checksum is wrong".
struct DamagedCheckpoint {
  std::string why;
};

// Never throws for what the file holds.
[[nodiscard]] std::variant<Checkpoint, DamagedCheckpoint> ReadCheckpoint(
    const std::filesystem::path& path);

}  // namespace ddl
