// SPDX-License-Identifier: Apache-2.0
// Linked into the bug hunt only.
#include "tests/simulation/planted.h"

#include <array>

namespace ddl {

namespace {

Bug& Active() {
  static Bug active = Bug::kNone;
  return active;
}

}  // namespace

bool PlantedBug(Bug bug) {
  return Active() == bug;
}

namespace simulation {

std::span<const NamedBug> PlantedBugs() {
  static constexpr std::array<NamedBug, 26> kBugs{{
      {"neighbour-configuration", Bug::kNeighbourConfiguration},
      {"host-down-is-death", Bug::kHostDownIsDeath},
      {"forget-attempts", Bug::kForgetAttempts},
      {"act-before-commit", Bug::kActBeforeCommit},
      {"ack-before-commit", Bug::kAckBeforeCommit},
      {"skip-sync", Bug::kSkipSync},
      {"drop-dedupe", Bug::kDropDedupe},
      {"finish-before-metrics", Bug::kFinishBeforeMetrics},
      {"reopen-unasked", Bug::kReopenUnasked},
      {"lost-is-done", Bug::kLostIsDone},
      {"free-slot-at-stop", Bug::kFreeSlotAtStop},
      {"skip-lease", Bug::kSkipLease},
      {"start-given-up", Bug::kStartGivenUp},
      {"start-twice", Bug::kStartTwice},
      {"die-with-link", Bug::kDieWithLink},
      {"compare-pid-only", Bug::kComparePidOnly},
      {"signal-stale-pid", Bug::kSignalStalePid},
      {"accept-any-epoch", Bug::kAcceptAnyEpoch},
      {"unfenced-commit", Bug::kUnfencedCommit},
      {"hosts-mixed-up", Bug::kHostsMixedUp},
      {"wait-for-all-hosts", Bug::kWaitForAllHosts},
      {"lost-too-soon", Bug::kLostTooSoon},
      {"keep-superseded", Bug::kKeepSuperseded},
      {"forget-wanted", Bug::kForgetWanted},
      {"wall-clock-timeout", Bug::kWallClockTimeout},
      {"silent-refusal", Bug::kSilentRefusal},
  }};
  return kBugs;
}

void SwitchOn(Bug bug) {
  Active() = bug;
}

}  // namespace simulation
}  // namespace ddl
