// SPDX-License-Identifier: Apache-2.0
#include "runner/program_files.h"

#include <array>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>

#include "configs/error.h"
#include "configs/library_need.h"
#include "runner/command_output.h"
#include "runner/program_start.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

// Fixed by the platform's ABI.
constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

// Parts of the C library that libraries built for older ones still ask for by name.
constexpr std::array kPartsOfLibc{"libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"};

std::string FileName(const std::string& path) {
  return fs::path(path).filename();
}

// Where some are missing too, at the first of which `--list` would stop. Variants for processors
// that another host need not have are passed over.
std::string LoadersList(const std::string& program) {
  constexpr std::chrono::seconds kPatience{30};
  constexpr std::size_t kMostText = std::size_t{1} << 20U;
  const CommandOutput listed = RunCommand(
      {"env", "LD_TRACE_LOADED_OBJECTS=1", kLoader, "--glibc-hwcaps-mask", "none", program},
      kPatience, kMostText);
  if (listed.exit_code == 0) return listed.text;
  throw Error("the loader does not say which libraries it needs", program,
              std::string("try: ") + kLoader + " --list " + program);
}

}  // namespace

std::map<std::string, std::string> ProgramFiles(const std::string& program) {
  std::map<std::string, std::string> files{{FileName(program), fs::canonical(program)},
                                           {kLoaderName, fs::canonical(kLoader)}};
  for (const auto& [name, path] : ListedLibraries(LoadersList(program), program)) {
    files["lib/" + name] = fs::canonical(path);
  }
  return files;
}

// A library of CUDA that a host has may need more of the C library than the one here, or than
// nothing: all parts of it travel, since another's would not go with ours.
LibraryFiles FilesOfLibrary(const std::string& library) {
  LibraryFiles all;
  std::set<std::string> own;
  for (const LibraryNeed& need : LibraryNeedsOf(library)) {
    own.insert(need.name);
    all.libraries["lib/" + need.name] = "";
  }
  all.files[FileName(library)] = fs::canonical(library);
  fs::path libc_folder;
  for (const auto& [name, path] : ListedLibraries(LoadersList(library), library, own)) {
    const auto needed = all.libraries.find("lib/" + name);
    (needed != all.libraries.end() ? needed->second : all.files["lib/" + name]) =
        fs::canonical(path);
    if (name == "libc.so.6") libc_folder = fs::path(path).parent_path();
  }
  for (const char* part : kPartsOfLibc) {
    std::error_code is_gone;
    const fs::path path = fs::canonical(libc_folder / part, is_gone);
    if (!is_gone && !libc_folder.empty()) all.files[std::string("lib/") + part] = path;
  }
  return all;
}

// Lines are "NAME => PATH (0x…)"; without an arrow, what needs no search: the loader, the kernel's
// own, and what is linked by its path.
std::map<std::string, std::string> ListedLibraries(const std::string& list,
                                                   const std::string& program,
                                                   const std::set<std::string>& may_be_missing) {
  constexpr std::string_view kArrow = " => ";
  std::map<std::string, std::string> libraries;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    const std::size_t end = line.rfind(" (0x");
    const std::size_t arrow = line.find(kArrow);
    const std::string name = line.substr(0, std::min(arrow, end));
    if (name.ends_with(std::string("/") + kLoaderName) || name.starts_with("linux-vdso")) continue;
    if (end == std::string::npos && may_be_missing.contains(name)) continue;
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
