// SPDX-License-Identifier: Apache-2.0
#include "scheduler/launch_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "configs/command.h"
#include "configs/json.h"
#include "runner/job_folder.h"
#include "runner/program_files.h"
#include "scheduler/placement.h"

namespace ddl {

namespace {

constexpr int kMostLanes = 64;  // more gain nothing, and all would fall with one

std::vector<std::string> Trainer(const LaunchSubject& subject, std::string argument) {
  std::vector<std::string> words{subject.trainer_path};
  if (!subject.code_folder.empty()) {
    words = StartOfProgram(subject.code_folder, subject.trainer_path);
  }
  words.push_back(std::move(argument));
  return words;
}

// The trainer reads its whole configuration from the job's params.json.
std::vector<std::string> Arguments(const LaunchSubject& subject) {
  if (subject.spec.trainer) return Trainer(subject, "${args_json_file}");
  return ExpandCommand(subject.spec, subject.configuration, subject.host.interpreter);
}

std::vector<std::string> Worker(const LaunchSubject& subject) {
  if (subject.lanes == 0) return {};
  std::vector<std::string> words = Trainer(subject, "--lanes");
  words.push_back(fmt::format("{}", subject.lanes));
  return words;
}

// Trials that a GPU takes at once: as many as have a share of it.
std::int64_t GpuLanes(const SweepSpec& spec) {
  return kWholeDevice / RequestOf(spec).gpu_share;
}

std::string Parameters(const LaunchSubject& subject) {
  const SweepSpec& spec = subject.spec;
  return DumpJson(spec.trainer
                      ? TrainerConfiguration(spec, subject.configuration, subject.seed_index)
                      : NestedConfiguration(spec.space, subject.configuration));
}

std::vector<std::pair<std::string, std::string>> Environment(const LaunchSubject& subject) {
  std::vector<std::pair<std::string, std::string>> env{
      {"DDL_SEED", fmt::format("{}", subject.seed_index)}};
  if (subject.spec.pbt) {
    env.emplace_back("DDL_UNTIL", fmt::format("{}", subject.spec.pbt->UntilOf(subject.number - 1)));
  }
  if (subject.spec.trainer && !subject.code_folder.empty()) {
    env.emplace_back("DDL_PREPARED", subject.code_folder + "/" + kDataFolder);
    env.emplace_back("LD_PRELOAD", "");  // the host's libraries are of another distribution
  }
  // A later one of the same name counts.
  if (subject.entry != nullptr) {
    env.insert(env.end(), subject.entry->env.begin(), subject.entry->env.end());
  }
  env.insert(env.end(), subject.spec.env.begin(), subject.spec.env.end());
  for (const SecretVariable& secret : subject.spec.secrets) {
    env.emplace_back(secret.variable, subject.secrets.at(secret.secret));
  }
  return env;
}

std::vector<std::string> Hidden(const LaunchSubject& subject) {
  std::vector<std::string> hidden;
  for (const SecretVariable& secret : subject.spec.secrets) {
    hidden.push_back(subject.secrets.at(secret.secret));
  }
  return hidden;
}

std::vector<std::string> Patterns(const SweepSpec& spec) {
  std::vector<std::string> patterns;
  for (const auto* rules : {&spec.failures, &BuiltInFailureRules()}) {
    for (const FailureRule& rule : *rules) {
      patterns.push_back(rule.pattern);
    }
  }
  return patterns;
}

}  // namespace

int LanesOf(const SweepSpec& spec, const HostEntry* entry, std::int64_t at_once) {
  const Resources& resources = spec.resources;
  const bool is_alone = !spec.trainer || resources.cpus > 1 || resources.gpus >= 1 ||
                        resources.memory_mib > 0 || spec.fusion == kNoFusion ||
                        (entry != nullptr && !entry->setup.empty());
  if (is_alone) return 0;
  std::int64_t lanes = std::min<std::int64_t>(at_once, spec.parallel.value_or(kMostLanes));
  if (resources.gpus > 0) lanes = std::min(lanes, GpuLanes(spec));
  if (spec.fusion != kWholeFusion) lanes = std::min<std::int64_t>(lanes, spec.fusion);
  return static_cast<int>(std::clamp<std::int64_t>(lanes, 1, kMostLanes));
}

LaunchRecord PlanLaunch(const LaunchSubject& subject) {
  const SweepSpec& spec = subject.spec;
  return {
      .id = {subject.job, 0},
      .token = {},
      .sweep = spec.name,
      .trial = subject.trial,
      .trial_number = subject.number,
      .attempt = subject.attempt,
      .argv = Arguments(subject),
      .env = Environment(subject),
      .hidden = Hidden(subject),
      .workdir = subject.code_folder.empty() ? spec.workdir : subject.code_folder,
      .params_json = Parameters(subject),
      .checkpoint_name = HostPaths::CheckpointName(subject.trial),
      .slots = subject.slots,
      .captures = spec.captures,
      .timeout = spec.timeout,
      .grace = spec.grace,
      .worker = Worker(subject),
      .lanes = subject.lanes,
      .setup = subject.entry == nullptr ? std::vector<std::string>{} : subject.entry->setup,
      .failure_patterns = Patterns(spec),
      .parent_checkpoint = subject.parent ? HostPaths::CheckpointName(subject.parent->trial) : "",
      .parent_number = subject.parent ? subject.parent->number : 0};
}

std::string ArgvToJson(const LaunchRecord& record) {
  return DumpJson(Json(record.argv));
}

std::string JobFolder(const HostFacts& host, JobId job) {
  return fmt::format("{}/jobs/{}.0", host.folder, job.value);
}

}  // namespace ddl
