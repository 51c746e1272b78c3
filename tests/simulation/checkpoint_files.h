// SPDX-License-Identifier: Apache-2.0
// Checkpoints on a simulated host's disk. What one holds says which process wrote it, so that the
// witness can tell whether a trial goes on from what it should.
#pragma once

#include <map>
#include <string>

#include "runner/launch.h"

namespace ddl::simulation {

struct CheckpointFiles {
  std::map<std::string, std::string> left;     // by the name of a DDL_CHECKPOINT_DIR
  std::map<std::string, std::string> brought;  // by folder

  // What a start does before its trial: runner/parent_checkpoint.h. False: there is nothing to go
  // on from.
  [[nodiscard]] bool Inherit(const LaunchRecord& record) {
    const bool has_parent = !record.parent_checkpoint.empty();
    const bool is_brought = !record.brought_checkpoint.empty();
    if (!has_parent && !is_brought) return true;
    if (has_parent && left.contains(record.checkpoint_name)) return true;
    const auto& files = is_brought ? brought : left;
    const auto from = files.find(is_brought ? record.brought_checkpoint : record.parent_checkpoint);
    if (from == files.end()) return false;
    left[record.checkpoint_name] = from->second;
    return true;
  }
  [[nodiscard]] std::string Of(const std::string& name) const {
    const auto found = left.find(name);
    return found == left.end() ? std::string() : found->second;
  }
};

}  // namespace ddl::simulation
