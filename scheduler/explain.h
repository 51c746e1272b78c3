// SPDX-License-Identifier: Apache-2.0
// Why a trial waits, or how it ended, and what can be done: from facts to text, a pure function. A
// live core knows more facts than the store, so both fill in what they have.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "configs/states.h"
#include "store/reader.h"

namespace ddl {

// Why a waiting trial does not start, in the scheduler's own terms.
enum class WaitCause : std::uint8_t {
  kUnknown,    // from the store alone: nobody runs the sweep
  kStartsNow,  // nothing is in its way
  kCores,      // in use by this coordinator's own trials
  kGpus,
  kMemory,
  kForeign,     // in use by somebody else: `holder`
  kReserved,    // held for an earlier sweep that has waited long: `holder`
  kParallel,    // `parallel` trials run
  kHost,        // none of its hosts answers: `holder` says which and why
  kHostClosed,  // those that answer are drained or set aside: `holder` says which and why
  kHostUnseen,  // its hosts have not answered yet since the coordinator started
  kCode,        // no host that answers has its code yet: `holder` says how far each is
  kCheckpoint,  // its checkpoint lies on `holder`, and `have` says how far it is elsewhere
  kSearch,      // its configuration has not been proposed yet
  kParents,     // the trials that it may go on from have not ended yet
  kSweepPaused,
  kDelay,       // the pause after a failure of its host
  kLeaving,     // the coordinator is about to leave
  kSweepEnded,  // the sweep ended before its turn came
};

// The end of its last attempt, where it has one.
struct EndFacts {
  EndCause cause = EndCause::kExited;
  int exit_code = 0;
  int signal = 0;
  std::string detail;
};

struct TrialFacts {
  std::string sweep;
  std::int64_t number = 0;
  TrialState state = TrialState::kWaiting;
  std::string reason;  // as stored with the state
  int attempts = 0;
  std::optional<EndFacts> end;
  std::string host;      // of the last attempt
  std::string devices;   // "core 1"
  std::int64_t pid = 0;  // 0: unknown
  std::string metric;    // the sweep's, or ""
  std::optional<double> objective;

  WaitCause wait = WaitCause::kUnknown;
  std::int64_t ahead = 0;  // waiting trials before it; `wait` is of the first of them
  std::string request;     // "1 core and 4096 MiB"
  std::string have;        // what the host has of it: "all 2 cores of local are in use"; with
                           // kCode, what it lacks: "its code"
  std::string holder;      // with kForeign, kReserved, kHost, kCode
  std::int64_t parallel = 0;
  double delay_s = 0;  // with kDelay

  SweepOutcome sweep_outcome = SweepOutcome::kNone;
  std::string sweep_reason;  // what the sweep ended with
};

// One or two sentences: what it is, and what can be done about it.
[[nodiscard]] std::string Explain(const TrialFacts& facts);

// Only what a waiting trial waits for: "waits for core 3: held by …", for a line of progress.
[[nodiscard]] std::string DescribeWait(const TrialFacts& facts);

// From stored rows alone, when no coordinator runs.
[[nodiscard]] std::string ExplainStored(const SweepLine& sweep, const TrialLine& trial,
                                        std::span<const AttemptLine> attempts);

// A trial that has no row: it was never launched.
[[nodiscard]] std::string ExplainUntouched(const SweepLine& sweep, std::int64_t number);

// The explanation of a sweep that never ran anything because no host could ever take a trial begins
// with this.
inline constexpr std::string_view kNeverFits = "no host can ever take a trial";

}  // namespace ddl
