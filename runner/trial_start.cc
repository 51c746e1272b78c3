// SPDX-License-Identifier: Apache-2.0
#include "runner/trial_start.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/host_folder.h"
#include "runner/parent_checkpoint.h"
#include "runner/program_start.h"
#include "runner/trial_set_up.h"

namespace ddl {

namespace {

constexpr std::string_view kParamsMacro = "${args_json_file}";
constexpr int kLaneConnection = 3;

std::string CannotMake(const std::string& path) {
  return fmt::format("cannot make {}: {}", path, std::strerror(errno));
}

// A name that is taken is of an earlier life of this rank's folder; the folder of the pipes goes
// with the last of them, also between two looks of ours. Open for both directions: it never ends,
// and its writers never wait.
bool MakePipe(const HostPaths& paths, RankId id, const std::string& name, FileDescriptor& fd) {
  const std::string path = paths.Pipe(id, name);
  constexpr int kTries = 100;
  for (int tries = 0; ::mkfifo(path.c_str(), 0600) != 0; ++tries) {
    if (tries == kTries || (errno != EEXIST && errno != ENOENT)) return false;
    if (errno == EEXIST) ::unlink(path.c_str());
    if (errno == ENOENT) (void)ClaimPipesFolder(paths);
  }
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

// The lane's client, which becomes the command itself if the worker is gone before it began.
std::vector<std::string> BehindClient(std::vector<std::string> words) {
  std::vector<std::string> client{"/proc/self/exe", "lane", std::to_string(kLaneConnection)};
  client.insert(client.end(), std::make_move_iterator(words.begin()),
                std::make_move_iterator(words.end()));
  return client;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

// By what they are called: numbers change with what else there is, and one that has gone since
// would give its number to a GPU that another trial holds.
std::string GpuList(const std::vector<GpuShare>& gpus) {
  std::string list;
  for (const GpuShare& gpu : gpus) {
    list += list.empty() ? "" : ",";
    list += gpu.uuid.empty() ? std::to_string(gpu.index) : gpu.uuid;
  }
  return list;
}

constexpr int kWholeGpu = 1000;  // thousandths

// Those that it shares with nobody.
std::string OwnGpuList(const std::vector<GpuShare>& gpus) {
  std::string list;
  for (const GpuShare& gpu : gpus) {
    if (gpu.first != 0 || gpu.length != kWholeGpu) continue;
    list += fmt::format("{}{}", list.empty() ? "" : ",", gpu.uuid);
  }
  return list;
}

bool IsHostsFault(int problem) {
  const std::array<int, 7> faults{EAGAIN, ENOMEM, EMFILE, ENFILE, EIO, ENOSPC, EDQUOT};
  return std::ranges::find(faults, problem) != faults.end();
}

std::string WhyNotStarted(int problem, const LaunchRecord& launch) {
  const std::string& program = launch.argv.front();
  if (!std::filesystem::is_directory(launch.workdir)) {
    return fmt::format("no such directory: {}", launch.workdir);
  }
  switch (problem) {
    case ENOENT:
      if (std::filesystem::exists(std::filesystem::path(launch.workdir) / program)) {
        return fmt::format("the interpreter that the first line of {} names is not there", program);
      }
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
  if (!MakePipe(paths, launch.id, "metrics", pipes.metrics) ||
      !MakePipe(paths, launch.id, "control", pipes.control)) {
    return CannotMake(paths.Pipe(launch.id, "metrics"));
  }
  if (!EnsureFolder(folder + "/output")) return CannotMake(folder + "/output");
  const std::string checkpoints = paths.Checkpoints(launch.checkpoint_name);
  if (!EnsureFolder(checkpoints)) {
    std::error_code problem;
    std::filesystem::create_directories(checkpoints, problem);
    if (problem) return fmt::format("cannot make {}: {}", checkpoints, problem.message());
  }
  return {};
}

void RemovePipes(const HostPaths& paths, RankId id) {
  ::unlink(paths.Pipe(id, "metrics").c_str());
  ::unlink(paths.Pipe(id, "control").c_str());
  LeavePipesFolder(paths);  // the last one leaves nothing behind
}

Environment TrialEnvironment(const LaunchRecord& launch, const HostPaths& paths) {
  std::map<std::string_view, std::string> ours;
  const std::string folder = paths.Job(launch.id);
  ours["DDL_SWEEP"] = launch.sweep;
  ours["DDL_TRIAL"] = std::to_string(launch.trial_number);
  ours["DDL_ATTEMPT"] = std::to_string(launch.attempt);
  ours["DDL_TOKEN"] = launch.token;
  ours["DDL_PARAMS"] = folder + "/params.json";
  ours["DDL_OUTPUT_DIR"] = folder + "/output";
  ours["DDL_CHECKPOINT_DIR"] = paths.Checkpoints(launch.checkpoint_name);
  ours["DDL_METRICS"] = paths.Pipe(launch.id, "metrics");
  ours["DDL_CONTROL"] = paths.Pipe(launch.id, "control");
  ours["PYTHONUNBUFFERED"] = "1";
  // A trial that shares a core gets one thread: two would thrash.
  ours["OMP_NUM_THREADS"] = std::to_string(std::max<std::size_t>(1, launch.slots.cores.size()));
  if (!launch.slots.gpus.empty()) {
    ours["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID";
    ours["CUDA_VISIBLE_DEVICES"] = GpuList(launch.slots.gpus);
    ours["DDL_GPUS"] = OwnGpuList(launch.slots.gpus);
  }
  for (const auto& [name, value] : launch.env) {
    ours[name] = value;
  }
  Environment environment;
  environment.own.reserve(ours.size());  // pointers into it stay good
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!ours.contains(text.substr(0, text.find('=')))) environment.pointers.push_back(*entry);
  }
  for (const auto& [name, value] : ours) {
    environment.own.push_back(fmt::format("{}={}", name, value));
    environment.pointers.push_back(environment.own.back().data());
  }
  environment.pointers.push_back(nullptr);
  return environment;
}

StartedTrial StartTrial(const LaunchRecord& launch, const HostPaths& paths, TrialPipes& pipes) {
  if (launch.argv.empty()) return {-1, "the command is empty"};
  const InheritedCheckpoint inherited = InheritCheckpoint(launch, paths);
  if (!inherited.problem.empty()) return {-1, inherited.problem, inherited.is_hosts_fault};
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {-1, "the host has no more descriptors", true};
  pipes.output.Reset(ends[0]);
  const FileDescriptor writing(ends[1]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);

  const std::string folder = paths.Job(launch.id);
  std::vector<std::string> words = Arguments(launch, folder + "/params.json");
  Environment environment = TrialEnvironment(launch, paths);
  AddLibraryFolders(environment.pointers, words);
  if (!launch.setup.empty()) {
    words = BehindSetUp(launch.setup, folder + kSetUpFile, std::move(words));
  }
  pipes.lane = JoinWorker(launch, paths, environment.pointers);
  if (pipes.lane) {
    HandOver(*pipes.lane, environment.pointers, writing.Get());
    words = BehindClient(std::move(words));
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, writing.Get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, writing.Get(), STDERR_FILENO);
  if (pipes.lane) {
    ::posix_spawn_file_actions_adddup2(&actions, pipes.lane->connection.Get(), kLaneConnection);
  }
  ::posix_spawn_file_actions_addchdir_np(&actions, launch.workdir.c_str());
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all;
  sigset_t blocked;
  sigfillset(&all);
  sigemptyset(&blocked);
  // A lane works before its client has come up, which passes TERM on and must not die of it.
  if (pipes.lane) sigaddset(&blocked, SIGTERM);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &blocked);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int problem = ::posix_spawnp(&pid, words.front().c_str(), &actions, &attributes,
                                     Pointers(words).data(), environment.pointers.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (problem != 0) return {-1, WhyNotStarted(problem, launch), IsHostsFault(problem)};
  return {pid, {}};
}

}  // namespace ddl
