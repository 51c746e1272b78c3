// SPDX-License-Identifier: Apache-2.0
// A sweep as its spec says it: plain values, complete, every default filled in.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/early_terminate.h"
#include "configs/failure_rules.h"
#include "configs/host_entry.h"
#include "configs/json.h"
#include "configs/own_search.h"
#include "configs/pbt_settings.h"
#include "configs/space.h"
#include "configs/states.h"

namespace ddl {

enum class Method : std::uint8_t {
  kGrid,
  kRandom,
  kSobol,
  kTpe,
  kGp,
  kCmaes,
  kNsga2,
  kAuto,
  kCustom,
  kPbt,
};
inline constexpr std::array<std::string_view, 10> kMethodNames{
    "grid", "random", "sobol", "tpe", "gp", "cmaes", "nsga2", "auto", "custom", "pbt"};
// What it proposes follows from results; that of the others from the spec alone.
[[nodiscard]] constexpr bool Learns(Method method) {
  return method >= Method::kTpe;
}
inline constexpr std::size_t kMostSobolParameters = 3667;  // of the table of Joe and Kuo (2008)
// Which trials' outputs and checkpoints come back from other hosts.
enum class ResultsRule : std::uint8_t { kBest, kAll, kNone };
enum class Goal : std::uint8_t { kMinimize, kMaximize };

struct Metric {
  std::string name;
  Goal goal = Goal::kMinimize;
  std::optional<double> target;  // the sweep has succeeded once a trial reaches it
};

// What one rank occupies.
struct Resources {
  double cpus = 1;              // cores; fractions allowed
  double gpus = 0;              // whole, or a share of one GPU's memory below 1
  std::int64_t memory_mib = 0;  // 0: not limited and not counted
};

// Of the whole sweep; reaching one ends it in order.
struct Limits {
  std::optional<double> wall_h;
  std::optional<double> gpu_h;
  std::optional<std::int64_t> epochs;  // reports of the metric, summed over trials
};

// Results that a search learns from before its first trial: of a sweep in the store, or of a file.
struct WarmStart {
  std::string sweep;                  // its name, or
  std::string file;                   // absolute, as `ddl report --csv` writes it
  std::optional<std::int64_t> limit;  // configurations, at most; the best ones
};

// A configuration that another sweep tried, and what came of it.
struct WarmPoint {
  Json configuration;
  std::vector<double> values;                // one an objective, finite; none of what failed
  TrialState state = TrialState::kFinished;  // or kPruned or kFailed
};

// A metric out of plain text: the first group of `pattern` (ECMAScript), as a number.
struct Capture {
  std::string metric;
  std::string pattern;
};

// A variable of a trial's environment whose value stands in nothing that is written: `secret` says
// under which name cli/secrets.h finds it.
struct SecretVariable {
  std::string variable;
  std::string secret;
};
using SecretValues = std::map<std::string, std::string>;  // by name of the secret

// No further trial starts there until the user takes it in again. In no file.
struct DrainedHost {
  std::string host;
  std::string reason;
  std::string gpu{};  // its uuid, where one GPU of the host is meant
  bool operator==(const DrainedHost&) const = default;
};

// SweepSpec::fusion: as many trials in a process as run at once on a host; each in its own.
inline constexpr int kWholeFusion = 0;
inline constexpr int kNoFusion = -1;

struct SweepSpec {
  std::string name;
  std::string description;

  // What a trial runs: the built-in trainer's configuration, or a command with macros.
  std::optional<Json> trainer;
  std::string program;
  std::vector<std::string> command;

  Method method = Method::kGrid;
  std::optional<OwnSearch> own_search = std::nullopt;  // of kCustom
  std::optional<PbtSettings> pbt = std::nullopt;       // of kPbt
  std::optional<Metric> metric;
  // Of a sweep with several objectives all of them, `metric` the first; else empty.
  std::vector<Metric> objectives;
  Space space;
  std::vector<std::string> constraints;  // expressions that hold in every configuration
  std::vector<Json> initial_points;      // tried first; what one leaves open is drawn
  std::optional<WarmStart> warm_start;
  std::vector<WarmPoint> warm_points{};  // what it brought, once that is read. In no file
  std::optional<EarlyTerminate> early_terminate = std::nullopt;
  int seeds = 1;                        // trials per configuration
  std::uint64_t search_seed = 0;        // of the search's own random numbers
  std::optional<std::int64_t> run_cap;  // trials; a grid needs none
  // Of a sweep that `ddl extend` made longer: what its file says. In no file.
  std::optional<std::int64_t> run_cap_before_extension = std::nullopt;

  std::optional<int> parallel;  // trials at once, at most; else what fits
  Limits limits;
  Resources resources;
  std::vector<std::string> hosts{"local"};  // addresses; names and labels are resolved
  std::vector<HostEntry> inventory;         // what hosts.yaml says of them
  // Of a sweep whose hosts `ddl hosts` changed: what its file says. In no file.
  std::optional<std::vector<std::string>> hosts_before_change = std::nullopt;
  std::vector<DrainedHost> drained;
  std::vector<FailureRule> failures;  // its own, then those of hosts.yaml; not the built-in ones
  int retries = 0;
  std::optional<std::chrono::milliseconds> timeout;  // of a trial
  std::chrono::milliseconds grace{10'000};           // between TERM and KILL
  // So long a host may be away before its attempts are given up, where another can take them.
  std::chrono::milliseconds lost_after = std::chrono::minutes(30);
  ResultsRule results = ResultsRule::kBest;
  // The best so many trials keep their checkpoints, and are what `results: best` brings back.
  std::optional<std::int64_t> keep;
  int fusion = kWholeFusion;     // trials of the built-in trainer that share a process, at most
  bool fail_fast = false;        // the first failed trial ends the sweep
  bool share_busy_gpus = false;  // use GPUs that processes outside ddl use too

  std::vector<Capture> captures;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<SecretVariable> secrets;
  std::string workdir;    // absolute
  bool snapshot = false;  // trials run in a copy of workdir as it is when the sweep begins
  std::string code{};     // the name of that copy, once it is taken. In no file
  // Its trials are run by a program that asks and tells (scheduler/outside.h). In no file.
  bool is_outside = false;
};

// Everything that decides what is computed, as canonical JSON. Two specs with the same content are
// the same sweep. Reads back through SpecFromJson without loss.
[[nodiscard]] Json ResolvedSpec(const SweepSpec& spec);
[[nodiscard]] SweepSpec SpecFromJson(const Json& resolved);

}  // namespace ddl
