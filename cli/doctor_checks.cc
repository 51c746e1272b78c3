// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "cli/doctor.h"
#include "cli/format.h"
#include "store/file_system.h"

namespace ddl {

namespace {

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// The value of the first "key : value" line.
std::string_view FieldOf(std::string_view text, std::string_view key) {
  for (const std::string_view line : Split(text, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || Trimmed(line.substr(0, colon)) != key) continue;
    return Trimmed(line.substr(colon + 1));
  }
  return {};
}

// "16384 kB" in bytes.
std::int64_t BytesOf(std::string_view kilobytes) {
  std::int64_t number = 0;
  std::from_chars(kilobytes.data(), kilobytes.data() + kilobytes.size(), number);
  return number * 1024;
}

}  // namespace

Check ProgramCheck(const std::string& name, const std::string& path, bool is_executable) {
  if (is_executable) return {name, CheckLevel::kOk, path, ""};
  return {name, CheckLevel::kFailure, path + " is missing or cannot be executed",
          "build all of ddl, and keep its three programs in one folder"};
}

Check CpuCheck(std::string_view cpuinfo, int usable_cores) {
  const std::string_view flags = FieldOf(cpuinfo, "flags");
  const auto words = Split(flags, ' ');
  const auto has = [&](std::string_view flag) { return std::ranges::count(words, flag) > 0; };
  const char* isa = has("avx512f") ? "AVX-512" : has("avx2") ? "AVX2" : has("avx") ? "AVX" : "SSE";
  const std::string_view model = FieldOf(cpuinfo, "model name");
  Check check{"cpu", CheckLevel::kOk,
              fmt::format("{} core{} to run on, {}, {}", usable_cores, usable_cores == 1 ? "" : "s",
                          isa, model.empty() ? "unknown model" : model),
              ""};
  if (!has("avx2")) {
    check.level = CheckLevel::kWarning;
    check.remedy = "the built-in trainer works, but several times slower than with AVX2";
  }
  return check;
}

Check MemoryCheck(std::string_view meminfo) {
  const std::int64_t total = BytesOf(FieldOf(meminfo, "MemTotal"));
  const std::int64_t available = BytesOf(FieldOf(meminfo, "MemAvailable"));
  Check check{"memory", CheckLevel::kOk,
              fmt::format("{} of {} available", FormatBytes(available), FormatBytes(total)), ""};
  if (available < std::int64_t{512} << 20) {
    check.level = CheckLevel::kWarning;
    check.remedy =
        "say in the spec what a trial needs (resources: {memory: 1GiB}), or use "
        "parallel: 1";
  }
  return check;
}

Check GpuCheck(const GpuProbe& probe) {
  if (probe.program.empty()) {
    return {"gpu", CheckLevel::kOk, "none: no nvidia-smi in PATH; trials run on cores", ""};
  }
  const std::string_view said = Trimmed(probe.output);
  const std::string_view first = said.substr(0, std::min(said.find('\n'), said.size()));
  if (probe.exit_code != 0 || !said.starts_with("GPU ")) {
    return {"gpu", CheckLevel::kWarning,
            fmt::format("none: {} says \"{}\" (exit {})", probe.program, first, probe.exit_code),
            "mend the driver if this machine has a GPU; trials run on cores"};
  }
  const auto count = std::ranges::count_if(
      Split(said, '\n'), [](std::string_view line) { return line.starts_with("GPU "); });
  return {"gpu", CheckLevel::kOk, fmt::format("{}; the first: {}", count, first), ""};
}

Check FolderCheck(const std::string& name, const FolderFacts& folder, CheckLevel on_network) {
  Check check{name, CheckLevel::kOk,
              fmt::format("{} ({}{})", folder.path, FileSystemName(folder.file_system),
                          folder.exists ? "" : ", made when needed"),
              ""};
  if (!folder.is_writable) {
    check.level = CheckLevel::kFailure;
    check.text = folder.path + (folder.exists ? " cannot be written" : " cannot be made");
    check.remedy = "give yourself the right to write there, or choose another folder (" +
                   std::string(name == "store" ? "--store or DDL_HOME" : "DDL_HOST_DIR") + ")";
  } else if (IsNetworkFileSystem(folder.file_system) && on_network != CheckLevel::kOk) {
    check.level = on_network;
    check.remedy = "choose a folder on a disk of this machine (DDL_HOST_DIR)";
  }
  return check;
}

Check SpaceCheck(const FolderFacts& folder) {
  constexpr std::int64_t kLittle = std::int64_t{2} << 30;
  constexpr std::int64_t kTooLittle = std::int64_t{64} << 20;
  Check check{"disk space", CheckLevel::kOk,
              fmt::format("{} free at {}", FormatBytes(folder.free_bytes), folder.path), ""};
  if (folder.free_bytes >= kLittle) return check;
  check.level = folder.free_bytes < kTooLittle ? CheckLevel::kFailure : CheckLevel::kWarning;
  check.remedy = "make room: logs and checkpoints of trials are kept there";
  return check;
}

Check TreeCheck(bool has_writable_cgroup) {
  if (has_writable_cgroup) {
    return {"stopping", CheckLevel::kOk, "whole trees of processes, through a cgroup", ""};
  }
  return {"stopping", CheckLevel::kOk,
          "whole trees of processes, by session, parent and token: no cgroup can be written here",
          ""};
}

Check PythonCheck(const std::string& path) {
  if (!path.empty()) return {"python", CheckLevel::kOk, path, ""};
  return {"python", CheckLevel::kWarning, "neither python nor python3 in PATH",
          "only for trials that are Python scripts: install python3"};
}

Check FashionMnistCheck(std::span<const std::string> missing_files, const std::string& folder) {
  if (missing_files.empty()) return {"fashion-mnist", CheckLevel::kOk, folder, ""};
  return {"fashion-mnist", CheckLevel::kWarning,
          fmt::format("{} is not in {}", missing_files.front(), folder),
          "for the samples that use it: apt install dataset-fashion-mnist"};
}

}  // namespace ddl
