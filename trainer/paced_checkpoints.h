// SPDX-License-Identifier: Apache-2.0
// The checkpoints of one training, no closer together in time than is asked for: epochs of small
// networks may take hundredths of a second, and dozens of trainings share a disk. A best one that
// comes too soon waits in memory, and is written ahead of the next.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trainer/checkpoint_folder.h"
#include "trainer/config.h"

namespace ddl {

class PacedCheckpoints {
 public:
  // Throws Error when the folder cannot be had.
  PacedCheckpoints(const std::filesystem::path& folder, const CheckpointSettings& settings);

  // Whether one that may wait would be written or, as the best so far, be remembered: nobody need
  // fetch the state of another.
  [[nodiscard]] bool Takes(bool is_best) const { return is_best || IsTime(); }
  // Writes it, or remembers a best one for later.
  void Offer(const CheckpointHeader& header, std::span<const float> state, bool is_best);
  // Writes it now.
  void Write(const CheckpointHeader& header, std::span<const float> state, bool is_best);
  // Writes the best one that waits: no further one will come.
  void Finish();

  [[nodiscard]] std::optional<Checkpoint> LoadNewest(const std::string& training,
                                                     std::size_t state_floats,
                                                     std::vector<std::string>& notes) const {
    return folder_.LoadNewest(training, state_floats, notes);
  }

 private:
  struct Waiting {
    CheckpointHeader header;
    std::vector<float> state;
  };
  [[nodiscard]] bool IsTime() const;

  CheckpointFolder folder_;
  std::chrono::duration<double> apart_;
  std::chrono::steady_clock::time_point latest_;  // or when it began
  std::optional<Waiting> best_;
};

}  // namespace ddl
