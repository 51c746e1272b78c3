// SPDX-License-Identifier: Apache-2.0
// One function a command, one file a function. Each returns the exit code: 0 all done, 1 some
// trials failed, 2 bad spec or usage, 3 infrastructure, 4 target or limit missed, 130 interrupted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ddl {

struct CommonOptions {
  std::string store;  // --store; empty: found as store/location.h says
  bool json = false;
};

struct SweepOptions {
  CommonOptions common;
  std::string spec_file;
  std::vector<std::string> overrides;
  std::optional<int> parallel;  // -j
  bool begin_new = false;       // --new
  bool take_over = false;       // --take-over
  bool detach = false;
  bool fail_fast = false;
  bool retry_failed = false;
  bool yes = false;  // answer yes to questions
  bool quiet = false;
};

struct AskOptions {
  CommonOptions common;
  std::string spec_file;
  std::vector<std::string> overrides;
  std::int64_t count = 1;
  bool begin_new = false;  // --new
};

struct TellOptions {
  CommonOptions common;
  std::string sweep;
  std::int64_t number = 0;     // of the trial
  std::vector<double> values;  // one an objective
  bool has_failed = false;
};

struct RunOptions {
  CommonOptions common;
  std::string name;
  std::vector<std::string> command;
  std::optional<double> cpus;
  std::optional<double> gpus;
  std::string memory;
  bool detach = false;
};

struct ValidateOptions {
  CommonOptions common;
  std::string spec_file;
  std::vector<std::string> overrides;
};

struct PlanOptions {
  CommonOptions common;
  std::string spec_file;
  std::vector<std::string> overrides;
  std::int64_t limit = 20;
};

struct StatusOptions {
  CommonOptions common;
  std::string sweep;   // empty: all
  bool names = false;  // --names: nothing but names, one a line, for completion in shells
};

struct WatchOptions {
  CommonOptions common;
  std::string sweep;  // empty: the newest
};

struct ReportOptions {
  CommonOptions common;
  std::string sweep;  // empty: the newest
  std::int64_t top = 10;
  std::string junit_file;
  std::string csv_file;
  std::string best_file;          // the best configuration as a ready-to-run spec; "-" is stdout
  std::int64_t trial = 0;         // its configuration, not the best one; 0: the best
  std::vector<double> reference;  // of the hypervolume, one value an objective; empty: its own
};

struct CompareOptions {
  CommonOptions common;
  std::vector<std::string> names;  // SWEEP, NUMBER or SWEEP/NUMBER
  std::string metric;              // empty: that of the sweeps
  bool single = false;             // trials alone, not with all seeds of their configuration
};

struct ShowOptions {
  CommonOptions common;
  std::string trial;  // NUMBER of the newest sweep, SWEEP/NUMBER, or SWEEP
};

struct LogsOptions {
  CommonOptions common;
  std::string trial;
  bool follow = false;
  std::optional<int> attempt;
  std::int64_t lines = 0;  // of the tail; 0: all
};

struct ExplainOptions {
  CommonOptions common;
  std::string trial;
};

enum class ControlVerb : std::uint8_t { kStop, kPause, kResume, kRetry, kExtend };

struct ControlOptions {
  CommonOptions common;
  ControlVerb verb = ControlVerb::kStop;
  std::string target;                 // SWEEP, NUMBER or SWEEP/NUMBER; empty: the newest sweep
  std::optional<std::int64_t> count;  // extend: further trials
};

struct HostsOptions {
  CommonOptions common;
  std::string verb;                // empty: list them; check, drain, resume, add, remove
  std::vector<std::string> hosts;  // names, addresses, label:L
  std::string reason;              // drain
  std::string sweep;               // add, remove; empty: the newest that is open
};

struct TrainOptions {
  std::string config_file;  // a spec with `trainer:`, or its mapping alone
  std::vector<std::string> overrides;
  bool is_explained = false;  // print stages, shapes, memory and arithmetic, and train nothing
};

struct DataOptions {
  std::string verb;    // info, check or pack
  std::string source;  // a spec with `trainer:`, or a packed file
  std::vector<std::string> overrides;
  std::string out_file;  // of a pack
  bool json = false;
};

struct DoctorOptions {
  CommonOptions common;
  bool is_bench = false;  // also measure what one core reaches
};

struct StoreOptions {
  CommonOptions common;
  std::string verb;  // check, backup or rebuild
  std::string file;  // backup: where to; empty: in the store's folder
};

struct GcOptions {
  CommonOptions common;
  std::string sweep;                      // empty: all
  std::optional<std::int64_t> keep_best;  // else as specs say, or 3
  std::int64_t keep_days = 30;
  bool hosts = false;  // also on the other hosts of these sweeps
  bool yes = false;
};

struct FetchOptions {
  CommonOptions common;
  std::string target;  // SWEEP, NUMBER or SWEEP/NUMBER; empty: the newest sweep
  bool all = false;    // of a sweep: not by its rule
};

struct VerifyOptions {
  CommonOptions common;
  std::string trial;  // NUMBER or SWEEP/NUMBER
};

struct CompletionOptions {
  std::string shell;  // bash, zsh or fish
};

[[nodiscard]] int RunSweepCommand(const SweepOptions& options);
[[nodiscard]] int RunAskCommand(const AskOptions& options);
[[nodiscard]] int RunTellCommand(const TellOptions& options);
[[nodiscard]] int RunRunCommand(const RunOptions& options);
[[nodiscard]] int RunValidateCommand(const ValidateOptions& options);
[[nodiscard]] int RunPlanCommand(const PlanOptions& options);
[[nodiscard]] int RunStatusCommand(const StatusOptions& options);
[[nodiscard]] int RunWatchCommand(const WatchOptions& options);
[[nodiscard]] int RunReportCommand(const ReportOptions& options);
[[nodiscard]] int RunCompareCommand(const CompareOptions& options);
[[nodiscard]] int RunShowCommand(const ShowOptions& options);
[[nodiscard]] int RunLogsCommand(const LogsOptions& options);
[[nodiscard]] int RunExplainCommand(const ExplainOptions& options);
[[nodiscard]] int RunControlCommand(const ControlOptions& options);
[[nodiscard]] int RunHostsCommand(const HostsOptions& options);
[[nodiscard]] int RunTrainCommand(const TrainOptions& options);
[[nodiscard]] int RunDataCommand(const DataOptions& options);
[[nodiscard]] int RunDoctorCommand(const DoctorOptions& options);
[[nodiscard]] int RunStoreCommand(const StoreOptions& options);
[[nodiscard]] int RunGcCommand(const GcOptions& options);
[[nodiscard]] int RunFetchCommand(const FetchOptions& options);
[[nodiscard]] int RunVerifyCommand(const VerifyOptions& options);
[[nodiscard]] int RunCompletionCommand(const CompletionOptions& options);

}  // namespace ddl
