// SPDX-License-Identifier: Apache-2.0
#include "runner/metric_line.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace ddl {

namespace {

// Walks over a flat JSON object of numbers. Anything else (strings, nesting, null, a trailing
// comma, an escape in a name) ends the walk: such a line is log.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  void SkipBlanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
  }
  bool Take(char wanted) {
    SkipBlanks();
    if (rest_.empty() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeName(std::string_view& name) {
    if (!Take('"')) return false;
    const std::size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos || rest_[end] == '\\') return false;
    name = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return !name.empty();
  }
  bool TakeNumber(double& value) {
    SkipBlanks();
    if (TakeWord("true", 1, value) || TakeWord("false", 0, value)) return true;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (TakeWord("NaN", std::nan(""), value) || TakeWord("Infinity", kInfinity, value) ||
        TakeWord("-Infinity", -kInfinity, value)) {
      return true;
    }
    // from_chars reads "inf" and "nan" as well, which are not JSON.
    const bool starts = !rest_.empty() && (rest_[0] == '-' || (rest_[0] >= '0' && rest_[0] <= '9'));
    if (!starts || (rest_.size() > 1 && rest_[0] == '-' && rest_[1] > '9')) return false;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (problem == std::errc::result_out_of_range) {
      value = OutOfRange(end);
    } else if (problem != std::errc()) {
      return false;
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }
  [[nodiscard]] bool AtEnd() {
    SkipBlanks();
    return rest_.empty();
  }

 private:
  bool TakeWord(std::string_view word, double meaning, double& value) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    value = meaning;
    return true;
  }
  // 1e400 is infinite, 1e-400 is zero.
  [[nodiscard]] double OutOfRange(const char* end) const {
    const std::string_view text = rest_.substr(0, static_cast<std::size_t>(end - rest_.data()));
    if (text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos) {
      return 0;
    }
    const double infinity = std::numeric_limits<double>::infinity();
    return text[0] == '-' ? -infinity : infinity;
  }

  std::string_view rest_;
};

std::optional<std::int64_t> AsInteger(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (std::abs(value) > kExact || value != std::floor(value)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

MetricParser::MetricParser(const std::vector<Capture>& captures) {
  for (const Capture& capture : captures) {
    try {
      patterns_.push_back({capture.metric, std::regex(capture.pattern)});
    } catch (const std::regex_error&) {
      continue;
    }
  }
}

std::optional<MetricLine> MetricParser::Parse(std::string_view line) const {
  if (line.size() > kMaxMetricLine) return std::nullopt;
  Scanner scanner(line);
  if (scanner.Take('{')) {
    if (std::optional<MetricLine> found = ParseObject(line)) return found;
  }
  return patterns_.empty() ? std::nullopt : ParseCaptures(line);
}

std::optional<MetricLine> MetricParser::ParseObject(std::string_view line) const {
  Scanner scanner(line);
  MetricLine found;
  if (!scanner.Take('{')) return std::nullopt;
  do {
    std::string_view name;
    double value = 0;
    if (!scanner.TakeName(name) || !scanner.Take(':') || !scanner.TakeNumber(value)) {
      return std::nullopt;
    }
    const std::optional<std::int64_t> whole = AsInteger(value);
    if (name == "step" && whole) {
      found.step = whole;
    } else {
      found.values.emplace_back(name, value);
    }
  } while (scanner.Take(','));
  if (!scanner.Take('}') || !scanner.AtEnd() || found.values.empty()) return std::nullopt;
  return found;
}

std::optional<MetricLine> MetricParser::ParseCaptures(std::string_view line) const {
  MetricLine found;
  found.is_text = true;
  const bool is_cut = line.size() > kMaxCaptureLine;
  line = line.substr(0, kMaxCaptureLine);
  const char* const end = line.data() + line.size();
  const auto flags = is_cut ? std::regex_constants::match_not_eol  // no $ there
                            : std::regex_constants::match_default;
  for (const Pattern& pattern : patterns_) {
    std::cmatch match;
    if (!std::regex_search(line.data(), end, match, pattern.regex, flags)) continue;
    if (match.size() < 2 || !match[1].matched) continue;
    if (is_cut && match[1].second == end) continue;  // the number may go on
    const std::string text = match[1].str();
    Scanner number(text);
    double value = 0;
    if (number.TakeNumber(value) && number.AtEnd()) {
      found.values.emplace_back(pattern.metric, value);
    }
  }
  if (found.values.empty()) return std::nullopt;
  return found;
}

}  // namespace ddl
