// SPDX-License-Identifier: Apache-2.0
// A store of 100,000 trials and 10 million metric rows, written by the product's own writer: rows
// committed a second, bytes a metric row, and what `ddl status`, `ddl report` and going on with the
// sweep take. Targets: <= 60 B a row, status <= 100 ms, report <= 500 ms, going on <= 2 s.
// `--json` for programs; `--trials N` and `--rows N` (a trial) make it smaller; `--rounds N`.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/spec_reader.h"
#include "store/store.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::int64_t trials = 100'000;
  std::int64_t rows = 100;
  int rounds = 5;
  bool json = false;
};

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

ddl::SweepSpec Spec(const Options& options) {
  return ddl::ReadSpec(
             fmt::format("name: large\ncommand: [/bin/true]\nmethod: random\nrun_cap: {}\n"
                         "metric: {{name: loss, goal: minimize}}\nparameters:\n"
                         "  lr: {{min: 0.0, max: 1.0}}\n  width: {{values: [64, 128, 256]}}\n",
                         options.trials),
             {"large.yaml", ".", {}})
      .spec;
}

// All that a trial leaves behind: intent, start, metrics, end.
void AppendTrial(std::int64_t number, std::int64_t rows, std::vector<ddl::Change>& changes) {
  const ddl::TrialId trial{number};
  const ddl::JobId job{number};
  changes.emplace_back(ddl::TrialAdded{
      .id = trial,
      .sweep = {1},
      .number = number,
      .configuration = number - 1,
      .params_json = fmt::format(R"({{"lr":{},"width":128}})", 1.0 / static_cast<double>(number)),
      .at_ms = number});
  changes.emplace_back(ddl::AttemptAdded{
      .trial = trial,
      .job = job,
      .token = fmt::format("{:032x}", number),
      .host = "local",
      .slots_json = R"({"cores":[[0,0,1000]],"gpus":[],"memory_mib":0})",
      .argv_json = R"(["/bin/true","--lr=0.5"])",
      .job_folder = fmt::format("/var/tmp/ddl-1000/0123456789abcdef/jobs/{}.0", number),
      .at_ms = number});
  changes.emplace_back(ddl::AttemptStarted{.trial = trial, .pid = 1000, .at_ms = number});
  ddl::MetricsAdded metrics{.rank = {job, 0}, .trial = trial};
  for (std::int64_t seq = 1; seq <= rows; ++seq) {
    const double loss = 1.0 / static_cast<double>(seq + number % 17);
    metrics.reports.push_back(
        {.seq = seq, .step = seq, .elapsed_ms = seq * 137, .values = {{"loss", loss}}});
  }
  changes.emplace_back(std::move(metrics));
  changes.emplace_back(
      ddl::AttemptEnded{.trial = trial, .wall_ms = 2000, .last_seq = rows, .at_ms = number + 2000});
  changes.emplace_back(
      ddl::TrialMoved{.trial = trial, .to = ddl::TrialState::kFinished, .at_ms = number + 2000});
}

// Seconds of committing, ten trials a transaction.
double Fill(const std::string& folder, const Options& options) {
  ddl::Store store = ddl::Store::Open(folder);
  const ddl::SweepSpec spec = Spec(options);
  std::vector<ddl::Change> changes{
      ddl::SweepAdded{.id = {1},
                      .name = "large",
                      .spec_json = ddl::DumpJson(ddl::ResolvedSpec(spec)),
                      .metric = "loss",
                      .trials_planned = options.trials,
                      .provenance_json = "{}"}};
  const Clock::time_point start = Clock::now();
  for (std::int64_t number = 1; number <= options.trials; ++number) {
    AppendTrial(number, options.rows, changes);
    if (number % 10 != 0 && number != options.trials) continue;
    store.Commit(changes);
    changes.clear();
  }
  return MillisecondsSince(start) / 1e3;
}

// Of the command as a user types it.
double CommandMilliseconds(const std::string& folder, const char* command) {
  std::string program = std::string(DDL_BINARY_DIR) + "/ddl";
  std::string verb = command;
  std::string option = "--store";
  std::string where = folder;
  char* argv[] = {program.data(), verb.data(), option.data(), where.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const Clock::time_point start = Clock::now();
  pid_t pid = -1;
  int status = -1;
  if (posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environ) != 0 ||
      waitpid(pid, &status, 0) != pid || status != 0) {
    fmt::print(stderr, "ddl {} failed\n", command);
    std::exit(1);
  }
  posix_spawn_file_actions_destroy(&actions);
  return MillisecondsSince(start);
}

double Median(int rounds, const std::function<double()>& measure) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(rounds));
  for (int i = 0; i < rounds; ++i) {
    values.push_back(measure());
  }
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double LoadMilliseconds(const std::string& folder) {
  const ddl::Store store = ddl::Store::Open(folder);
  const Clock::time_point start = Clock::now();
  if (!store.Load("large")) std::exit(1);
  return MillisecondsSince(start);
}

Options ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") options.json = true;
    if (i + 1 == argc) continue;
    if (word == "--trials") options.trials = std::max(1L, std::atol(argv[i + 1]));
    if (word == "--rows") options.rows = std::max(1L, std::atol(argv[i + 1]));
    if (word == "--rounds") options.rounds = std::max(1, std::atoi(argv[i + 1]));
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ReadOptions(argc, argv);
  std::string folder = std::filesystem::temp_directory_path() / "ddl-store-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const double seconds = Fill(folder, options);
  const auto rows = static_cast<double>(options.trials * options.rows);
  const auto bytes = static_cast<double>(std::filesystem::file_size(folder + "/ddl.db"));
  const double status =
      Median(options.rounds, [&] { return CommandMilliseconds(folder, "status"); });
  const double report =
      Median(options.rounds, [&] { return CommandMilliseconds(folder, "report"); });
  const double load = Median(options.rounds, [&] { return LoadMilliseconds(folder); });
  std::filesystem::remove_all(folder);
  if (options.json) {
    fmt::print(
        R"({{"benchmark": "store", "trials": {}, "rows": {:.0f}, "rows_per_s": {:.0f}, )"
        R"("bytes_per_row": {:.1f}, "status_ms": {:.1f}, "report_ms": {:.1f}, "load_ms": {:.1f}}})"
        "\n",
        options.trials, rows, rows / seconds, bytes / rows, status, report, load);
    return 0;
  }
  fmt::print("store of {} trials and {:.0f} metric rows (medians of {})\n", options.trials, rows,
             options.rounds);
  fmt::print("  rows/s committed  bytes/row (trials included)  status ms  report ms  load ms\n");
  fmt::print("  {:>16.0f}  {:>27.1f}  {:>9.1f}  {:>9.1f}  {:>7.1f}\n", rows / seconds, bytes / rows,
             status, report, load);
  return 0;
}
