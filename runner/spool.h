// SPDX-License-Identifier: Apache-2.0
// The spool: a rank's metrics on its host, appended by the supervisor, read by the agent, numbered
// 1..n, in segments spool.1, spool.2, … of the job's folder. Format: docs/formats.md.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "configs/ids.h"
#include "configs/metric_report.h"
#include "runner/file.h"

namespace ddl {

// Owned by one supervisor. Nothing exists on disk before the first Flush with a report.
class SpoolWriter {
 public:
  SpoolWriter(std::string folder, RankId id, std::int64_t segment_bytes);

  // Gives the report the next seq. It is on disk after the next Flush that returns true.
  void Append(const MetricReport& report);
  // One write for all that was appended. False when the disk refuses: everything is kept, call
  // again later; errno says why.
  bool Flush();
  // Reports up to `seq` are in the database.
  void Acknowledge(std::int64_t seq);

  [[nodiscard]] std::int64_t LastSeq() const { return last_seq_; }
  [[nodiscard]] bool HasUnwritten() const { return !pending_.empty(); }
  // Of records that are written or waiting, and not acknowledged; in steps of some 64 KiB.
  [[nodiscard]] std::int64_t UnacknowledgedBytes() const { return total_bytes_ - acked_bytes_; }

 private:
  bool OpenNextSegment();
  void NoteMark();

  std::string folder_;
  RankId id_;
  std::int64_t segment_bytes_;
  FileDescriptor fd_;
  int segment_ = 0;
  std::int64_t written_in_segment_ = 0;
  std::string pending_;  // encoded records that are not on disk
  std::int64_t first_pending_seq_ = 1;
  std::int64_t last_seq_ = 0;
  std::int64_t total_bytes_ = 0;
  std::int64_t acked_bytes_ = 0;
  std::deque<std::pair<std::int64_t, std::int64_t>> marks_;  // (seq, total bytes up to it)
};

// Reads a spool while it grows. Holds no descriptor between calls.
class SpoolReader {
 public:
  // Starts after `after_seq`; 0 for all that is there.
  SpoolReader(std::string folder, RankId id, std::int64_t after_seq);

  // The next reports with consecutive seqs, some `max_bytes` of file at most; empty when there are
  // no more yet. Stops before the first damaged or unfinished record and tries it again next time.
  [[nodiscard]] std::vector<MetricReport> Read(std::size_t max_bytes = std::size_t{1} << 20);
  [[nodiscard]] std::int64_t LastSeq() const { return last_seq_; }

 private:
  bool FindSegment();
  bool EnterNextSegment();
  void TakeRecords(std::string_view bytes, std::vector<MetricReport>& reports);

  std::string folder_;
  RankId id_;
  int segment_ = 0;  // 0: not chosen yet
  std::int64_t offset_ = 0;
  std::int64_t last_seq_;
};

// Deletes the segments whose every record is `saved` and which are not written any more.
void DeleteSavedSegments(const std::string& folder, RankId id, std::int64_t saved_seq);

}  // namespace ddl
