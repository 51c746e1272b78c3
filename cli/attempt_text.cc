// SPDX-License-Identifier: Apache-2.0
#include "cli/attempt_text.h"

#include <csignal>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr int kWhole = 1'000;  // devices are leased in thousandths

std::string CauseText(EndCause cause, const AttemptLine& attempt) {
  switch (cause) {
    case EndCause::kExited:
      return fmt::format("exit {}", attempt.exit_code);
    case EndCause::kSignaled: {
      const char* name = sigabbrev_np(attempt.signal);
      return fmt::format("signal {} ({})", attempt.signal, name == nullptr ? "?" : name);
    }
    case EndCause::kOutOfMemory:
      return "out of memory";
    case EndCause::kTimedOut:
      return "timed out";
    case EndCause::kStopped:
      return "stopped";
    case EndCause::kCouldNotStart:
      return "could not start";
    case EndCause::kMetricMissing:
      return "no metric";
    case EndCause::kSupervisorLost:
      return "supervisor lost";
    case EndCause::kHostRebooted:
      return "host rebooted";
    case EndCause::kLost:
      return "host lost";
    case EndCause::kLaunchRefused:
      return "launch refused";
    case EndCause::kWorkerLost:
      return "worker lost";
  }
  return "";
}

// Numbers in rising order as "0-3,7".
std::string Ranges(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) {
      ++last;
    }
    if (!text.empty()) text += ',';
    text +=
        last == i ? fmt::format("{}", numbers[i]) : fmt::format("{}-{}", numbers[i], numbers[last]);
    i = last + 1;
  }
  return text;
}

struct Share {
  int number = 0;
  int length = kWhole;
};

// Either {"core": 3, "first": 0, "length": 250}, with `key` naming the number, or the same as a
// list whose last two are first and length: [3, 0, 250].
Share ShareOf(const Json& device, const char* key) {
  if (device.is_object()) return {device.at(key).get<int>(), device.value("length", kWhole)};
  const std::size_t size = device.size();
  return {device.at(size - 3).get<int>(), device.at(size - 1).get<int>()};
}

std::string DevicesText(const Json& devices, const char* key, std::string_view word) {
  std::vector<int> whole;
  std::string shares;
  for (const Json& device : devices) {
    const Share share = ShareOf(device, key);
    if (share.length == kWhole) {
      whole.push_back(share.number);
    } else {
      shares += fmt::format("{}{} of {} {}", shares.empty() ? "" : ", ",
                            static_cast<double>(share.length) / kWhole, word, share.number);
    }
  }
  if (whole.empty()) return shares;
  std::string text = fmt::format("{}{} {}", word, whole.size() > 1 ? "s" : "", Ranges(whole));
  return shares.empty() ? text : text + ", " + shares;
}

bool NeedsNoQuotes(std::string_view argument) {
  constexpr std::string_view kSafe =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=:,@%+";
  return !argument.empty() && argument.find_first_not_of(kSafe) == std::string_view::npos;
}

}  // namespace

std::string AttemptStateText(const AttemptLine& attempt) {
  if (attempt.cause) return CauseText(*attempt.cause, attempt);
  return attempt.started_ms == 0 ? "starting" : "running";
}

std::string SlotsText(std::string_view slots_json) {
  try {
    const Json slots = ParseJson(slots_json, "slots");
    const std::string cores = DevicesText(slots.value("cores", Json::array()), "core", "core");
    const std::string gpus = DevicesText(slots.value("gpus", Json::array()), "index", "gpu");
    return cores.empty() || gpus.empty() ? cores + gpus : cores + ", " + gpus;
  } catch (const Error&) {  // shown for people; a row of a newer version is shown without
    return {};
  } catch (const Json::exception&) {
    return {};
  }
}

std::string ShellWord(const std::string& word) {
  if (NeedsNoQuotes(word)) return word;
  std::string text = "'";
  for (const char c : word) {
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text + "'";
}

std::string CommandLine(std::string_view argv_json) {
  try {
    std::string line;
    for (const auto& argument : ParseJson(argv_json, "argv").get<std::vector<std::string>>()) {
      line += (line.empty() ? "" : " ") + ShellWord(argument);
    }
    return line;
  } catch (const Error&) {
    return std::string(argv_json);
  } catch (const Json::exception&) {
    return std::string(argv_json);
  }
}

}  // namespace ddl
