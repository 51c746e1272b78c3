// SPDX-License-Identifier: Apache-2.0
// The words that are stored as the reason of a trial's state, where more than one place has to know
// them.
#pragma once

#include <string_view>

namespace ddl {

inline constexpr std::string_view kStoppedByUser = "stopped by you";
inline constexpr std::string_view kPausedByUser = "paused by you";
inline constexpr std::string_view kResumedByUser = "resumed by you";
inline constexpr std::string_view kRetriedByUser = "retried by you";
// Before what its pruner says.
inline constexpr std::string_view kPrunedBecause = "pruned: ";
inline constexpr std::string_view kPausedByPruner = "paused by its pruner: ";
inline constexpr std::string_view kPromotedBecause = "promoted: ";
inline constexpr std::string_view kPromotedByUser = "promoted by you";
inline constexpr std::string_view kStoppedEarlier = "decided by an earlier coordinator";
// Before what the sweep ended with: "the sweep ended: target reached: …".
inline constexpr std::string_view kSweepEnded = "the sweep ended: ";

}  // namespace ddl
