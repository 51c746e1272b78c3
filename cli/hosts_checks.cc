// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/format.h"
#include "cli/hosts.h"
#include "cli/terminal.h"
#include "runner/gpus.h"

namespace ddl {

namespace {

constexpr std::int64_t kLittleSpace = std::int64_t{2} << 30;
constexpr std::int64_t kTooLittleSpace = std::int64_t{64} << 20;
constexpr std::int64_t kMostClockUs = 1'000'000;
constexpr int kLeastDriver = 525;  // CUDA 12

Check Reached(const HostLine& host, const HostReport& report) {
  return {"reach", CheckLevel::kOk,
          fmt::format("{} is {}, {}", host.entry.address, report.facts.hostname, report.kernel),
          ""};
}

Check NotReached(const HostLine& host, const ProbeProblem& problem) {
  return {"reach", CheckLevel::kFailure, fmt::format("{}: {}", host.entry.address, problem.reason),
          problem.hint.empty() ? "is it on, and is its sshd reachable from here? then try again"
                               : problem.hint};
}

Check Folder(const HostReport& report) {
  Check check{"host folder", CheckLevel::kOk, report.host_folder, ""};
  if (!report.folder_problem.empty()) {
    check.level = CheckLevel::kFailure;
    check.text = report.folder_problem;
    check.remedy = "name a folder of its own on a local disk: DDL_HOST_DIR for that user there";
  } else if (!report.folder_is_executable) {
    check.level = CheckLevel::kFailure;
    check.text += " is mounted noexec";
    check.remedy = "name a folder that allows execution: DDL_HOST_DIR for that user there";
  } else if (report.folder_is_on_network) {
    check.level = CheckLevel::kWarning;
    check.text += " is on a network file system";
    check.remedy = "other hosts must not share it: DDL_HOST_DIR names one on a local disk";
  }
  return check;
}

Check DiskSpace(const HostReport& report) {
  Check check{"disk space", CheckLevel::kOk, FormatBytes(report.free_bytes) + " free", ""};
  if (report.free_bytes >= kLittleSpace) return check;
  check.level = report.free_bytes < kTooLittleSpace ? CheckLevel::kFailure : CheckLevel::kWarning;
  check.remedy = "make room there: logs and checkpoints of trials are kept in the host folder";
  return check;
}

// Workers meet their lanes there.
Check Fusion(const HostReport& report) {
  Check check{"fusion", CheckLevel::kOk, "small trainings share a process", ""};
  if (report.pipes_problem.empty()) return check;
  check.level = CheckLevel::kWarning;
  check.text = "none: " + report.pipes_problem;
  check.remedy =
      "small trainings run in a process each, which is slower: let that user write there";
  return check;
}

Check Clock(const HostReport& report) {
  const double seconds = static_cast<double>(report.clock_us) / 1e6;
  Check check{"clock", CheckLevel::kOk, fmt::format("{:+.3f} s off ours", seconds), ""};
  if (std::abs(report.clock_us) <= kMostClockUs) return check;
  check.level = CheckLevel::kWarning;
  check.remedy =
      "harmless for sweeps, which measure no time by it; times in its logs are off: "
      "timedatectl set-ntp true";
  return check;
}

Check Cores(const HostLine& host, const HostReport& report) {
  const auto have = std::ssize(report.facts.cores);
  Check check{"cores", CheckLevel::kOk, fmt::format("{}", have), ""};
  if (!host.entry.cpus || *host.entry.cpus <= have) return check;
  check.level = CheckLevel::kWarning;
  check.text = fmt::format("{}, not {} as hosts.yaml says", have, *host.entry.cpus);
  check.remedy = "correct `cpus`; until then all that are there are used";
  return check;
}

std::optional<int> MajorOf(const std::string& driver) {
  int major = 0;
  const auto [end, problem] = std::from_chars(driver.data(), driver.data() + driver.size(), major);
  if (problem != std::errc() || end == driver.data()) return std::nullopt;
  return major;
}

Check Gpus(const HostLine& host, const HostReport& report) {
  const auto have = std::ssize(report.facts.gpus);
  Check check{"gpu", CheckLevel::kOk, "none; trials run on cores", ""};
  if (have > 0) {
    check.text =
        fmt::format("driver {}", report.driver.empty() ? "unknown" : OneLine(report.driver));
    for (const GpuFacts& gpu : report.facts.gpus) {
      check.text += fmt::format("; {}: {}, {}, {}", gpu.index, OneLine(gpu.name),
                                FormatBytes(gpu.memory_mib << 20), OneLine(gpu.uuid));
    }
  }
  std::vector<int> missing;
  for (const int index : host.entry.gpus.value_or(std::vector<int>{})) {
    if (index >= have) missing.push_back(index);
  }
  const auto driver = MajorOf(report.driver);
  if (!missing.empty()) {
    check.level = CheckLevel::kFailure;
    check.text = fmt::format("hosts.yaml names GPU {}, and there {} {}{}{}",
                             fmt::join(missing, ", "), have == 1 ? "is" : "are", have,
                             report.facts.gpu_note.empty() ? "" : ": ", report.facts.gpu_note);
    check.remedy = "look with nvidia-smi there: a driver in trouble, or correct `gpus`";
  } else if (have > 0 && driver && *driver < kLeastDriver) {
    check.level = CheckLevel::kWarning;
    check.remedy = fmt::format("CUDA 12 needs driver {} or later", kLeastDriver);
  } else if (have == 0 && !report.facts.gpu_note.empty() && report.facts.gpu_note != kNoNvidiaSmi) {
    check.level = CheckLevel::kWarning;
    check.text = report.facts.gpu_note;
    check.remedy = "mend the driver if this host has a GPU; trials run on cores";
  }
  return check;
}

Check Stopping(const HostReport& report) {
  if (report.facts.tree_kill == "cgroup") {
    return {"stopping", CheckLevel::kOk, "whole trees of processes, through a cgroup", ""};
  }
  return {"stopping", CheckLevel::kOk,
          "whole trees of processes, by session, parent and token: no cgroup can be written there",
          ""};
}

Check Python(const HostReport& report) {
  if (!report.facts.interpreter.empty()) {
    return {"python", CheckLevel::kOk, report.facts.interpreter, ""};
  }
  return {"python", CheckLevel::kWarning, "neither python nor python3 in PATH there",
          "only for trials that are Python scripts: install python3, or put it in PATH by `setup`"};
}

Check Closed(const HostLine& host) {
  return {"trials", CheckLevel::kWarning, host.why,
          fmt::format("let it take trials again: ddl hosts resume {}", host.entry.name)};
}

}  // namespace

std::vector<Check> ChecksOf(const HostLine& host) {
  std::vector<Check> checks;
  if (const auto* problem = std::get_if<ProbeProblem>(&host.answer)) {
    checks.push_back(NotReached(host, *problem));
  } else {
    const auto& report = std::get<HostReport>(host.answer);
    checks = {Reached(host, report), Folder(report),   DiskSpace(report),
              Fusion(report),        Clock(report),    Cores(host, report),
              Gpus(host, report),    Stopping(report), Python(report)};
    std::ranges::move(LibraryChecks(host, report), std::back_inserter(checks));
  }
  if (!host.why.empty()) checks.push_back(Closed(host));
  return checks;
}

}  // namespace ddl
