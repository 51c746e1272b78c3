// SPDX-License-Identifier: Apache-2.0
#include "configs/states.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ddl {

namespace {

using enum TrialState;

constexpr std::array<std::pair<TrialState, std::string_view>, 9> kStateNames{{
    {kWaiting, "waiting"},
    {kLaunching, "launching"},
    {kRunning, "running"},
    {kPaused, "paused"},
    {kStopping, "stopping"},
    {kFinished, "finished"},
    {kPruned, "pruned"},
    {kFailed, "failed"},
    {kCanceled, "canceled"},
}};

constexpr std::array<std::pair<EndCause, std::string_view>, 12> kCauseNames{{
    {EndCause::kExited, "exited"},
    {EndCause::kSignaled, "signaled"},
    {EndCause::kOutOfMemory, "out of memory"},
    {EndCause::kTimedOut, "timed out"},
    {EndCause::kStopped, "stopped"},
    {EndCause::kCouldNotStart, "could not start"},
    {EndCause::kMetricMissing, "metric missing"},
    {EndCause::kSupervisorLost, "supervisor lost"},
    {EndCause::kHostRebooted, "host rebooted"},
    {EndCause::kLost, "lost"},
    {EndCause::kLaunchRefused, "launch refused"},
    {EndCause::kWorkerLost, "worker lost"},
}};

// launching, running and stopping return to waiting when an attempt ended without ending its trial.
constexpr std::array kToWaiting{kLaunching, kRunning, kPaused, kStopping};
constexpr std::array kToLaunching{kWaiting};
constexpr std::array kToRunning{kLaunching};
constexpr std::array kToPaused{kWaiting, kLaunching, kRunning, kStopping};
constexpr std::array kToStopping{kLaunching, kRunning};
constexpr std::array kToEnd{kLaunching, kRunning, kStopping};
constexpr std::array kToPruned{kWaiting, kLaunching, kRunning, kPaused, kStopping};
constexpr std::array kToCanceled{kWaiting, kLaunching, kRunning, kPaused, kStopping};

template <class Key, std::size_t kCount>
std::string_view NameOf(const std::array<std::pair<Key, std::string_view>, kCount>& names,
                        Key key) {
  return std::ranges::find(names, key, [](const auto& entry) { return entry.first; })->second;
}

template <class Key, std::size_t kCount>
std::optional<Key> KeyOf(const std::array<std::pair<Key, std::string_view>, kCount>& names,
                         std::string_view text) {
  const auto found = std::ranges::find(names, text, [](const auto& entry) { return entry.second; });
  if (found == names.end()) return std::nullopt;
  return found->first;
}

}  // namespace

std::string_view ToString(TrialState state) {
  return NameOf(kStateNames, state);
}

std::optional<TrialState> ParseTrialState(std::string_view text) {
  return KeyOf(kStateNames, text);
}

bool IsEnded(TrialState state) {
  return state == kFinished || state == kPruned || state == kFailed || state == kCanceled;
}

std::span<const TrialState> LegalPredecessors(TrialState to) {
  switch (to) {
    case kWaiting:
      return kToWaiting;
    case kLaunching:
      return kToLaunching;
    case kRunning:
      return kToRunning;
    case kPaused:
      return kToPaused;
    case kStopping:
      return kToStopping;
    case kCanceled:
      return kToCanceled;
    case kFinished:
    case kPruned:
      return kToPruned;
    case kFailed:
      return kToEnd;
  }
  return {};
}

bool CanMove(TrialState from, TrialState to) {
  return std::ranges::count(LegalPredecessors(to), from) > 0;
}

std::string_view ToString(EndCause cause) {
  return NameOf(kCauseNames, cause);
}

std::optional<EndCause> ParseEndCause(std::string_view text) {
  return KeyOf(kCauseNames, text);
}

bool IsInfrastructure(EndCause cause) {
  return cause >= EndCause::kSupervisorLost;
}

}  // namespace ddl
