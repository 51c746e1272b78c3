// SPDX-License-Identifier: Apache-2.0
#include "runner/trial_log.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace ddl {

TrialLog::TrialLog(std::string folder, std::int64_t head_bytes, std::int64_t tail_bytes)
    : folder_(std::move(folder)), head_bytes_(head_bytes), tail_bytes_(tail_bytes) {}

void TrialLog::Write(std::string_view bytes) {
  bytes_ += static_cast<std::int64_t>(bytes.size());
  if (!head_) head_ = OpenFile(folder_ + "/log", O_WRONLY | O_CREAT | O_APPEND);
  const auto room = static_cast<std::size_t>(head_bytes_ - in_head_);
  const std::string_view first = bytes.substr(0, std::min(room, bytes.size()));
  if (!first.empty()) {
    in_head_ += static_cast<std::int64_t>(first.size());
    if (!WriteAll(head_.Get(), first)) refused_ += static_cast<std::int64_t>(first.size());
  }
  if (first.size() < bytes.size()) WriteTail(bytes.substr(first.size()));
}

void TrialLog::WriteTail(std::string_view bytes) {
  if (!tail_) tail_ = OpenFile(folder_ + "/log.tail", O_RDWR | O_CREAT | O_TRUNC);
  while (!bytes.empty()) {
    const std::int64_t at = through_tail_ % tail_bytes_;
    const std::string_view piece = bytes.substr(0, static_cast<std::size_t>(tail_bytes_ - at));
    if (!WriteAllAt(tail_.Get(), piece, at)) refused_ += static_cast<std::int64_t>(piece.size());
    through_tail_ += static_cast<std::int64_t>(piece.size());
    bytes.remove_prefix(piece.size());
  }
}

std::int64_t TrialLog::Dropped() const {
  return refused_ + std::max<std::int64_t>(0, through_tail_ - tail_bytes_);
}

void TrialLog::Close() {
  const std::int64_t at = tail_bytes_ == 0 ? 0 : through_tail_ % tail_bytes_;
  if (through_tail_ <= tail_bytes_ || at == 0) return;
  // The oldest byte stands at `at`: write the ring out in order and put it in the old one's place.
  std::string ring(static_cast<std::size_t>(tail_bytes_), '\0');
  if (ReadAllAt(tail_.Get(), ring, 0) != tail_bytes_) return;
  std::rotate(ring.begin(), ring.begin() + at, ring.end());
  (void)WriteFileAtomically(folder_ + "/log.tail", ring);
}

}  // namespace ddl
