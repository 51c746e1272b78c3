// SPDX-License-Identifier: Apache-2.0
// A spool of 12 reports in several segments, damaged at will: read in pieces of any size, it yields
// a beginning of what was written, in order, and nothing else. Beyond a cap of damage the bytes are
// also read as a spool of their own, with right checksums, which must not crash.
#include <optional>

#include "runner/crc32c.h"
#include "runner/spool.h"
#include "runner/wire.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace ddl;

constexpr RankId kRank{{7}, 0};
constexpr int kReports = 12;
constexpr std::size_t kMostBytes = std::size_t{1} << 16U;

struct Spool {
  MemoryFolder folder;
  std::vector<MetricReport> reports;
  std::vector<std::string> segments;

  Spool() {
    SpoolWriter writer(folder.Path(), kRank, 200);
    for (int i = 1; i <= kReports; ++i) {
      MetricReport report{.seq = i, .step = i * 3, .elapsed_ms = i, .values = {{"loss", 0.5 * i}}};
      writer.Append(report);
      reports.push_back(report);
      if (i % 2 == 0) Promise(writer.Flush(), "the spool can be written");
    }
    for (int i = 1; std::filesystem::exists(Path(i)); ++i)
      segments.push_back(FileText(Path(i)));
  }
  [[nodiscard]] std::string Path(int segment) const {
    return folder.Path() + "/spool." + std::to_string(segment);
  }
};

std::vector<MetricReport> ReadInPieces(const std::string& folder, std::size_t piece) {
  SpoolReader reader(folder, kRank, 0);
  std::vector<MetricReport> all;
  while (true) {
    const std::vector<MetricReport> some = reader.Read(piece);
    if (some.empty()) return all;
    all.insert(all.end(), some.begin(), some.end());
    Promise(all.size() <= 100'000, "a spool comes to an end");
  }
}

// Flips, cuts and additions: (segment, offset, what) triples of bytes.
void CheckDamaged(std::string_view damage, std::size_t piece) {
  static const Spool spool;
  std::vector<std::string> segments = spool.segments;
  while (damage.size() >= 3) {
    std::string& segment = segments[TakeByte(damage) % segments.size()];
    const std::size_t offset = TakeByte(damage);
    const std::uint8_t what = TakeByte(damage);
    if (what == 0 && offset <= segment.size())
      segment.resize(offset);
    else if (what == 1)
      segment += static_cast<char>(offset);
    else if (what == 2 && segment.size() < kMostBytes)  // each doubles it
      segment += segment.substr(std::min(segment.size(), std::size_t{28} + offset));
    else if (offset < segment.size())
      segment[offset] = static_cast<char>(segment[offset] ^ static_cast<char>(what));
  }
  static std::vector<std::optional<std::string>> there(segments.size());  // only news are written
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (there[i] == segments[i]) continue;
    WriteText(spool.Path(static_cast<int>(i) + 1), segments[i]);
    there[i] = segments[i];
  }
  const std::vector<MetricReport> read = ReadInPieces(spool.folder.Path(), piece);
  Promise(read.size() <= spool.reports.size(), "no report that was not written");
  for (std::size_t i = 0; i < read.size(); ++i)
    Promise(read[i] == spool.reports[i], "reports as they were written, without a gap");
  if (segments == spool.segments)
    Promise(read.size() == spool.reports.size(), "a whole spool is read wholly");
  if (damage.empty()) return;
  DeleteSavedSegments(spool.folder.Path(), kRank, damage[0]);
  there.assign(there.size(), std::nullopt);
}

// Records of the input's own making: sizes and checksums are right.
void CheckForeign(std::string_view records, std::size_t piece) {
  static const MemoryFolder folder;
  std::string segment("ddlspl1\n");
  WireWriter write(segment);
  write(std::int64_t{7}, std::int32_t{0}, std::int64_t{1});
  while (!records.empty()) {
    const std::size_t length = TakeByte(records);
    const std::string_view payload = TakePiece(records, length);
    write(static_cast<std::uint32_t>(payload.size()), Crc32c(payload));
    segment += payload;
  }
  WriteText(folder.Path() + "/spool.1", segment);
  std::int64_t last = 0;
  for (const MetricReport& report : ReadInPieces(folder.Path(), piece)) {
    Promise(report.seq == last + 1, "seqs are consecutive");
    last = report.seq;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view rest = AsText(bytes, size);
  const bool is_foreign = (TakeByte(rest) & 1U) != 0;
  const std::size_t piece = std::size_t{TakeByte(rest)} * 5 + 300;  // a record at least
  is_foreign ? CheckForeign(rest, piece) : CheckDamaged(rest, piece);
  return 0;
}
