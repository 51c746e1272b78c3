// SPDX-License-Identifier: Apache-2.0
// What a trial writes, cut into pieces anywhere, gives the same reports, log and names; never more
// names than allowed; every report stands in the spool, whole.
#include <cmath>
#include <cstring>

#include "runner/metric_intake.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace ddl;

struct Taken {
  std::vector<MetricReport> reports;
  std::set<std::string, std::less<>> names;
  std::int64_t refused = 0;
  std::int64_t log_bytes = 0;
};

// Expressions are compiled for each trial, which takes most of an execution's time.
LaunchRecord Launch(bool captures) {
  LaunchRecord launch;
  if (captures)
    launch.captures = {{"acc", "acc[=:]\\s*([0-9.]+)"}, {"any", "(-?[0-9a-zA-Z.]+) end$"}};
  return launch;
}

struct Way {
  bool through_pipe = false;
  bool captures = false;
};

Taken Take(std::string_view text, std::size_t piece, const Way& way) {
  static const MemoryFolder folder;
  SpoolWriter spool(folder.Path(), {{1}, 0}, 1 << 20);
  TrialLog log("/nowhere", 1 << 20, 1 << 20);
  MetricIntake intake(Launch(way.captures), spool, log);
  while (!text.empty()) {
    const std::string_view bytes = TakePiece(text, piece);
    way.through_pipe ? intake.TakeMetrics(bytes) : intake.TakeOutput(bytes);
  }
  intake.Finish();
  Taken taken{{}, intake.Names(), intake.NamesRefused(), log.Bytes()};
  if (spool.LastSeq() == 0) return taken;
  Promise(spool.Flush(), "the spool can be written");
  SpoolReader reader(folder.Path(), {{1}, 0}, 0);
  for (auto some = reader.Read(1 << 16); !some.empty(); some = reader.Read(1 << 16))
    taken.reports.insert(taken.reports.end(), some.begin(), some.end());
  Promise(std::ssize(taken.reports) == spool.LastSeq(), "what was reported can be read");
  return taken;
}

bool Same(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

void CheckSame(const Taken& a, const Taken& b) {
  Promise(a.names == b.names && a.refused == b.refused, "pieces do not change the names");
  Promise(a.log_bytes == b.log_bytes, "pieces do not change the log");
  Promise(a.reports.size() == b.reports.size(), "pieces do not change the reports");
  for (std::size_t i = 0; i < a.reports.size(); ++i) {
    const MetricReport& x = a.reports[i];
    const MetricReport& y = b.reports[i];
    Promise(x.step == y.step && x.values.size() == y.values.size(),
            "pieces do not change a report");
    for (std::size_t j = 0; j < x.values.size(); ++j) {
      Promise(
          x.values[j].first == y.values[j].first && Same(x.values[j].second, y.values[j].second),
          "pieces do not change a value");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text = AsText(bytes, size);
  const std::uint8_t choice = TakeByte(text);
  const std::size_t piece = std::size_t{TakeByte(text)} + 1;
  const Way way{.through_pipe = (choice & 2U) != 0, .captures = (choice & 12U) == 0};
  const Taken whole = Take(text, text.size() + 1, way);
  Promise(whole.names.size() <= 1000, "at most 1,000 names");
  for (const MetricReport& report : whole.reports)
    Promise(!report.values.empty(), "a report has values");
  for (const std::string& name : whole.names)
    Promise(!name.empty() && name.find('\n') == std::string::npos, "a name is a word of a line");
  CheckSame(whole, Take(text, piece, way));
  return 0;
}
