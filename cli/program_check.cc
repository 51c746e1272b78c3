// SPDX-License-Identifier: Apache-2.0
#include "cli/program_check.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/executables.h"
#include "configs/error.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

bool IsInPath(const std::string& word, const SweepSpec& spec, const char* path) {
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (IsExecutableFile(fs::path(spec.workdir) / folder / word)) return true;
  }
  return false;
}

bool IsFound(const std::string& word, const SweepSpec& spec) {
  if (IsInPath(word, spec, std::getenv("PATH"))) return true;
  for (const auto& [name, value] : spec.env) {
    if (name == "PATH" && IsInPath(word, spec, value.c_str())) return true;
  }
  return false;
}

void CheckFirstWord(const std::string& word, const SweepSpec& spec, const std::string& spec_file) {
  if (word.find('/') == std::string::npos) {
    if (IsFound(word, spec)) return;
    throw Error(fmt::format("no such program: {}", word), spec_file,
                "write its path, or ./NAME for one in workdir");
  }
  const fs::path path = fs::path(spec.workdir) / word;
  if (!fs::exists(path)) {
    throw Error(fmt::format("no such program: {} (in {})", word, spec.workdir), spec_file,
                "mend the first word of command, or workdir");
  }
  if (!IsExecutableFile(path)) {
    throw Error(fmt::format("not executable: {}", word), spec_file,
                fmt::format("chmod +x {}, or put its interpreter before it", path.string()));
  }
}

}  // namespace

void CheckProgram(const SweepSpec& spec, const std::string& spec_file) {
  if (spec.trainer || spec.command.empty()) return;
  const std::string& first = spec.command.front();
  if (first == "${program}") return CheckFirstWord(spec.program, spec, spec_file);
  if (first.find("${") == std::string::npos) return CheckFirstWord(first, spec, spec_file);
  // After -m the program would be a module's name: only a script right behind its interpreter.
  for (std::size_t i = 1; i < spec.command.size(); ++i) {
    const bool is_script =
        spec.command[i] == "${program}" && spec.command[i - 1] == "${interpreter}";
    if (is_script && !fs::is_regular_file(fs::path(spec.workdir) / spec.program)) {
      throw Error(fmt::format("no such program: {} (in {})", spec.program, spec.workdir), spec_file,
                  "mend program, or workdir");
    }
  }
}

}  // namespace ddl
