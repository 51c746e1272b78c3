// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <functional>
#include <memory>
#include <string_view>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/number_words.h"
#include "cli/whole_words.h"

namespace ddl {

namespace {

// Adds one command; `options` lives as long as the parser does.
using Chosen = std::function<int()>;

template <class Options>
Options& Command(CLI::App& command, Chosen& chosen, int (*run)(const Options&)) {
  auto options = std::make_shared<Options>();
  command.callback([&chosen, options, run] { chosen = [options, run] { return run(*options); }; });
  return *options;
}

// "st/", as shells complete it, is the folder "st", which has to be made where it is not there.
std::string WithoutSlash(std::string folder) {
  while (folder.size() > 1 && (folder.ends_with('/') || folder.ends_with("/."))) {
    folder.pop_back();
  }
  return folder;
}

void AddCommon(CLI::App& command, CommonOptions& common) {
  command.add_option("--store", common.store, "The store's folder (default: nearest .ddl)")
      ->transform(WithoutSlash);
  command.add_flag("--json", common.json, "Print JSON for programs");
}

void AddSweep(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("sweep", "Run a sweep, or go on with it");
  SweepOptions& options = Command(command, chosen, RunSweepCommand);
  AddCommon(command, options.common);
  command.add_option("spec", options.spec_file, "The YAML spec")->required();
  command.add_option("override", options.overrides,
                     "A key of the spec, or a parameter: lr=0.1,0.01");
  command.add_option("-j,--parallel", options.parallel, "Trials at once, at most");
  command.add_flag("--take-over", options.take_over,
                   "Take the trials that a copy of this store has");
  command.add_flag("--new", options.begin_new, "Begin another sweep of the same name");
  command.add_flag("--detach", options.detach, "Go on in the background");
  command.add_flag("--fail-fast", options.fail_fast, "End the sweep with the first failed trial");
  command.add_flag("--retry-failed", options.retry_failed, "Try failed trials again");
  command.add_flag("-y,--yes", options.yes, "Answer questions with yes");
  command.add_flag("-q,--quiet", options.quiet, "No progress; the exit code tells");
  command.footer(
      "Exit code: 0 all done, 1 some trials failed, 2 bad spec or usage,\n"
      "3 infrastructure, 4 target or limit missed, 130 interrupted (trials go on;\n"
      "the same command adopts them).");
}

void AddRun(CLI::App& app, Chosen& chosen) {
  CLI::App& command =
      *app.add_subcommand("run", "Run one tracked trial: ddl run -- python train.py");
  RunOptions& options = Command(command, chosen, RunRunCommand);
  AddCommon(command, options.common);
  command.add_option("--name", options.name, "Name of the sweep (default: the program's)");
  command.add_option("--cpus", options.cpus, "Cores, fractions allowed (default 1)");
  command.add_option("--gpus", options.gpus, "GPUs, or a share of one (default 0)");
  command.add_option("--memory", options.memory, "Memory limit, such as 4GiB");
  command.add_flag("--detach", options.detach, "Go on in the background");
  command.add_option("command", options.command, "The program and its arguments")->required();
  command.positionals_at_end();
}

void AddOutside(CLI::App& app, Chosen& chosen) {
  CLI::App& ask = *app.add_subcommand("ask", "What to try next, for trials run elsewhere");
  AskOptions& asked = Command(ask, chosen, RunAskCommand);
  AddCommon(ask, asked.common);
  ask.add_option("spec", asked.spec_file, "The YAML spec; it needs no command")->required();
  ask.add_option("override", asked.overrides, "KEY=VALUE");
  ask.add_option("-n,--count", asked.count, "Trials to ask for (default 1)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  ask.add_flag("--new", asked.begin_new, "Begin another sweep of the same name");
  ask.footer(
      "Prints a line a trial: its number and its parameters as JSON. Say what came\n"
      "of it by ddl tell. Exit code 4: nothing is left to try.");

  CLI::App& tell = *app.add_subcommand("tell", "What came of a trial of ddl ask");
  TellOptions& told = Command(tell, chosen, RunTellCommand);
  AddCommon(tell, told.common);
  tell.add_option("sweep", told.sweep, "Its name")->required();
  tell.add_option("number", told.number, "The trial's number")->required();
  tell.add_option("value", told.values, "Its metric; of several all, in the spec's order");
  tell.add_flag("--failed", told.has_failed, "It has none");
}

void AddSpecReaders(CLI::App& app, Chosen& chosen) {
  CLI::App& validate = *app.add_subcommand("validate", "Check a spec; write nothing");
  ValidateOptions& checked = Command(validate, chosen, RunValidateCommand);
  AddCommon(validate, checked.common);
  validate.add_option("spec", checked.spec_file, "The YAML spec")->required();
  validate.add_option("override", checked.overrides, "KEY=VALUE");

  CLI::App& plan = *app.add_subcommand("plan", "Show the trials and commands a spec would run");
  PlanOptions& planned = Command(plan, chosen, RunPlanCommand);
  AddCommon(plan, planned.common);
  plan.add_option("spec", planned.spec_file, "The YAML spec")->required();
  plan.add_option("override", planned.overrides, "KEY=VALUE");
  plan.add_option("-n,--limit", planned.limit, "Trials to show (default 20)");

  CLI::App& train = *app.add_subcommand("train", "Train once with the built-in trainer");
  TrainOptions& training = Command(train, chosen, RunTrainCommand);
  train.add_option("config", training.config_file, "A spec with `trainer:`")->required();
  train.add_option("override", training.overrides, "KEY=VALUE of the trainer's configuration");
  train.add_flag("--explain", training.is_explained, "Print what it would compute");
}

void AddData(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("data", "What data are, whether they are sound");
  DataOptions& options = Command(command, chosen, RunDataCommand);
  command.add_option("verb", options.verb, "info, check or pack")
      ->required()
      ->check(CLI::IsMember({"info", "check", "pack"}));
  command.add_option("source", options.source, "SPEC.yaml with `trainer:`, or a packed file")
      ->required();
  command.add_option("override", options.overrides, "KEY=VALUE of the trainer's configuration");
  command.add_option("-o,--out", options.out_file, "pack: the file to write");
  command.add_flag("--json", options.json, "Print JSON for programs");
  command.footer(
      "info       rows, shape, classes and how many rows each has\n"
      "check      checksums, values that are no numbers, constant columns, empty\n"
      "           classes, rows in both parts; exit 3 when the data are damaged\n"
      "pack       all of it in one checked file: data: {type: packed, file: FILE}");
}

void AddViews(CLI::App& app, Chosen& chosen) {
  CLI::App& status = *app.add_subcommand("status", "One line a sweep");
  StatusOptions& stated = Command(status, chosen, RunStatusCommand);
  AddCommon(status, stated.common);
  status.add_option("sweep", stated.sweep, "Only this sweep");
  status.add_flag("--names", stated.names, "Names alone, one a line")->group("");

  CLI::App& watch = *app.add_subcommand("watch", "Look at a running sweep");
  WatchOptions& watched = Command(watch, chosen, RunWatchCommand);
  AddCommon(watch, watched.common);
  watch.add_option("sweep", watched.sweep, "Its name (default: the newest)");

  CLI::App& report = *app.add_subcommand("report", "Ranked table, curves, best configuration");
  ReportOptions& reported = Command(report, chosen, RunReportCommand);
  AddCommon(report, reported.common);
  report.add_option("sweep", reported.sweep, "Its name (default: the newest)");
  report.add_option("-n,--top", reported.top, "Rows of the table (default 10)");
  report.add_option("--junit", reported.junit_file, "Write JUnit XML for a CI's page");
  report.add_option("--csv", reported.csv_file, "Write all trials as CSV");
  CLI::Option* best = report.add_option("--best", reported.best_file,
                                        "Write the best as a spec that runs (- is stdout)");
  report.add_option("--trial", reported.trial, "With --best: this trial's configuration")
      ->needs(best)
      ->check(CLI::PositiveNumber);
  report
      .add_option("--reference", reported.reference,
                  "Of the hypervolume: a value an objective, V1,V2")
      ->delimiter(',');
}

void AddTrialViews(CLI::App& app, Chosen& chosen) {
  constexpr const char* kTrial = "NUMBER (of the newest sweep) or SWEEP/NUMBER";
  CLI::App& show = *app.add_subcommand("show", "Everything about one trial, or of a sweep");
  ShowOptions& shown = Command(show, chosen, RunShowCommand);
  AddCommon(show, shown.common);
  show.add_option("trial", shown.trial, "NUMBER (of the newest sweep), SWEEP/NUMBER, SWEEP")
      ->required();

  CLI::App& logs = *app.add_subcommand("logs", "What a trial wrote");
  LogsOptions& logged = Command(logs, chosen, RunLogsCommand);
  AddCommon(logs, logged.common);
  logs.add_option("trial", logged.trial, kTrial)->required();
  logs.add_flag("-f,--follow", logged.follow, "Go on as it writes");
  logs.add_option("--attempt", logged.attempt, "Which attempt (default: the last)");
  logs.add_option("-n,--lines", logged.lines, "Only the last N lines");

  CLI::App& explain = *app.add_subcommand("explain", "Why a trial waits, or how it ended");
  ExplainOptions& explained = Command(explain, chosen, RunExplainCommand);
  AddCommon(explain, explained.common);
  explain.add_option("trial", explained.trial, kTrial)->required();

  CLI::App& verify = *app.add_subcommand("verify", "Run a trial again: are the bits the same?");
  VerifyOptions& verified = Command(verify, chosen, RunVerifyCommand);
  AddCommon(verify, verified.common);
  verify.add_option("trial", verified.trial, kTrial)->required();
  verify.footer(
      "Of the built-in trainer. Compares every metric, and the weights where the\n"
      "trial's checkpoints are here. Exit code 1: not the same, and what differs in\n"
      "machine, library and data.");
}

void AddCompare(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("compare", "Trials or sweeps side by side");
  CompareOptions& options = Command(command, chosen, RunCompareCommand);
  AddCommon(command, options.common);
  command.add_option("side", options.names, "SWEEP, NUMBER or SWEEP/NUMBER, two to ten of them")
      ->required();
  command.add_option("--metric", options.metric, "Which metric (default: that of the sweeps)");
  command.add_flag("--single", options.single, "Trials alone, not all seeds of them");
  command.footer(
      "A trial stands for its configuration over all seeds, a sweep for its best one.\n"
      "Tells what differs in them and in what they reached. A difference is claimed\n"
      "only where a paired test over seeds shows it: at least 6 seeds, p below 0.05.");
}

void AddControl(CLI::App& app, Chosen& chosen, const char* name, const char* text,
                ControlVerb verb) {
  CLI::App& command = *app.add_subcommand(name, text);
  ControlOptions& options = Command(command, chosen, RunControlCommand);
  options.verb = verb;
  AddCommon(command, options.common);
  command.add_option("target", options.target, "SWEEP, NUMBER or SWEEP/NUMBER (default: newest)");
  if (verb == ControlVerb::kExtend) {
    command.add_option("--by", options.count, "Further trials")->required();
  }
}

void AddControls(CLI::App& app, Chosen& chosen) {
  AddControl(app, chosen, "stop", "End a sweep or a trial", ControlVerb::kStop);
  AddControl(app, chosen, "pause", "Stop a trial so that it can go on later", ControlVerb::kPause);
  AddControl(app, chosen, "resume", "Let paused trials go on", ControlVerb::kResume);
  AddControl(app, chosen, "retry", "Try failed trials again, or a trial named",
             ControlVerb::kRetry);
  AddControl(app, chosen, "extend", "Add trials to a sweep", ControlVerb::kExtend);
}

void AddHosts(CLI::App& app, Chosen& chosen) {
  CLI::App& command =
      *app.add_subcommand("hosts", "What the hosts have, and which trials get them");
  HostsOptions& options = Command(command, chosen, RunHostsCommand);
  AddCommon(command, options.common);
  command.add_option("verb", options.verb, "check, drain, resume, add, remove; none: list")
      ->check(CLI::IsMember({"check", "drain", "resume", "add", "remove"}));
  command.add_option("host", options.hosts, "NAME of hosts.yaml, label:L, ssh://HOST, local");
  command.add_option("--reason", options.reason, "drain: why, for those who look");
  command.add_option("--sweep", options.sweep, "add, remove: of which sweep (default: newest)");
  command.footer(
      "check      what is wrong on a host and how to mend it; exit 3 when a sweep\n"
      "           cannot use it\n"
      "drain      no further trial starts there; those that run end by themselves\n"
      "resume     trials start there again, also after it was set aside\n"
      "add        the open sweep uses the host too\n"
      "remove     the open sweep does not use it any more\n"
      "Hosts are listed in hosts.yaml beside the spec or above it, and in\n"
      "~/.config/ddl/hosts.yaml; docs/hosts.md shows one.");
}

void AddGc(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("gc", "Remove what ended trials left");
  GcOptions& options = Command(command, chosen, RunGcCommand);
  AddCommon(command, options.common);
  command.add_option("sweep", options.sweep, "Only of this sweep (default: all)");
  command
      .add_option("--keep-best", options.keep_best,
                  "Best trials to keep (else as its spec says, or 3)")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--keep-days", options.keep_days, "Days that job folders stay (default 30)")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{36'500}));
  command.add_flag("--hosts", options.hosts, "Also on other hosts where trials ran");
  command.add_flag("-y,--yes", options.yes, "Do it; without, the plan is shown, and asked for");
  command.footer(
      "Of ended trials: logs are compressed; checkpoints go, but for the best;\n"
      "job folders with their outputs go after --keep-days, but for the best.\n"
      "What lives, is paused or is in no backup yet stays. Metrics always stay.");
}

void AddFetch(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("fetch", "Bring results back from other hosts");
  FetchOptions& options = Command(command, chosen, RunFetchCommand);
  AddCommon(command, options.common);
  command.add_option("target", options.target, "SWEEP, TRIAL or SWEEP/TRIAL (default: newest)");
  command.add_flag("--all", options.all, "Of every trial that has ended");
  command.footer(
      "Outputs and checkpoints of ended trials, into STORE/results/SWEEP-ID/trial-N.\n"
      "Without --all: of the best trial, or by the rule `results` of the spec. What was\n"
      "cut off goes on where it was. Exit code 3: a host cannot be reached.");
}

void AddRest(CLI::App& app, Chosen& chosen) {
  CLI::App& store = *app.add_subcommand("store", "Check, back up or rebuild the database");
  StoreOptions& kept = Command(store, chosen, RunStoreCommand);
  AddCommon(store, kept.common);
  store.add_option("verb", kept.verb, "check, backup or rebuild")
      ->required()
      ->check(CLI::IsMember({"check", "backup", "rebuild"}));
  store.add_option("file", kept.file, "backup: the copy (default: in the store's folder)");
  store.footer(
      "check      reads only; exit 3 when something is damaged\n"
      "backup     a verified copy, also beside a running coordinator\n"
      "rebuild    from backup, journal and spools; the damaged file is kept aside");

  CLI::App& doctor = *app.add_subcommand("doctor", "Check this machine, and say what to mend");
  DoctorOptions& checked = Command(doctor, chosen, RunDoctorCommand);
  AddCommon(doctor, checked.common);
  doctor.add_flag("--bench", checked.is_bench, "Measure what one core reaches");
  doctor.footer(
      "--bench takes about a second, best with nothing else running. The figures are\n"
      "kept for later trainings, whose metrics then have percent_of_limit.");

  CLI::App& completion = *app.add_subcommand("completion", "Print a completion script");
  CompletionOptions& completed = Command(completion, chosen, RunCompletionCommand);
  completion.add_option("shell", completed.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

void AddCommands(CLI::App& app, Chosen& chosen) {
  AddSweep(app, chosen);
  AddRun(app, chosen);
  AddOutside(app, chosen);
  AddSpecReaders(app, chosen);
  AddData(app, chosen);
  AddViews(app, chosen);
  AddTrialViews(app, chosen);
  AddCompare(app, chosen);
  AddControls(app, chosen);
  AddHosts(app, chosen);
  AddFetch(app, chosen);
  AddGc(app, chosen);
  AddRest(app, chosen);
}

// Every option gets its words as they were given; see WithBracketsMarked.
void Unmark(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) {
      option->transform(Unmarked);
    }
  }
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  CLI::App app{"ddl: sweeps over models, in parallel, remembered. Start: ddl sweep SPEC.yaml"};
  app.name("ddl");
  app.set_version_flag("--version", "ddl 0.1.0");
  app.require_subcommand(1);
  Chosen chosen;
  AddCommands(app, chosen);
  Unmark(app);
  try {
    const std::vector<std::string> words =
        WithBracketsMarked(WithNumbersAsValues({argv, argv + argc}));
    std::vector<const char*> pointers;
    for (const std::string& word : words) {
      pointers.push_back(word.c_str());
    }
    app.parse(argc, pointers.data());
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  return chosen();
}

bool WantsJson(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--") return false;
    if (std::string_view(argv[i]) == "--json") return true;
  }
  return false;
}

}  // namespace ddl
