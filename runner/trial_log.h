// SPDX-License-Identifier: Apache-2.0
// What a trial wrote, on disk: the first bytes in `log`, the last ones in a ring `log.tail`; what
// fell between is counted. The files come with the first byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runner/file.h"

namespace ddl {

class TrialLog {
 public:
  TrialLog(std::string folder, std::int64_t head_bytes, std::int64_t tail_bytes);

  // Never fails: what the disk refuses is counted as dropped.
  void Write(std::string_view bytes);
  // Puts the tail's ring in order; call once, at the end.
  void Close();

  [[nodiscard]] std::int64_t Bytes() const { return bytes_; }
  [[nodiscard]] std::int64_t Dropped() const;

 private:
  void WriteTail(std::string_view bytes);

  std::string folder_;
  std::int64_t head_bytes_;
  std::int64_t tail_bytes_;
  FileDescriptor head_;
  FileDescriptor tail_;
  std::int64_t bytes_ = 0;  // that the trial wrote
  std::int64_t in_head_ = 0;
  std::int64_t through_tail_ = 0;  // that went into the ring, overwritten or not
  std::int64_t refused_ = 0;       // by the disk
};

}  // namespace ddl
