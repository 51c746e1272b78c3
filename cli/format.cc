// SPDX-License-Identifier: Apache-2.0
#include "cli/format.h"

#include <array>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "scheduler/search/search.h"

namespace ddl {

namespace {

struct OutcomeWords {
  std::string_view name;
  std::string_view text;
};

OutcomeWords OutcomeWordsOf(SweepOutcome outcome) {
  switch (outcome) {
    case SweepOutcome::kNone:
      return {"", ""};
    case SweepOutcome::kAllDone:
      return {"all_done", "all done"};
    case SweepOutcome::kSomeFailed:
      return {"some_failed", "some trials failed"};
    case SweepOutcome::kTargetReached:
      return {"target_reached", "target reached"};
    case SweepOutcome::kTargetMissed:
      return {"target_missed", "target missed"};
    case SweepOutcome::kLimitReached:
      return {"limit_reached", "limit reached"};
    case SweepOutcome::kStoppedByUser:
      return {"stopped_by_user", "stopped by the user"};
    case SweepOutcome::kSearchFailed:
      return {"search_failed", "its search failed"};
  }
  return {"", ""};
}

}  // namespace

std::string FormatDuration(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms < 0) return "0ms";
  if (ms < 1'000) return fmt::format("{}ms", ms);
  if (ms < 10'000) return fmt::format("{:.1f}s", std::floor(static_cast<double>(ms) / 100) / 10);
  const std::int64_t s = ms / 1'000;
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3'600) return fmt::format("{}m {:02}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h {:02}m", s / 3'600, s % 3'600 / 60);
  return fmt::format("{}d {:02}h", s / 86'400, s % 86'400 / 3'600);
}

std::string FormatCount(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string FormatPlanned(std::int64_t trials) {
  if (trials >= kOpenEnded) return "trials until it is stopped";
  return trials == 1 ? "1 trial" : fmt::format("{} trials", trials);
}

std::string FormatBytes(std::int64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  const int decimals = unit == 0 || value >= 100 ? 0 : 1;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits.at(unit));
}

std::string FormatRate(double per_s) {
  if (!std::isfinite(per_s) || per_s <= 0) return "0/s";
  const auto number = [](double value) {
    return value < 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
  };
  if (per_s >= 0.5) return number(per_s) + "/s";
  if (per_s * 60 >= 0.5) return number(per_s * 60) + "/min";
  return number(per_s * 3'600) + "/h";
}

std::string FormatValue(double value) {
  if (!std::isfinite(value)) return FormatNumber(value);
  const double size = std::abs(value);
  const bool whole = value == std::trunc(value);
  if (size < 1e7 && (whole || size >= 1e4)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.4g}", value);
}

std::string FormatValue(const std::optional<double>& value) {
  return value ? FormatValue(*value) : "-";
}

std::string FormatWhen(std::int64_t unix_ms) {
  if (unix_ms == 0) return "-";
  const std::time_t seconds = unix_ms / 1'000;
  std::tm parts{};
  if (localtime_r(&seconds, &parts) == nullptr) return "-";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min);
}

std::string FormatParameter(const Json& value) {
  if (value.is_string()) return OneLine(value.get_ref<const std::string&>());
  if (value.is_number_float()) return FormatValue(value.get<double>());
  return OneLine(DumpJson(value));
}

std::string FormatConfiguration(const Json& configuration) {
  std::string text;
  for (const auto& [name, value] : configuration.items()) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}={}", OneLine(name), FormatParameter(value));
  }
  return text;
}

Style StyleOf(TrialState state) {
  switch (state) {
    case TrialState::kFinished:
      return Style::kGood;
    case TrialState::kFailed:
      return Style::kBad;
    case TrialState::kPruned:
    case TrialState::kCanceled:
      return Style::kDim;
    case TrialState::kPaused:
    case TrialState::kStopping:
      return Style::kWarning;
    case TrialState::kWaiting:
    case TrialState::kLaunching:
    case TrialState::kRunning:
      return Style::kPlain;
  }
  return Style::kPlain;
}

std::string_view OutcomeText(SweepOutcome outcome) {
  return OutcomeWordsOf(outcome).text;
}

}  // namespace ddl
