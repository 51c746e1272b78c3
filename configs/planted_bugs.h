// SPDX-License-Identifier: Apache-2.0
// Mistakes that the simulator must find (docs/reliability.md). They exist only in the bug hunt,
// which compiles the files that ask for them a second time, with DDL_PLANTED_BUGS; in the product
// the question is a constant and costs nothing.
#pragma once

#include <cstdint>

namespace ddl {

enum class Bug : std::uint8_t {
  kNone,
  kNeighbourConfiguration,
  kHostDownIsDeath,
  kForgetAttempts,
  kActBeforeCommit,
  kAckBeforeCommit,
  kDropDedupe,
  kReopenUnasked,
  kLostIsDone,
  kFinishBeforeMetrics,
  kFreeSlotAtStop,
  kForgetWanted,
  kHostsMixedUp,
  kSilentRefusal,
  kSkipLease,
  kStartGivenUp,
  kStartTwice,
  kComparePidOnly,
  kSignalStalePid,
  kAcceptAnyEpoch,
  kSkipSync,
  kWallClockTimeout,
  kDieWithLink,
  kUnfencedCommit,
  kWaitForAllHosts,
  kLostTooSoon,
  kKeepSuperseded,
};

#ifdef DDL_PLANTED_BUGS
[[nodiscard]] bool PlantedBug(Bug bug);
#else
[[nodiscard]] constexpr bool PlantedBug(Bug) {
  return false;
}
#endif

}  // namespace ddl
