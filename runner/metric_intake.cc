// SPDX-License-Identifier: Apache-2.0
#include "runner/metric_intake.h"

#include <algorithm>
#include <utility>

namespace ddl {

namespace {

constexpr std::size_t kMaxNames = 1000;  // with kMaxMetricName, so that an exit record stays small

bool HasLongName(const MetricLine& line) {
  return std::ranges::any_of(line.values,
                             [](const auto& value) { return value.first.size() > kMaxMetricName; });
}

}  // namespace

MetricIntake::MetricIntake(const LaunchRecord& launch, SpoolWriter& spool, TrialLog& log)
    : parser_(launch.captures), spool_(spool), log_(log), mask_(launch.hidden) {}

void MetricIntake::TakeOutput(std::string_view bytes) {
  Split(bytes, output_rest_);
}

void MetricIntake::Split(std::string_view bytes, Rest& rest) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    const bool ends = end != std::string_view::npos;
    if (rest.is_too_long || rest.text.size() + piece.size() > kMaxMetricLine) {
      // No metric any more: straight to the log, nothing is gathered.
      to_log_ += std::exchange(rest.text, {});
      to_log_ += piece;
      if (ends) to_log_ += '\n';
      rest.is_too_long = !ends;
    } else if (!ends) {
      rest.text += piece;
    } else if (rest.text.empty()) {
      TakeLine(piece, "\n");
    } else {
      rest.text += piece;
      TakeLine(rest.text, "\n");
      rest.text.clear();
    }
    bytes.remove_prefix(ends ? end + 1 : bytes.size());
  }
  WriteLog();
}

void MetricIntake::WriteLog() {
  if (!mask_.IsIdle()) to_log_ = mask_.Take(to_log_);
  if (!to_log_.empty()) log_.Write(to_log_);
  to_log_.clear();
}

void MetricIntake::TakeLine(std::string_view line, std::string_view end) {
  std::optional<MetricLine> metric = parser_.Parse(line);
  if (metric && HasLongName(*metric)) {
    ++names_refused_;
    metric.reset();
  }
  if (!metric || metric->is_text) {
    to_log_ += line;
    to_log_ += end;
  }
  if (metric) Report(*std::move(metric));
}

void MetricIntake::Report(MetricLine line) {
  std::erase_if(line.values, [this](const auto& value) { return !IsNameAllowed(value.first); });
  if (line.values.empty()) return;
  ++reports_;
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  spool_.Append(
      {.seq = 0,
       .step = line.step.value_or(reports_),
       .elapsed_ms = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count(),
       .values = std::move(line.values)});
}

bool MetricIntake::IsNameAllowed(const std::string& name) {
  if (names_.contains(name)) return true;
  if (names_.size() >= kMaxNames) {
    ++names_refused_;
    return false;
  }
  names_.insert(name);
  return true;
}

void MetricIntake::Finish() {
  for (Rest* rest : {&output_rest_, &metric_rest_}) {
    const std::string line = std::exchange(rest->text, {});
    if (!line.empty()) TakeLine(line, "");
  }
  WriteLog();
  if (const std::string rest = mask_.Rest(); !rest.empty()) log_.Write(rest);
}

}  // namespace ddl
