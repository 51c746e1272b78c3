// SPDX-License-Identifier: Apache-2.0
// From bytes of a trial's pipes to reports in its spool and lines in its log.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "runner/launch.h"
#include "runner/log_mask.h"
#include "runner/metric_line.h"
#include "runner/spool.h"
#include "runner/trial_log.h"

namespace ddl {

class MetricIntake {
 public:
  MetricIntake(const LaunchRecord& launch, SpoolWriter& spool, TrialLog& log);

  // Bytes of the trial's output, as they come.
  void TakeOutput(std::string_view bytes);
  // Bytes that came through DDL_METRICS.
  void TakeMetrics(std::string_view bytes) { Split(bytes, metric_rest_); }
  // Lines without an end, at the end of everything.
  void Finish();

  [[nodiscard]] const std::set<std::string, std::less<>>& Names() const { return names_; }
  [[nodiscard]] std::int64_t NamesRefused() const { return names_refused_; }

 private:
  struct Rest {
    std::string text;          // of the line that has not ended
    bool is_too_long = false;  // it was passed to the log already
  };
  void Split(std::string_view bytes, Rest& rest);
  void TakeLine(std::string_view line, std::string_view end);
  void Report(MetricLine line);
  bool IsNameAllowed(const std::string& name);
  void WriteLog();

  MetricParser parser_;
  SpoolWriter& spool_;
  TrialLog& log_;
  LogMask mask_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  Rest output_rest_;
  Rest metric_rest_;
  std::string to_log_;  // gathered over one call
  std::int64_t reports_ = 0;
  std::set<std::string, std::less<>> names_;
  std::int64_t names_refused_ = 0;
};

}  // namespace ddl
