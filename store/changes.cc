// SPDX-License-Identifier: Apache-2.0
#include "store/changes.h"

#include <array>

namespace ddl {

namespace {

constexpr std::array<std::string_view, 3> kStates{"running", "finished", "stopped"};
constexpr std::array<std::string_view, 8> kOutcomes{"",
                                                    "all_done",
                                                    "some_failed",
                                                    "target_reached",
                                                    "target_missed",
                                                    "limit_reached",
                                                    "stopped_by_user",
                                                    "search_failed"};

}  // namespace

std::string_view ToString(SweepState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::string_view ToString(SweepOutcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}

std::optional<SweepOutcome> ParseSweepOutcome(std::string_view text) {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    if (kOutcomes[i] == text) return static_cast<SweepOutcome>(i);
  }
  return std::nullopt;
}

}  // namespace ddl
