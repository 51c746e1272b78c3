// SPDX-License-Identifier: Apache-2.0
#include "runner/program_files.h"

#include <chrono>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "configs/error.h"
#include "runner/command_output.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

// Fixed by the platform's ABI.
constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";
constexpr const char* kLoaderName = "/ld-linux-x86-64.so.2";
constexpr const char* kLibraries = "/lib";

std::string FileName(const std::string& path) {
  return fs::path(path).filename();
}

}  // namespace

std::map<std::string, std::string> ProgramFiles(const std::string& program) {
  constexpr std::chrono::seconds kPatience{30};
  constexpr std::size_t kMostText = std::size_t{1} << 20U;
  // Variants for processors that another host need not have are passed over.
  const CommandOutput listed =
      RunCommand({kLoader, "--glibc-hwcaps-mask", "none", "--list", program}, kPatience, kMostText);
  if (listed.exit_code != 0) {
    throw Error("the loader does not say which libraries it needs", program,
                std::string("try: ") + kLoader + " --list " + program);
  }
  std::map<std::string, std::string> files{{FileName(program), fs::canonical(program)},
                                           {FileName(kLoader), fs::canonical(kLoader)}};
  for (const auto& [name, path] : ListedLibraries(listed.text, program)) {
    files["lib/" + name] = fs::canonical(path);
  }
  return files;
}

std::vector<std::string> StartOfProgram(const std::string& folder, const std::string& program) {
  return {folder + kLoaderName, "--library-path", folder + kLibraries,
          folder + "/" + FileName(program)};
}

// Lines are "NAME => PATH (0x…)"; without an arrow, what needs no search: the loader, the kernel's
// own, and what is linked by its path.
std::map<std::string, std::string> ListedLibraries(const std::string& list,
                                                   const std::string& program) {
  constexpr std::string_view kArrow = " => ";
  std::map<std::string, std::string> libraries;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    const std::size_t end = line.rfind(" (0x");
    const std::size_t arrow = line.find(kArrow);
    const std::string name = line.substr(0, std::min(arrow, end));
    if (name.ends_with(kLoaderName) || name.starts_with("linux-vdso")) continue;
    if (name.find('/') != std::string::npos) {
      throw Error("the program is linked with a library by its path: " + name, program,
                  "link it by its name: other hosts do not have that path");
    }
    if (end == std::string::npos || arrow == std::string::npos) {
      throw Error("a library of the program is missing: " + name, program,
                  "install it, or build the program anew");
    }
    libraries[name] = line.substr(arrow + kArrow.size(), end - arrow - kArrow.size());
  }
  return libraries;
}

}  // namespace ddl
