// SPDX-License-Identifier: Apache-2.0
#include "cli/command_table.h"

#include <array>

namespace ddl {

namespace {

constexpr std::array kCommon{
    OptionWords{"--store", WordKind::kFolder, "folder of the store"},
    OptionWords{"--json", WordKind::kNothing, "output for programs"},
    OptionWords{"--help", WordKind::kNothing, "what the command does"},
};

constexpr std::array kSweep{
    OptionWords{"-j", WordKind::kAny, "trials at once, at most"},
    OptionWords{"--take-over", WordKind::kNothing, "take the trials that a copy of this store has"},
    OptionWords{"--new", WordKind::kNothing, "begin another sweep of that name"},
    OptionWords{"--detach", WordKind::kNothing, "go on without this terminal"},
    OptionWords{"--fail-fast", WordKind::kNothing, "the first failed trial ends the sweep"},
    OptionWords{"--retry-failed", WordKind::kNothing, "try failed trials again"},
    OptionWords{"--yes", WordKind::kNothing, "answer yes to questions"},
    OptionWords{"--quiet", WordKind::kNothing, "no progress"},
};

constexpr std::array kRun{
    OptionWords{"--name", WordKind::kAny, "name of the sweep"},
    OptionWords{"--cpus", WordKind::kAny, "cores, also fractions"},
    OptionWords{"--gpus", WordKind::kAny, "GPUs, also fractions"},
    OptionWords{"--memory", WordKind::kAny, "memory, as in 4GiB"},
    OptionWords{"--detach", WordKind::kNothing, "go on without this terminal"},
};

constexpr std::array kAsk{
    OptionWords{"--count", WordKind::kAny, "trials to ask for"},
    OptionWords{"--new", WordKind::kNothing, "begin another sweep of that name"},
};

constexpr std::array kTell{
    OptionWords{"--failed", WordKind::kNothing, "the trial has no value"},
};

constexpr std::array kPlan{
    OptionWords{"--limit", WordKind::kAny, "trials to list"},
};

constexpr std::array kReport{
    OptionWords{"--top", WordKind::kAny, "trials to list"},
    OptionWords{"--best", WordKind::kFile, "write the best configuration as a spec"},
    OptionWords{"--trial", WordKind::kAny, "the configuration of this trial, with --best"},
    OptionWords{"--reference", WordKind::kAny, "of the hypervolume, a value an objective"},
    OptionWords{"--csv", WordKind::kFile, "write all trials as CSV"},
    OptionWords{"--junit", WordKind::kFile, "write a JUnit report"},
};

constexpr std::array kCompare{
    OptionWords{"--metric", WordKind::kAny, "which metric, else that of the sweeps"},
    OptionWords{"--single", WordKind::kNothing, "trials alone, not all seeds of them"},
};

constexpr std::array kLogs{
    OptionWords{"--follow", WordKind::kNothing, "go on until the attempt ends"},
    OptionWords{"--attempt", WordKind::kAny, "which attempt, else the last"},
    OptionWords{"--lines", WordKind::kAny, "only so many of the last lines"},
};

constexpr std::array kExtend{
    OptionWords{"--by", WordKind::kAny, "further trials"},
};

constexpr std::array kHosts{
    OptionWords{"--reason", WordKind::kAny, "why it is drained"},
    OptionWords{"--sweep", WordKind::kSweep, "the sweep that gets or loses it"},
};

constexpr std::array kFetch{
    OptionWords{"--all", WordKind::kNothing, "of all trials that have ended"},
};

constexpr std::array kTrain{
    OptionWords{"--explain", WordKind::kNothing, "print what it would compute"},
};

constexpr std::array kDoctor{
    OptionWords{"--bench", WordKind::kNothing, "measure what one core reaches"},
};

constexpr std::array kGc{
    OptionWords{"--keep-best", WordKind::kAny, "trials of each sweep that keep all"},
    OptionWords{"--keep-days", WordKind::kAny, "age at which job folders may go"},
    OptionWords{"--hosts", WordKind::kNothing, "also on other hosts"},
    OptionWords{"--yes", WordKind::kNothing, "do it"},
};

constexpr std::array kData{
    OptionWords{"--out", WordKind::kFile, "the file that pack writes"},
    OptionWords{"--json", WordKind::kNothing, "output for programs"},
};

constexpr std::array kCommands{
    CommandWords{"sweep", "run the trials of a spec, or go on with them", WordKind::kFile, kSweep},
    CommandWords{"run", "run one command as a tracked trial", WordKind::kCommand, kRun},
    CommandWords{"ask", "what to try next, for trials run elsewhere", WordKind::kFile, kAsk},
    CommandWords{"tell", "what came of a trial of ddl ask", WordKind::kSweep, kTell},
    CommandWords{"validate", "check a spec", WordKind::kFile, {}},
    CommandWords{"plan", "list what a spec would run", WordKind::kFile, kPlan},
    CommandWords{"status", "one line a sweep", WordKind::kSweep, {}},
    CommandWords{"watch", "show the progress of a running sweep", WordKind::kSweep, {}},
    CommandWords{"report", "the ranked table of a sweep", WordKind::kSweep, kReport},
    CommandWords{"compare", "trials or sweeps side by side", WordKind::kTrial, kCompare},
    CommandWords{"show", "everything about one trial", WordKind::kTrial, {}},
    CommandWords{"logs", "what a trial wrote", WordKind::kTrial, kLogs},
    CommandWords{"explain", "why a trial waits, or how it ended", WordKind::kTrial, {}},
    CommandWords{"verify", "run a trial again and compare the bits", WordKind::kTrial, {}},
    CommandWords{"stop", "stop a sweep or a trial", WordKind::kTrial, {}},
    CommandWords{"pause", "start no more trials", WordKind::kTrial, {}},
    CommandWords{"resume", "start trials again after a pause", WordKind::kTrial, {}},
    CommandWords{"retry", "run ended trials again", WordKind::kTrial, {}},
    CommandWords{"extend", "add trials to a sweep", WordKind::kSweep, kExtend},
    CommandWords{"train", "one training with the built-in trainer", WordKind::kFile, kTrain},
    CommandWords{"data", "what data are, whether they are sound", WordKind::kDataVerb, kData},
    CommandWords{"store", "check, back up or rebuild the database", WordKind::kStoreVerb, {}},
    CommandWords{"hosts", "what hosts have, and which trials get them", WordKind::kHostVerb,
                 kHosts},
    CommandWords{"fetch", "bring results back from other hosts", WordKind::kTrial, kFetch},
    CommandWords{"gc", "remove what ended trials left", WordKind::kSweep, kGc},
    CommandWords{"doctor", "check this machine", WordKind::kNothing, kDoctor},
    CommandWords{"completion", "completion script for a shell", WordKind::kShell, {}},
};

}  // namespace

std::span<const CommandWords> AllCommands() {
  return kCommands;
}

std::span<const OptionWords> CommonOptionWords() {
  return kCommon;
}

}  // namespace ddl
