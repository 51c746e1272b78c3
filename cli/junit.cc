// SPDX-License-Identifier: Apache-2.0
#include "cli/junit.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/sweep_json.h"
#include "cli/utf8.h"

namespace ddl {

namespace {

bool IsAllowed(char32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code != 0xFFFE && code != 0xFFFF;
}

enum class Verdict : std::uint8_t { kPassed, kFailed, kError, kSkipped };

Verdict VerdictOf(const JunitCase& item) {
  if (item.trial.state == TrialState::kFinished) return Verdict::kPassed;
  if (item.trial.state != TrialState::kFailed) return Verdict::kSkipped;
  return item.infrastructure ? Verdict::kError : Verdict::kFailed;
}

double Seconds(const TrialLine& trial) {
  if (trial.started_ms == 0) return 0;
  return static_cast<double>(std::max<std::int64_t>(0, trial.ended_ms - trial.started_ms)) / 1'000;
}

std::string BodyOf(const JunitCase& item) {
  const std::string reason = XmlText(item.trial.reason);
  switch (VerdictOf(item)) {
    case Verdict::kPassed:
      return "";
    case Verdict::kSkipped:
      return fmt::format("      <skipped message=\"{}{}{}\"/>\n", ToString(item.trial.state),
                         reason.empty() ? "" : ": ", reason);
    case Verdict::kFailed:
      return fmt::format("      <failure type=\"trial\" message=\"{}\">{}</failure>\n", reason,
                         XmlText(item.log_tail));
    case Verdict::kError:
      return fmt::format("      <error type=\"infrastructure\" message=\"{}\">{}</error>\n", reason,
                         XmlText(item.log_tail));
  }
  return "";
}

std::string Case(const SweepLine& sweep, const JunitCase& item) {
  const std::string parameters = FormatConfiguration(ParametersOf(item.trial.params_json));
  std::string text =
      fmt::format("    <testcase classname=\"{}\" name=\"trial {}{}{}\" time=\"{:.3f}\">\n",
                  XmlText(sweep.name), item.trial.number, parameters.empty() ? "" : ": ",
                  XmlText(parameters), Seconds(item.trial));
  text += BodyOf(item);
  if (item.trial.objective) {
    text += fmt::format("      <system-out>{} = {}</system-out>\n", XmlText(sweep.metric),
                        FormatNumber(*item.trial.objective));
  }
  return text + "    </testcase>\n";
}

}  // namespace

std::string JunitText(const SweepLine& sweep, const std::vector<JunitCase>& cases) {
  const auto count = [&](Verdict verdict) { return std::ranges::count(cases, verdict, VerdictOf); };
  double seconds = 0;
  for (const JunitCase& item : cases) {
    seconds += Seconds(item.trial);
  }
  const std::string totals = fmt::format(
      "name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"",
      XmlText(sweep.name), cases.size(), count(Verdict::kFailed), count(Verdict::kError),
      count(Verdict::kSkipped), seconds);
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite {}>\n", totals);
  for (const JunitCase& item : cases) {
    text += Case(sweep, item);
  }
  return text + "  </testsuite>\n</testsuites>\n";
}

std::string XmlText(std::string_view text) {
  std::string escaped;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = CharacterAt(text, at);
    const std::string_view bytes = text.substr(at, character.bytes);
    at += character.bytes;
    if (!character.valid || !IsAllowed(character.code)) {
      escaped += "\uFFFD";
    } else if (bytes == "<") {
      escaped += "&lt;";
    } else if (bytes == ">") {
      escaped += "&gt;";
    } else if (bytes == "&") {
      escaped += "&amp;";
    } else if (bytes == "\"") {
      escaped += "&quot;";
    } else if (bytes == "\r") {
      escaped += "&#13;";
    } else {
      escaped += bytes;
    }
  }
  return escaped;
}

}  // namespace ddl
