// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/library_need.h"
#include "trainer/command_line.h"
#include "trainer/config.h"
#include "trainer/cuda/cuda_library.h"
#include "trainer/cuda/gpu_meter.h"
#include "trainer/cuda/gpu_teams.h"
#include "trainer/cuda/library_fit.h"
#include "trainer/data_report.h"
#include "trainer/dataset.h"
#include "trainer/fingerprint.h"
#include "trainer/gemm.h"
#include "trainer/lane_server.h"
#include "trainer/limits.h"
#include "trainer/metric_line.h"
#include "trainer/stop_signal.h"
#include "trainer/trial.h"

namespace ddl {

namespace {

// Data are not looked at: they may lie on another host.
int Check(const TrainerCommand& command) {
  try {
    const TrainerConfig config = ReadTrainerConfig(command.config);
    CheckData(config.data, {.looks_for_files = false});
    if (command.role == TrainerRole::kCheckFiles) {
      CheckData(config.data, DataPathsFromEnvironment());
    }
    return 0;
  } catch (const Error& problem) {
    fmt::print("{}", problem.what());
    return kWrongInput;
  }
}

// A line for each data set that is made of files. Faults are told on stdout.
int Prepare(const TrainerCommand& command) {
  try {
    DataPaths paths = DataPathsFromEnvironment();
    paths.prepared.clear();
    std::set<std::string> told;
    for (const Json& data : command.config) {
      const std::optional<PreparedData> prepared = PrepareDataset(data, paths);
      if (!prepared || !told.insert(prepared->name).second) continue;
      fmt::print("{}\n", DumpJson({{"name", prepared->name}, {"path", prepared->path}}));
    }
    return 0;
  } catch (const Error& problem) {
    fmt::print("{}", problem.what());
    return problem.Kind() == ErrorKind::kUsage ? kWrongInput : kInfrastructure;
  }
}

// Of data, in JSON on stdout; faults as they are told by Prepare.
int TellOfData(const TrainerCommand& command) {
  try {
    const DataPaths paths = DataPathsFromEnvironment();
    const Json data = command.config.value("data", Json());
    if (command.role == TrainerRole::kDataPack) {
      PackDataset(data, paths, command.out_file);
      Json packed{{"type", "packed"}, {"file", command.out_file}};
      if (data.contains("context")) packed["context"] = data["context"];
      fmt::print("{}\n", DumpJson(DescribeData(LoadDataset(packed, {}))));
      return 0;
    }
    const Dataset dataset = LoadDataset(data, paths);
    if (command.role == TrainerRole::kDataInfo) {
      fmt::print("{}\n", DumpJson(DescribeData(dataset)));
      return 0;
    }
    const DataFindings findings = CheckData(dataset);
    fmt::print("{}\n", DumpJson({{"ok", findings.problems.empty()},
                                 {"problems", findings.problems},
                                 {"notes", findings.notes}}));
    return 0;
  } catch (const Error& problem) {
    fmt::print("{}", problem.what());
    return problem.Kind() == ErrorKind::kUsage ? kWrongInput : kInfrastructure;
  }
}

int Fingerprint(const std::string& folder) {
  const auto fingerprint = FingerprintOf(folder);
  if (!fingerprint) {
    throw Error("no whole checkpoint there", folder, "name the folder of a trial's checkpoints");
  }
  fmt::print("{}\n", DumpJson(*fingerprint));
  return 0;
}

// On stdout, one line either way: who asks shows it.
int TellOfLibrary(const std::string& path) {
  try {
    fmt::print("{}\n", LibraryVersionText(FittingVersion(path, CudaLibraryPath())));
    return 0;
  } catch (const Error& problem) {
    fmt::print("{}\n", problem.Message());
    return problem.Kind() == ErrorKind::kUsage ? kWrongInput : kInfrastructure;
  }
}

void Note(const std::string& text) {
  fmt::print(stderr, "{}\n", text);
}

// Measures this machine and keeps the figures for later trainings where that can be done.
int Probe() {
  PinArithmetic(1);
  const std::string machine = DescribeMachine();
  const MachineLimits limits = MeasureLimits();
  Json said = LimitsJson(machine, limits);
  const std::filesystem::path cache = DataPathsFromEnvironment().cache;
  try {
    KeepLimits(cache, machine, limits);
    said["kept"] = LimitsFile(cache, machine).string();
  } catch (const Error& problem) {
    said["kept"] = nullptr;
    Note(fmt::format("ddl-trainer: {}", problem.what()));
  }
  fmt::print("{}\n", DumpJson(said));
  return 0;
}

// Where this process has GPUs for itself, and the driver tells of them.
std::optional<GpuMeter> MeterOfOwnGpus() {
  const char* gpus = std::getenv("DDL_GPUS");
  return gpus == nullptr ? std::nullopt : GpuMeter::Begin(gpus);
}

// A line for each GPU. Throws where there is none, with the reason.
int TellOfGpus() {
  constexpr std::uint64_t kMib = 1048576;
  std::size_t number = 0;
  for (const CudaGpuFacts& gpu : CudaLibrary(CudaLibraryPath()).Devices()) {
    fmt::print("{}\n", DumpJson({{"number", number++},
                                 {"name", gpu.name},
                                 {"uuid", gpu.uuid},
                                 {"capability", fmt::format("{}.{}", gpu.major, gpu.minor)},
                                 {"is_usable", gpu.major >= kLeastGpuMajor},
                                 {"processors", gpu.processors},
                                 {"driver_cuda", gpu.driver},
                                 {"memory_mib", gpu.total_bytes / kMib},
                                 {"free_mib", gpu.free_bytes / kMib}}));
  }
  return 0;
}

int Train(const TrainerCommand& command) {
  std::optional<Dataset> dataset;
  const DataSource load = [&dataset](const Json& data) -> const Dataset& {
    return dataset.emplace(LoadDataset(data, DataPathsFromEnvironment()));
  };
  const std::optional<GpuMeter> meter = MeterOfOwnGpus();
  GpuTeams gpus([] { return FindGpu(CudaLibraryPath()); }, 1);
  const auto tell = [&](const std::string& line) {
    WriteLine(WithGpuUse(line, meter ? meter->Read() : gpus.Use()));
  };
  const int code =
      RunTrial(command, load, gpus, {.metrics = tell, .notes = Note, .is_stop_asked = IsStopAsked});
  return code == kGpuFailed ? kInfrastructure : code;
}

int Run(int argc, char** argv) {
  CatchStopSignal();
  const TrainerCommand command = ReadCommand({argv + 1, static_cast<std::size_t>(argc - 1)},
                                             [](const char* name) { return std::getenv(name); });
  switch (command.role) {
    case TrainerRole::kTrain:
    case TrainerRole::kExplain:
      return Train(command);
    case TrainerRole::kCheck:
    case TrainerRole::kCheckFiles:
      return Check(command);
    case TrainerRole::kPrepare:
      return Prepare(command);
    case TrainerRole::kDataInfo:
    case TrainerRole::kDataCheck:
    case TrainerRole::kDataPack:
      return TellOfData(command);
    case TrainerRole::kFingerprint:
      return Fingerprint(command.folder);
    case TrainerRole::kProbe:
      return Probe();
    case TrainerRole::kLibrary:
      return TellOfLibrary(command.folder);
    case TrainerRole::kGpus:
      return TellOfGpus();
    case TrainerRole::kLanes:
      return ServeLanes(kLaneListener, command.lanes);
    case TrainerRole::kHelp:
      fmt::print("{}", HelpText());
      return 0;
  }
  return kWrongInput;
}

}  // namespace

}  // namespace ddl

int main(int argc, char** argv) {
  return ddl::CodeOf([&] { return ddl::Run(argc, argv); }, ddl::Note);
}
