// SPDX-License-Identifier: Apache-2.0
// The checkpoints of one trial: the latest few under their iteration, the best under its own name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trainer/checkpoint.h"

namespace ddl {

class CheckpointFolder {
 public:
  // Makes the folder where it is missing. Throws Error when it cannot be had.
  CheckpointFolder(std::filesystem::path folder, std::size_t keep_last);

  // Saves under "iteration-N.ckpt"; the best so far is named "best.ckpt" as well, and first. Of the
  // others the last few before N stay; those behind N, which LoadNewest had to skip, do not. Throws
  // Error when the disk refuses.
  void Save(const CheckpointHeader& header, std::span<const float> state, bool is_best);

  // The newest that is whole and of this training with this size of state. What was skipped on the
  // way, and why, is added to `notes`. Throws Error when a whole one belongs to another training.
  [[nodiscard]] std::optional<Checkpoint> LoadNewest(const std::string& training,
                                                     std::size_t state_floats,
                                                     std::vector<std::string>& notes) const;

 private:
  void Prune(std::uint64_t written) const;
  [[nodiscard]] std::vector<std::filesystem::path> NewestFirst() const;

  std::filesystem::path folder_;
  std::size_t keep_last_;
  bool is_name_safe_ = false;  // the folder itself outlasts a power failure
};

}  // namespace ddl
