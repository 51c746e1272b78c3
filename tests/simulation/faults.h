// SPDX-License-Identifier: Apache-2.0
// What can go wrong in a simulated world, and what must have happened in a run of many seeds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ddl::simulation {

enum class Fault : std::uint8_t {
  kCoordinatorCrash,   // between any two durable writes or acts of a turn
  kAgentCrash,         // before or after any message
  kSupervisorCrash,    // between any two steps
  kTrialFailure,       // exits, signals, "continue me", programs that are not there
  kHostReboot,         // files survive, pids start anew
  kHostPowerLoss,      // unsynced files are gone or cut short
  kStorePowerLoss,     // the machine of the coordinator: what was committed and synced is left
  kLinkCut,            // a suffix of both directions is lost
  kHalfOpen,           // one direction is dead, nobody is told
  kLinkDelay,          // up to seconds a message
  kDuplicate,          // an order or a launch arrives twice
  kHostDiskFull,       // for a while
  kStoreDiskFull,      // a commit fails: the coordinator ends
  kClockStep,          // wall clocks jump
  kSecondCoordinator,  // takes over while the first is stopped; the first wakes up later
  kForeignHolder,      // somebody else holds devices for a while
  kDeviceChange,       // a core or GPU goes or comes while the link is up
  kUserActs,           // stop, pause, resume, retry, extend, questions that make no sense
  kSpecChange,         // the sweep is asked for again, changed in place
  kSlowSearch,
  kHostReadError,   // a spool, record, order or process cannot be looked at for a moment
  kHostWriteError,  // one write is refused, as by a broken disk
  kBellLost,        // a line of news is not taken: the FIFO is full, or its name is gone
  kClockDrift,      // wall clocks run fast or slow, from the beginning on
  kHostStaysAway,   // once all other faults have ended, until the rest has ended
};
inline constexpr std::size_t kFaultCount = 25;
inline constexpr std::array<std::string_view, kFaultCount> kFaultNames{
    "coordinator-crash", "agent-crash",      "supervisor-crash",   "trial-failure",
    "host-reboot",       "host-power-loss",  "store-power-loss",   "link-cut",
    "half-open",         "link-delay",       "duplicate",          "host-disk-full",
    "store-disk-full",   "clock-step",       "second-coordinator", "foreign-holder",
    "device-change",     "user-acts",        "spec-change",        "slow-search",
    "host-read-error",   "host-write-error", "bell-lost",          "clock-drift",
    "host-stays-away"};

// Something a good run of many seeds must have seen; counted where it happens.
enum class Probe : std::uint8_t {
  kCrashBeforeCommit,
  kCrashAfterCommit,
  kCrashBetweenActs,
  kAdoptedAlive,
  kAdoptedExited,
  kAdoptedLost,
  kLaunchNeverArrived,
  kStrayKilled,
  kLaunchedAhead,
  kRecalled,
  kMetricsReplayed,
  kSlotBusy,
  kSupervisorLost,
  kHostRebooted,
  kSpoolCutShort,
  kPidReused,
  kTimedOut,
  kStaleEpochRefused,
  kStaleCommitRefused,
  kTermIgnored,
  kReopenedByUser,
  kExtended,
  kTargetReached,
  kLimitReached,
  kFailFast,
  kUserRefused,
  kPausedAndResumed,
  kStartedTwiceRefused,
  kRestEndedWithoutHost,
  kGaveUpFenced,
  kHostLost,
  kLostCameBack,
  kHeld,
  kPromoted,
  kCheckpointBrought,
  kNothingToGoOnFrom,
};
inline constexpr std::size_t kProbeCount = 36;
inline constexpr std::array<std::string_view, kProbeCount> kProbeNames{
    "crash before a commit",
    "crash after a commit",
    "crash between two acts",
    "adopted a running rank",
    "adopted an ended rank",
    "found a rank without supervisor",
    "a launch was lost with its link",
    "a process of a void attempt was killed",
    "launched ahead",
    "recalled from a queue",
    "metrics told again",
    "a slot was busy",
    "a supervisor was lost",
    "a host was rebooted",
    "a spool was cut short by a power failure",
    "a pid was used again",
    "a trial timed out",
    "a host refused a stale epoch",
    "the store refused a stale coordinator",
    "a trial ignored TERM",
    "a user reopened an ended trial",
    "a sweep was extended",
    "a target was reached",
    "a limit was reached",
    "fail-fast",
    "a user was refused",
    "paused and resumed",
    "a second start was refused",
    "the rest ended while a host was away",
    "a launch gave up for a later agent",
    "an attempt was given up with its host",
    "a trial ran on where it was given up",
    "a pruner paused a trial",
    "a pruner promoted a trial",
    "a trial went on from a checkpoint of another host",
    "a trial had nothing to go on from"};

// What happened in one or many worlds.
struct Tally {
  std::array<std::int64_t, kFaultCount> faults{};
  std::array<std::int64_t, kProbeCount> probes{};
  std::int64_t seeds = 0;
  std::int64_t trials = 0;    // processes that ran
  std::int64_t attempts = 0;  // committed
  double hours = 0;
  std::int64_t hosts_looked_at = 0;  // of a fleet, once a second
  std::int64_t hosts_failing = 0;    // of these

  void Count(Fault fault) { ++faults[static_cast<std::size_t>(fault)]; }
  void Count(Probe probe) { ++probes[static_cast<std::size_t>(probe)]; }
  void Add(const Tally& other) {
    for (std::size_t i = 0; i < kFaultCount; ++i)
      faults[i] += other.faults[i];
    for (std::size_t i = 0; i < kProbeCount; ++i)
      probes[i] += other.probes[i];
    seeds += other.seeds;
    trials += other.trials;
    attempts += other.attempts;
    hours += other.hours;
    hosts_looked_at += other.hosts_looked_at;
    hosts_failing += other.hosts_failing;
  }
};

[[nodiscard]] inline std::optional<Fault> ParseFault(std::string_view name) {
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (kFaultNames[i] == name) return static_cast<Fault>(i);
  }
  return std::nullopt;
}

}  // namespace ddl::simulation
