// SPDX-License-Identifier: Apache-2.0
// What the scheduler core is told, and what it orders. Plain values: the product's loop and a
// simulator exchange the same ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "configs/spec.h"
#include "runner/messages.h"
#include "scheduler/search/adaptive_search.h"
#include "store/changes.h"
#include "store/store.h"

namespace ddl {

// Decisions use `monotonic` only; unix time is written down for people.
struct Now {
  std::chrono::nanoseconds monotonic{0};
  std::int64_t unix_ms = 0;
};

// ---- events ----------------------------------------------------------------------------------

// A sweep to begin (no history) or to go on with.
struct SweepOpened {
  SweepSpec spec;
  std::string spec_text;
  std::string provenance_json;
  std::optional<SweepHistory> history;
  bool retry_failed = false;
  // False: live trials are watched to their end, but nothing starts until a SpecChanged asks for
  // it, and a sweep that has ended stays so until an act of the user reopens it.
  bool may_launch = true;
  SecretValues secrets{};  // with may_launch: all that the spec names
};

// Somebody asked for an open sweep again, perhaps with a spec that changed in place (run_cap
// upward, limits, parallel, …).
struct SpecChanged {
  SweepId sweep;
  SweepSpec spec;
  bool retry_failed = false;
  SecretValues secrets{};
};

struct HostUp {
  int host = 0;  // index that the coordinator gave its link
  HostFacts facts;
  std::vector<FoundRank> found;
  std::string name = "local";  // as specs name it
};
// The host's devices changed while its link stayed up (a GPU became free, a core was taken away).
struct HostChanged {
  int host = 0;
  HostFacts facts;
};
struct HostDown {
  int host = 0;
  std::string reason;
};
struct HostSilent {
  int host = 0;
};
struct RankStarted {
  int host = 0;
  StartRecord record;
  std::chrono::milliseconds age{0};  // so long ago
};
struct RankSlotBusy {
  int host = 0;
  SlotBusy busy;
};
struct MetricsArrived {
  int host = 0;
  Metrics metrics;
};
struct RankExited {
  int host = 0;
  ExitRecord record;
};

// A sweep's code, by its name, and a host: it is there, in `folder`; it is not, `why` goes on after
// "waits for its code".
struct CodeReady {
  int host = 0;
  std::string code;
  std::string folder;
};
struct CodeAwaited {
  int host = 0;
  std::string code;
  std::string why;
  bool is_refused = false;  // nothing of it is on its way any more
};

// Of what a FetchCheckpoint asked for: this machine has it, as the snapshot `code`. "": there is
// none
// (`is_missing`), or `problem` says why it has not come.
struct CheckpointFetched {
  SweepId sweep;
  std::int64_t number = 0;
  int attempt = 0;
  std::string code{};
  bool is_missing = false;
  std::string problem{};
};

// Configurations number first, first + 1, … of the sweep; fewer than asked: the space is exhausted,
// or the search has failed.
struct Proposed {
  SweepId sweep;
  std::int64_t first = 0;
  std::int64_t asked = 0;
  std::vector<Configuration> configurations;
  std::string failure{};  // why it proposes no more; "": it does
  std::string note{};     // what the search says of itself by now
  // Of those that begin from the last checkpoint of another configuration: that one.
  std::map<std::int64_t, std::int64_t> parents{};
};

// Spools up to these marks are in a verified backup.
struct BackupMade {
  std::vector<Store::SavedMark> marks;
};

// A host had seen this coordinator's epoch, or a later one: the database is older than the host,
// and jobs that it does not know may have folders there.
struct EpochPassed {
  std::uint64_t epoch = 0;  // of this coordinator from now on
};

struct Tick {};

enum class UserVerb : std::uint8_t {
  kStop,
  kPause,
  kResume,
  kRetry,
  kExtend,
  kExplain,
  kShutdown,
  // Of hosts, for all sweeps that are open; the last two for one sweep.
  kListHosts,
  kDrainHost,
  kResumeHost,
  kAddHost,
  kRemoveHost,
};
[[nodiscard]] constexpr bool IsOfHosts(UserVerb verb) {
  return verb >= UserVerb::kListHosts;
}

// `trials` empty: the whole sweep. `request` comes back in an Answer.
struct UserAsked {
  std::uint64_t request = 0;
  UserVerb verb = UserVerb::kStop;
  SweepId sweep;
  std::vector<std::int64_t> trials;       // numbers within the sweep
  std::optional<std::int64_t> extend_by;  // kExtend: further trials
  std::string host;                       // its name or address, with verbs of hosts
  std::string reason;                     // kDrainHost
  std::optional<HostEntry> entry;         // kAddHost
};

using Event =
    std::variant<SweepOpened, SpecChanged, HostUp, HostChanged, HostDown, HostSilent, RankStarted,
                 RankSlotBusy, MetricsArrived, RankExited, Proposed, BackupMade, EpochPassed, Tick,
                 UserAsked, CodeReady, CodeAwaited, CheckpointFetched>;

// ---- actions ---------------------------------------------------------------------------------

// All commits of a turn become one transaction, done before any other action of the turn.
struct CommitChange {
  Change change;
};
// The search is to propose configurations first … first + count - 1.
struct AskSearch {
  SweepId sweep;
  std::int64_t first = 0;
  std::int64_t count = 0;
};
// What came of a configuration, for a search that learns. In the order of asks and tells.
struct TellSearch {
  SweepId sweep;
  std::int64_t configuration = 0;
  Outcome outcome;
};
struct SendToHost {
  int host = 0;
  ToHost message;
};
struct Answer {
  std::uint64_t request = 0;
  bool ok = true;
  std::string text;
};
// A line for the screens of all viewers.
struct Say {
  SweepId sweep;
  std::string text;
};
struct SweepEnded {
  SweepId sweep;
  SweepOutcome outcome = SweepOutcome::kNone;
  std::string reason;
};

// The checkpoints that a trial's last attempt left on a host are wanted here, to be sent to another
// host; a CheckpointFetched answers. `is_there` false: that host does not answer, so what this
// machine has of them already is all.
struct FetchCheckpoint {
  SweepId sweep;
  std::int64_t number = 0;
  int attempt = 0;
  TrialId trial;
  std::string host;    // its address
  std::string folder;  // of the store, there
  bool is_there = true;
};
// A host is to have fetched checkpoints, which CodeReady and CodeAwaited tell of; no host needs
// them any more.
struct OfferCheckpoint {
  int host = 0;
  std::string code;
};
struct DropCheckpoint {
  std::string code;
};

using Action = std::variant<CommitChange, AskSearch, TellSearch, SendToHost, Answer, Say,
                            SweepEnded, FetchCheckpoint, OfferCheckpoint, DropCheckpoint>;

}  // namespace ddl
