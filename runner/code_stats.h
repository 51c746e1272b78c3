// SPDX-License-Identifier: Apache-2.0
// Hashes of a workdir's files as they were last, so that what has not changed is not read again.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

#include "runner/code_walk.h"

namespace ddl {

class CodeStats {
 public:
  // What cannot be read is nothing: it costs time only.
  [[nodiscard]] static CodeStats Read(const std::string& path);
  // Files that changed less than two seconds before `hashed_at` are not kept: another change in the
  // same tick of the file system's clock would leave their stamp as it is.
  void Add(const WalkedFile& file, std::chrono::system_clock::time_point hashed_at);
  [[nodiscard]] std::optional<std::string> Find(const WalkedFile& file) const;
  void Write(const std::string& path) const;

 private:
  struct Known {
    FileStamp stamp;
    std::string hash;
  };
  std::unordered_map<std::string, Known> known_;  // by path
};

}  // namespace ddl
