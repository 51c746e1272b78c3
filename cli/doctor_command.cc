// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/executables.h"
#include "cli/output.h"
#include "runner/cgroup.h"
#include "runner/command_output.h"
#include "store/location.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

constexpr int kInfrastructureExit = 3;

std::string TextOf(const char* path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The first of the names that PATH has, as a path; else "".
std::string FindInPath(std::initializer_list<const char*> names) {
  const char* variable = std::getenv("PATH");
  const std::string path = variable == nullptr ? "" : variable;
  for (const char* name : names) {
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find(':', at), path.size());
      std::string file = fmt::format("{}/{}", path.substr(at, end - at), name);
      if (IsExecutableFile(file)) return file;
      at = end + 1;
    }
  }
  return {};
}

int UsableCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return CPU_COUNT(&cores);
}

GpuProbe ProbeGpus() {
  GpuProbe probe;
  probe.program = FindInPath({"nvidia-smi"});
  if (probe.program.empty()) return probe;
  // A driver in trouble can hang nvidia-smi for minutes.
  FILE* pipe = popen("timeout 10 nvidia-smi -L 2>&1", "re");
  if (pipe == nullptr) return probe;
  std::array<char, 4096> buffer{};
  while (fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) {
    probe.output += buffer.data();
  }
  const int status = pclose(pipe);
  probe.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return probe;
}

FolderFacts LookAt(const std::string& path) {
  FolderFacts facts;
  facts.path = path;
  std::error_code ignored;
  fs::path existing = fs::absolute(path, ignored);
  facts.exists = fs::is_directory(existing, ignored);
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  facts.is_writable =
      fs::is_directory(existing, ignored) && access(existing.c_str(), W_OK | X_OK) == 0;
  struct statfs system{};
  if (statfs(existing.c_str(), &system) == 0) {
    facts.file_system = static_cast<std::uint64_t>(system.f_type) & 0xFFFFFFFFU;
  }
  struct statvfs space{};
  if (statvfs(existing.c_str(), &space) == 0) {
    facts.free_bytes = static_cast<std::int64_t>(space.f_bavail * space.f_frsize);
  }
  return facts;
}

Check LookForFashionMnist() {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  std::vector<std::string> missing;
  for (const char* part :
       {"train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"}) {
    const std::string file = fmt::format("{}-ubyte.gz", part);
    if (access(fmt::format("{}/{}", folder, file).c_str(), R_OK) != 0) missing.push_back(file);
  }
  return FashionMnistCheck(missing, folder);
}

std::vector<Check> MeasureLimits(const std::string& beside) {
  constexpr std::chrono::seconds kPatience{60};
  constexpr std::size_t kMaxText = 4096;
  const CommandOutput said = RunCommand({beside + "/ddl-trainer", "--probe"}, kPatience, kMaxText);
  return LimitChecks(said.exit_code, said.text);
}

}  // namespace

int RunDoctorCommand(const DoctorOptions& options) {
  std::error_code ignored;
  const std::string beside = fs::read_symlink("/proc/self/exe", ignored).parent_path().string();
  const auto program = [&](const std::string& name) {
    const std::string path = beside + "/" + name;
    return ProgramCheck(name, path, IsExecutableFile(path));
  };
  const FolderFacts store = LookAt(FindStoreFolder(options.common.store));
  std::vector<Check> checks{
      program("ddl-agent"),
      program("ddl-trainer"),
      CpuCheck(TextOf("/proc/cpuinfo"), UsableCores()),
      MemoryCheck(TextOf("/proc/meminfo")),
      GpuCheck(ProbeGpus()),
      FolderCheck("store", store, CheckLevel::kOk),
      SpaceCheck(store),
      TreeCheck(!CgroupAbove().empty()),
      PythonCheck(FindInPath({"python", "python3"})),
      LookForFashionMnist(),
  };
  if (options.is_bench) std::ranges::move(MeasureLimits(beside), std::back_inserter(checks));
  if (options.common.json) {
    PrintJson(DoctorJson(checks));
  } else {
    PrintLines(DoctorLines(checks, DetectTerminal()));
  }
  return AnyFailure(checks) ? kInfrastructureExit : 0;
}

}  // namespace ddl
