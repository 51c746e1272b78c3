// SPDX-License-Identifier: Apache-2.0
#include "runner/spool.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/crc32c.h"
#include "runner/wire.h"

namespace ddl {

namespace {

// A segment begins with its magic, job, rank and the seq of its first record; then come records:
// u32 size, u32 CRC-32C, payload. docs/formats.md.
constexpr std::string_view kMagic = "ddlspl1\n";
constexpr std::size_t kSegmentHead = 8 + 8 + 4 + 8;
constexpr std::size_t kRecordHead = 8;
constexpr std::size_t kMaxRecord = std::size_t{1} << 20U;
constexpr std::int64_t kMarkEvery = std::int64_t{64} * 1024;

std::string SegmentPath(const std::string& folder, int segment) {
  return fmt::format("{}/spool.{}", folder, segment);
}

struct SegmentHead {
  RankId id;
  std::int64_t first_seq = 0;
};

std::string Encode(const SegmentHead& head) {
  std::string text(kMagic);
  WireWriter write(text);
  write(head.id.job.value, std::int32_t{head.id.rank}, head.first_seq);
  return text;
}

std::optional<SegmentHead> ReadHead(int fd) {
  char bytes[kSegmentHead];
  if (ReadAllAt(fd, bytes, 0) != sizeof bytes) return std::nullopt;
  if (std::string_view(bytes, kMagic.size()) != kMagic) return std::nullopt;
  SegmentHead head;
  std::int32_t rank = 0;
  WireReader read({bytes + kMagic.size(), kSegmentHead - kMagic.size()});
  read(head.id.job.value, rank, head.first_seq);
  head.id.rank = rank;
  return head;
}

// The numbers of the segments that are there, rising.
std::vector<int> Segments(const std::string& folder) {
  std::vector<int> segments;
  for (const std::string& name : ListFolder(folder)) {
    int number = 0;
    if (!name.starts_with("spool.")) continue;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data() + 6, end, number).ptr == end) segments.push_back(number);
  }
  std::ranges::sort(segments);
  return segments;
}

// The record at the beginning, taken off; nothing when it is not whole or beyond `most_seq`.
std::optional<MetricReport> TakeRecord(std::string_view& rest, std::int64_t most_seq) {
  if (rest.size() < kRecordHead) return std::nullopt;
  std::uint32_t size = 0;
  std::uint32_t checksum = 0;
  std::memcpy(&size, rest.data(), 4);
  std::memcpy(&checksum, rest.data() + 4, 4);
  if (size > kMaxRecord || rest.size() < kRecordHead + size) return std::nullopt;
  const std::string_view payload = rest.substr(kRecordHead, size);
  if (Crc32c(payload) != checksum) return std::nullopt;
  MetricReport report;
  WireReader read(payload);
  read(report);
  if (!read.IsWhole() || report.seq > most_seq) return std::nullopt;
  rest.remove_prefix(kRecordHead + size);
  return report;
}

}  // namespace

SpoolWriter::SpoolWriter(std::string folder, RankId id, std::int64_t segment_bytes)
    : folder_(std::move(folder)), id_(id), segment_bytes_(segment_bytes) {}

void SpoolWriter::Append(const MetricReport& report) {
  MetricReport numbered = report;
  numbered.seq = ++last_seq_;
  if (pending_.empty()) first_pending_seq_ = last_seq_;
  const std::size_t begin = pending_.size();
  pending_.append(kRecordHead, '\0');
  WireWriter write(pending_);
  write(numbered);
  const std::string_view payload = std::string_view(pending_).substr(begin + kRecordHead);
  const auto size = static_cast<std::uint32_t>(payload.size());
  const std::uint32_t checksum = Crc32c(payload);
  std::memcpy(pending_.data() + begin, &size, 4);
  std::memcpy(pending_.data() + begin + 4, &checksum, 4);
  total_bytes_ += static_cast<std::int64_t>(pending_.size() - begin);
  NoteMark();
}

void SpoolWriter::NoteMark() {
  const std::int64_t before = marks_.empty() ? acked_bytes_ : marks_.back().second;
  if (total_bytes_ - before >= kMarkEvery) marks_.emplace_back(last_seq_, total_bytes_);
}

