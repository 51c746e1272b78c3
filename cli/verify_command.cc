// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/executables.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/results.h"
#include "cli/trainer_check.h"
#include "cli/verify.h"
#include "configs/command.h"
#include "configs/error.h"
#include "runner/command_output.h"
#include "runner/file.h"
#include "runner/job_folder.h"
#include "store/location.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

constexpr int kDiffers = 1;
constexpr auto kFingerprintWithin = std::chrono::seconds(60);

// A folder for the second run, gone with it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = fs::temp_directory_path() / "ddl-verify-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw SystemError("cannot make a folder", name, "name another one by TMPDIR");
    }
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string Below(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

void CheckChosen(const ChosenTrial& chosen, const SweepSpec& spec) {
  const std::string name = fmt::format("trial {}", chosen.trial.number);
  if (!spec.trainer) {
    throw Error("only the built-in trainer gives the same bits again", chosen.sweep.name,
                "run a program of your own twice by seeds, and compare with ddl report");
  }
  if (spec.pbt && spec.pbt->GenerationOf(chosen.trial.configuration) > 0) {
    throw Error(name + " goes on from a checkpoint of another trial", chosen.sweep.name,
                "verify one of the first generation");
  }
  if (!chosen.trial.id || chosen.trial.state != TrialState::kFinished) {
    throw Error(name + " has not finished", chosen.sweep.name, "verify one that ddl report lists");
  }
}

// Where the checkpoints of the trial lie on this machine.
std::string CheckpointsOf(const StoreReader& reader, const std::string& store_folder,
                          const ChosenTrial& chosen, const AttemptLine& attempt) {
  if (const auto results = ResultsOf(reader, store_folder, chosen.sweep, chosen.trial)) {
    return results->folder + "/checkpoints";
  }
  const fs::path store = fs::path(attempt.job_folder).parent_path().parent_path();
  return store / "checkpoints" / HostPaths::CheckpointName(chosen.trial.id);
}

Json FingerprintIn(const std::string& trainer, const std::string& folder) {
  constexpr std::size_t kMost = 1U << 16U;
  const CommandOutput told =
      RunCommand({trainer, "--fingerprint", folder}, kFingerprintWithin, kMost);
  return told.exit_code == 0 ? ParseJson(told.text, folder) : Json();
}

RunRecord RecordThen(const StoreReader& reader, const std::string& store_folder,
                     const ChosenTrial& chosen, const std::string& trainer) {
  RunRecord record;
  for (const MetricSummary& metric : reader.Summaries(chosen.trial.id)) {
    for (const CurvePoint& point : ServedCurve(reader.Curve(chosen.trial.id, metric.name)))
      record.values[metric.name][point.step] = point.value;
  }
  const AttemptLine attempt = reader.Attempts(chosen.trial.id).back();
  record.fingerprint = FingerprintIn(trainer, CheckpointsOf(reader, store_folder, chosen, attempt));
  record.surroundings["host"] = attempt.host;
  return record;
}

// The line's step.
std::int64_t TakeLine(const std::string& line, RunRecord& record) {
  const Json report = ParseJson(line, "a metric line");
  const std::int64_t step = report.value("step", std::int64_t{0});
  for (const auto& [name, value] : report.items()) {
    if (name != "step" && value.is_number()) record.values[name][step] = value.get<double>();
  }
  return step;
}

// Starts the trainer with its standard output in `out`, which becomes the pipe's reading end.
pid_t StartTrainer(std::vector<std::string> words, std::vector<std::string> variables,
                   const std::string& workdir, const std::string& log, FileDescriptor& out) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw SystemError("cannot make a pipe", "", "");
  out.Reset(ends[0]);
  const FileDescriptor writing(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writing.Get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT,
                                     0600);
  ::posix_spawn_file_actions_addchdir_np(&actions, workdir.c_str());
  std::vector<char*> argv;
  std::vector<char*> environment;
  for (std::string& word : words)
    argv.push_back(word.data());
  for (std::string& variable : variables)
    environment.push_back(variable.data());
  const auto is_ours = [&variables](std::string_view entry) {
    return std::ranges::any_of(variables, [entry](const std::string& variable) {
      return entry.starts_with(variable.substr(0, variable.find('=') + 1));
    });
  };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!is_ours(*entry)) environment.push_back(*entry);
  }
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  pid_t pid = -1;
  const int problem = ::posix_spawn(&pid, words.front().c_str(), &actions, nullptr, argv.data(),
                                    environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  errno = problem;
  if (problem != 0) throw SystemError("cannot start the trainer", words.front(), "see ddl doctor");
  return pid;
}

