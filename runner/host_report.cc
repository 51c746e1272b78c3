// SPDX-License-Identifier: Apache-2.0
#include "runner/host_report.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "configs/error.h"
#include "runner/command_output.h"
#include "runner/file.h"
#include "runner/host_facts.h"
#include "runner/host_folder.h"
#include "runner/process.h"
#include "runner/rank_record.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestQuestion = std::size_t{1} << 16U;

std::string Driver() {
  const CommandOutput answer =
      RunCommand({"nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"},
                 std::chrono::seconds(10), 4096);
  if (answer.exit_code != 0) return {};
  return answer.text.substr(0, answer.text.find('\n'));
}

std::string Kernel() {
  struct utsname name{};
  if (::uname(&name) != 0) return {};
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

// The folder, or the nearest one above that is there: it will be made in that one.
fs::path ThereAlready(const std::string& folder) {
  std::error_code ignored;
  fs::path at = fs::absolute(folder, ignored);
  while (!fs::exists(at, ignored) && at.has_relative_path()) {
    at = at.parent_path();
  }
  return at;
}

std::string ProblemWith(const std::string& folder, const fs::path& there,
                        const std::string& machine_id) {
  struct stat facts{};
  const bool exists = ::lstat(folder.c_str(), &facts) == 0;
  if (exists && !S_ISDIR(facts.st_mode)) return fmt::format("{} is not a folder", folder);
  if (exists && facts.st_uid != ::geteuid()) {
    return fmt::format("{} belongs to another user", folder);
  }
  if (::access(there.c_str(), W_OK | X_OK) != 0) {
    return fmt::format("{} cannot be {}", exists ? folder : there.string(),
                       exists ? "written" : "written, so the host folder cannot be made in it");
  }
  const bool is_fresh = !exists || IsMissing(folder + "/host.json");
  return is_fresh ? std::string() : WhyNotOurs({.host_folder = folder, .store_id = {}}, machine_id);
}

bool IsNetwork(const fs::path& there) {
  struct statfs facts{};
  if (::statfs(there.c_str(), &facts) != 0) return false;
  constexpr std::array<std::uint32_t, 7> kNetwork{0x6969,     0x517B,     0xFF534D42, 0xFE534D42,
                                                  0x01021997, 0x65735546, 0x0BD00BD0};
  const auto type = static_cast<std::uint32_t>(facts.f_type);
  for (const std::uint32_t network : kNetwork) {
    if (type == network) return true;
  }
  return false;
}

void LookAtFolder(HostReport& report) {
  const fs::path there = ThereAlready(report.host_folder);
  report.folder_problem = ProblemWith(report.host_folder, there, report.facts.machine_id);
  report.folder_is_on_network = IsNetwork(there);
  struct statvfs space{};
  if (::statvfs(there.c_str(), &space) != 0) return;
  report.free_bytes = static_cast<std::int64_t>(space.f_bavail * space.f_frsize);
  report.folder_is_executable = (space.f_flag & ST_NOEXEC) == 0;
}

// Of all stores. A rank that has ended has no start.json any more.
std::int64_t LiveRanks(const std::string& host_folder) {
  std::int64_t live = 0;
  std::error_code ignored;
  for (const auto& store : fs::directory_iterator(host_folder, ignored)) {
    for (const auto& job : fs::directory_iterator(store.path() / "jobs", ignored)) {
      if (!fs::exists(job.path() / "start.json", ignored)) continue;
      const RankRecord record = ReadRankRecord(job.path());
      live += record.start && !record.exit && IsAlive(record.start->supervisor) ? 1 : 0;
    }
  }
  return live;
}

Json GpuJson(const GpuFacts& gpu) {
  return {{"index", gpu.index},
          {"uuid", gpu.uuid},
          {"name", gpu.name},
          {"memory_mib", gpu.memory_mib},
          {"memory_used_mib", gpu.memory_used_mib},
          {"used_by_others", gpu.used_by_others}};
}

GpuFacts GpuFrom(const Json& json) {
  return {.index = WholeNumber<int>(json.at("index")),
          .uuid = json.at("uuid").get<std::string>(),
          .name = json.at("name").get<std::string>(),
          .memory_mib = WholeNumber<std::int64_t>(json.at("memory_mib")),
          .memory_used_mib = WholeNumber<std::int64_t>(json.at("memory_used_mib")),
          .used_by_others = json.at("used_by_others").get<bool>()};
}

std::string AnswerTo(const std::string& line, const std::string& host_folder) {
  if (!line.empty()) {
    return ToJsonText(FindLibraries(LibraryQuestionFromJson(line), host_folder));
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("{}", std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

HostReport ReportFrom(const Json& json) {
  HostReport report;
  report.facts.hostname = json.at("hostname").get<std::string>();
  report.facts.machine_id = json.at("machine_id").get<std::string>();
  for (const Json& core : json.at("cores")) {
    report.facts.cores.push_back(WholeNumber<int>(core));
  }
  report.facts.memory_mib = WholeNumber<std::int64_t>(json.at("memory_mib"));
  for (const Json& gpu : json.at("gpus")) {
    report.facts.gpus.push_back(GpuFrom(gpu));
  }
  report.facts.gpu_note = json.at("gpu_note").get<std::string>();
  report.facts.interpreter = json.at("interpreter").get<std::string>();
  report.facts.tree_kill = json.at("tree_kill").get<std::string>();
  report.driver = json.at("driver").get<std::string>();
  report.kernel = json.at("kernel").get<std::string>();
  report.host_folder = json.at("host_folder").get<std::string>();
  report.folder_problem = json.at("folder_problem").get<std::string>();
  report.folder_is_executable = json.at("folder_is_executable").get<bool>();
  report.folder_is_on_network = json.at("folder_is_on_network").get<bool>();
  report.pipes_problem = json.at("pipes_problem").get<std::string>();
  report.free_bytes = WholeNumber<std::int64_t>(json.at("free_bytes"));
  report.ranks = WholeNumber<std::int64_t>(json.at("ranks"));
  return report;
}

}  // namespace

HostReport ReadHostReport(const std::string& host_folder) {
  HostReport report;
  report.facts = ReadHostFacts();
  if (!report.facts.gpus.empty()) report.driver = Driver();
  report.kernel = Kernel();
  report.host_folder = host_folder;
  LookAtFolder(report);
  report.pipes_problem = WhyNoPipesFolder();
  report.ranks = LiveRanks(host_folder);
  return report;
}

std::string ToJsonText(const HostReport& report) {
  Json json{{"hostname", report.facts.hostname},
            {"machine_id", report.facts.machine_id},
            {"cores", report.facts.cores},
            {"memory_mib", report.facts.memory_mib},
            {"gpus", Json::array()},
            {"gpu_note", report.facts.gpu_note},
            {"interpreter", report.facts.interpreter},
            {"tree_kill", report.facts.tree_kill},
            {"driver", report.driver},
            {"kernel", report.kernel},
            {"host_folder", report.host_folder},
            {"folder_problem", report.folder_problem},
            {"folder_is_executable", report.folder_is_executable},
            {"folder_is_on_network", report.folder_is_on_network},
            {"pipes_problem", report.pipes_problem},
            {"free_bytes", report.free_bytes},
            {"ranks", report.ranks}};
  for (const GpuFacts& gpu : report.facts.gpus) {
    json["gpus"].push_back(GpuJson(gpu));
  }
  return DumpJson(json);
}

HostReport HostReportFromJson(std::string_view text) {
  try {
    return ReportFrom(ParseJson(text, "a host's report"));
  } catch (const Json::exception& problem) {
    throw Error(problem.what(), "a host's report", "", ErrorKind::kInfrastructure);
  }
}

int TellFacts(const std::string& host_folder) {
  if (!WriteAll(STDOUT_FILENO, ToJsonText(ReadHostReport(host_folder)) + "\n")) return 1;
  std::string asked;
  std::array<char, 4096> piece{};
  while (asked.size() <= kLongestQuestion) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    asked.append(piece.data(), static_cast<std::size_t>(got));
    for (std::size_t end = asked.find('\n'); end != std::string::npos; end = asked.find('\n')) {
      const std::string answer = AnswerTo(asked.substr(0, end), host_folder);
      asked.erase(0, end + 1);
      if (!WriteAll(STDOUT_FILENO, answer + "\n")) return 0;
    }
  }
  return 1;
}

}  // namespace ddl