bool SpoolWriter::Flush() {
  if (pending_.empty()) return true;
  if (!fd_ || written_in_segment_ >= segment_bytes_) {
    if (!OpenNextSegment()) return false;
  }
  // At a known place: what a refused write left half done is written over.
  if (!WriteAllAt(fd_.Get(), pending_, written_in_segment_)) return false;
  written_in_segment_ += static_cast<std::int64_t>(pending_.size());
  pending_.clear();
  return true;
}

bool SpoolWriter::OpenNextSegment() {
  const std::string path = SegmentPath(folder_, segment_ + 1);
  FileDescriptor next = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC);
  const std::string head = Encode({id_, first_pending_seq_});
  if (!next || !WriteAllAt(next.Get(), head, 0)) return false;
  fd_ = std::move(next);
  ++segment_;
  written_in_segment_ = static_cast<std::int64_t>(head.size());
  return true;
}

void SpoolWriter::Acknowledge(std::int64_t seq) {
  if (seq >= last_seq_ && pending_.empty()) {
    acked_bytes_ = total_bytes_;
    marks_.clear();
  }
  while (!marks_.empty() && marks_.front().first <= seq) {
    acked_bytes_ = marks_.front().second;
    marks_.pop_front();
  }
}

SpoolReader::SpoolReader(std::string folder, RankId id, std::int64_t after_seq)
    : folder_(std::move(folder)), id_(id), last_seq_(after_seq) {}

// The last segment that begins at or before the next report; never one beyond a gap. Only segments
// of saved reports are deleted, and those are asked for by nobody.
bool SpoolReader::FindSegment() {
  for (const int segment : Segments(folder_)) {
    const FileDescriptor fd = OpenFile(SegmentPath(folder_, segment), O_RDONLY);
    const std::optional<SegmentHead> head = fd ? ReadHead(fd.Get()) : std::nullopt;
    if (!head || head->id != id_ || head->first_seq > last_seq_ + 1) break;
    segment_ = segment;
    offset_ = kSegmentHead;
  }
  return segment_ != 0;
}

// Not past a record that cannot be read: the next segment goes on where this one ended.
bool SpoolReader::EnterNextSegment() {
  const FileDescriptor fd = OpenFile(SegmentPath(folder_, segment_ + 1), O_RDONLY);
  const std::optional<SegmentHead> head = fd ? ReadHead(fd.Get()) : std::nullopt;
  if (!head || head->id != id_ || head->first_seq != last_seq_ + 1) return false;
  ++segment_;
  offset_ = kSegmentHead;
  return true;
}

std::vector<MetricReport> SpoolReader::Read(std::size_t max_bytes) {
  std::vector<MetricReport> reports;
  if (last_seq_ == std::numeric_limits<std::int64_t>::max()) return reports;
  if (segment_ == 0 && !FindSegment()) return reports;
  do {
    const FileDescriptor fd = OpenFile(SegmentPath(folder_, segment_), O_RDONLY);
    std::string bytes(max_bytes, '\0');
    const std::int64_t got = fd ? ReadAllAt(fd.Get(), bytes, offset_) : 0;
    bytes.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, got)));
    TakeRecords(bytes, reports);
  } while (reports.empty() && EnterNextSegment());
  return reports;
}

// Up to the first record that is not whole, or that is not the next one.
void SpoolReader::TakeRecords(std::string_view bytes, std::vector<MetricReport>& reports) {
  const std::size_t before = bytes.size();
  while (std::optional<MetricReport> report = TakeRecord(bytes, last_seq_ + 1)) {
    if (report->seq <= last_seq_) continue;
    last_seq_ = report->seq;
    reports.push_back(*std::move(report));
  }
  offset_ += static_cast<std::int64_t>(before - bytes.size());
}

void DeleteSavedSegments(const std::string& folder, RankId id, std::int64_t saved_seq) {
  const std::vector<int> segments = Segments(folder);
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const FileDescriptor next = OpenFile(SegmentPath(folder, segments[i + 1]), O_RDONLY);
    const std::optional<SegmentHead> head = next ? ReadHead(next.Get()) : std::nullopt;
    if (!head || head->id != id || head->first_seq > saved_seq + 1) return;
    ::unlink(SegmentPath(folder, segments[i]).c_str());
  }
}

}  // namespace ddl