void ReadLines(const FileDescriptor& out, const std::function<void(const std::string&)>& take) {
  std::string text;
  std::array<char, 4096> piece{};
  while (true) {
    const ssize_t got = ::read(out.Get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    text.append(piece.data(), static_cast<std::size_t>(got));
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      take(text.substr(0, end));
      text.erase(0, end + 1);
    }
  }
}

void ShowProgress(std::int64_t step, std::int64_t of) {
  if (::isatty(STDERR_FILENO) != 1) return;
  fmt::print(stderr, "\r\033[K{}", step < of ? fmt::format("step {} of {}", step, of) : "");
  std::fflush(stderr);
}

RunRecord RunAgain(const ChosenTrial& chosen, const SweepSpec& spec, const std::string& trainer,
                   std::int64_t steps) {
  const ScratchFolder scratch;
  std::vector<std::string> variables{"DDL_CHECKPOINT_DIR=" + scratch.Below("checkpoints"),
                                     "DDL_OUTPUT_DIR=" + scratch.Below("output"), "DDL_PARAMS="};
  for (const auto& [name, value] : spec.env)
    variables.push_back(fmt::format("{}={}", name, value));
  const std::string config = scratch.Below("params.json");
  fs::create_directories(scratch.Below("output"));
  std::ofstream(config) << DumpJson(TrainerConfiguration(
      spec, ParseJson(chosen.trial.params_json, "stored parameters"), chosen.trial.seed_index));
  FileDescriptor out;
  const std::string log = scratch.Below("log");
  const pid_t pid = StartTrainer({trainer, config}, std::move(variables), spec.workdir, log, out);
  RunRecord record;
  ReadLines(out, [&](const std::string& line) { ShowProgress(TakeLine(line, record), steps); });
  ShowProgress(steps, steps);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(fmt::format("the second run failed: {}", ReadFile(log).value_or("")),
                fmt::format("{}/{}", chosen.sweep.name, chosen.trial.number),
                "mend what it says and verify again", ErrorKind::kInfrastructure);
  }
  record.fingerprint = FingerprintIn(trainer, scratch.Below("checkpoints"));
  record.surroundings["host"] = "local";
  return record;
}

// What a checkpoint tells of the arithmetic, and the data by name and size.
void AddFingerprints(RunRecord& record) {
  if (!record.fingerprint.is_object()) return;
  for (const char* name : {"arithmetic", "training"})
    record.surroundings[name] = record.fingerprint.at(name);
}

}  // namespace

int RunVerifyCommand(const VerifyOptions& options) {
  const std::string store_folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(store_folder);
  const ChosenTrial chosen = ChooseTrial(reader, options.trial);
  const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(chosen.sweep.id), "stored spec"));
  CheckChosen(chosen, spec);
  const std::string trainer = SiblingExecutable("ddl-trainer");
  RunRecord then = RecordThen(reader, store_folder, chosen, trainer);
  std::int64_t steps = 0;
  for (const auto& [metric, curve] : then.values) {
    if (!curve.empty()) steps = std::max(steps, curve.rbegin()->first);
  }
  RunRecord now = RunAgain(chosen, spec, trainer, steps);
  AddFingerprints(then);
  AddFingerprints(now);
  const Verification verification = Compare(then, now);
  if (options.common.json) {
    PrintJson(VerificationJson(chosen, verification));
  } else {
    PrintLines(VerificationLines(chosen, verification));
  }
  return verification.IsSame() ? 0 : kDiffers;
}

}  // namespace ddl
