// SPDX-License-Identifier: Apache-2.0
#include "runner/trial_start.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddl {

namespace {

constexpr std::string_view kParamsMacro = "${args_json_file}";

std::string CannotMake(const std::string& path) {
  return fmt::format("cannot make {}: {}", path, std::strerror(errno));
}

// Open for both directions, so that it never ends and its writers never wait for a reader.
bool MakeFifo(const std::string& path, FileDescriptor& fd) {
  if (::mkfifo(path.c_str(), 0600) != 0) return false;
  fd = OpenFile(path, O_RDWR | O_NONBLOCK);
  return static_cast<bool>(fd);
}

std::vector<std::string> Arguments(const LaunchRecord& launch, const std::string& params_path) {
  std::vector<std::string> words = launch.argv;
  for (std::string& word : words) {
    const std::size_t at = word.find(kParamsMacro);
    if (at != std::string::npos) word.replace(at, kParamsMacro.size(), params_path);
  }
  return words;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::string GpuList(const std::vector<GpuShare>& gpus) {
  std::string list;
  for (const GpuShare& gpu : gpus)
    list += fmt::format("{}{}", list.empty() ? "" : ",", gpu.index);
  return list;
}

std::string WhyNotStarted(int problem, const LaunchRecord& launch) {
  const std::string& program = launch.argv.front();
  if (!std::filesystem::is_directory(launch.workdir)) {
    return fmt::format("no such directory: {}", launch.workdir);
  }
  switch (problem) {
    case ENOENT:
      return fmt::format("no such program: {} (in {})", program, launch.workdir);
    case EACCES:
      return fmt::format("not executable: {}; chmod +x it", program);
    case ENOEXEC:
      return fmt::format("not a program: {}; does its first line lack #!?", program);
    case E2BIG:
      return "the arguments and the environment are too large";
    default:
      return fmt::format("cannot start {}: {}", program, std::strerror(problem));
  }
}

}  // namespace

std::string PrepareJobFolder(const LaunchRecord& launch, const HostPaths& paths,
                             TrialPipes& pipes) {
  const std::string folder = paths.Job(launch.id);
  const FileDescriptor params = OpenFile(folder + "/params.json", O_WRONLY | O_CREAT | O_EXCL);
  if (!params || !WriteAll(params.Get(), launch.params_json)) {
    return CannotMake(folder + "/params.json");
  }
  if (!MakeFifo(folder + "/metrics", pipes.metrics)) return CannotMake(folder + "/metrics");
  if (!MakeFifo(folder + "/control", pipes.control)) return CannotMake(folder + "/control");
  if (!MakeFifo(folder + "/orders", pipes.orders)) return CannotMake(folder + "/orders");
  if (!EnsureFolder(folder + "/output")) return CannotMake(folder + "/output");
  const std::string checkpoints = paths.Checkpoints(launch.checkpoint_name);
  if (!EnsureFolder(checkpoints)) {
    std::error_code problem;
    std::filesystem::create_directories(checkpoints, problem);
    if (problem) return fmt::format("cannot make {}: {}", checkpoints, problem.message());
  }
  return {};
}

std::vector<std::string> TrialEnvironment(const LaunchRecord& launch, const HostPaths& paths) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  const std::string folder = paths.Job(launch.id);
  variables["DDL_SWEEP"] = launch.sweep;
  variables["DDL_TRIAL"] = fmt::format("{}", launch.trial_number);
  variables["DDL_ATTEMPT"] = fmt::format("{}", launch.attempt);
  variables["DDL_TOKEN"] = launch.token;
  variables["DDL_PARAMS"] = folder + "/params.json";
  variables["DDL_OUTPUT_DIR"] = folder + "/output";
  variables["DDL_CHECKPOINT_DIR"] = paths.Checkpoints(launch.checkpoint_name);
  variables["DDL_METRICS"] = folder + "/metrics";
  variables["DDL_CONTROL"] = folder + "/control";
  variables["PYTHONUNBUFFERED"] = "1";
  // A trial that shares a core gets one thread: two would thrash.
  variables["OMP_NUM_THREADS"] =
      fmt::format("{}", std::max<std::size_t>(1, launch.slots.cores.size()));
  if (!launch.slots.gpus.empty()) {
    variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID";
    variables["CUDA_VISIBLE_DEVICES"] = GpuList(launch.slots.gpus);
  }
  for (const auto& [name, value] : launch.env)
    variables[name] = value;
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables)
    lines.push_back(name + "=" + value);
  return lines;
}

StartedTrial StartTrial(const LaunchRecord& launch, const HostPaths& paths, TrialPipes& pipes) {
  if (launch.argv.empty()) return {-1, "the command is empty"};
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {-1, "the host has no more descriptors"};
  pipes.output.Reset(ends[0]);
  const FileDescriptor writing(ends[1]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);

  std::vector<std::string> words = Arguments(launch, paths.Job(launch.id) + "/params.json");
  std::vector<std::string> environment = TrialEnvironment(launch, paths);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, writing.Get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, writing.Get(), STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(&actions, launch.workdir.c_str());
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int problem = ::posix_spawnp(&pid, words.front().c_str(), &actions, &attributes,
                                     Pointers(words).data(), Pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (problem != 0) return {-1, WhyNotStarted(problem, launch)};
  return {pid, {}};
}

}  // namespace ddl
