// SPDX-License-Identifier: Apache-2.0
#include "runner/host_libraries.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include "runner/command_output.h"
#include "runner/file.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

constexpr std::array kToolkitVariables{"CUDA_HOME", "CUDA_PATH"};
constexpr const char* kSearchVariable = "LD_LIBRARY_PATH";

void AddToolkit(const std::string& toolkit, std::vector<std::string>& folders) {
  if (toolkit.empty()) return;
  for (const char* below : {"/lib64", "/targets/x86_64-linux/lib", "/lib"}) {
    folders.push_back(toolkit + below);
  }
}

void AddSearched(std::string_view path, std::vector<std::string>& folders) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    if (end > 0) folders.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
}

// "cuda-13.0" before "cuda-12.8" before "cuda-9.2"; "cuda" is whatever the machine prefers.
std::vector<int> ToolkitVersion(const std::string& name) {
  if (name == "cuda") return {1 << 20};
  std::vector<int> version;
  std::string_view rest = name;
  while (!rest.empty()) {
    int part = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), part);
    if (problem == std::errc()) version.push_back(part);
    const auto read = static_cast<std::size_t>(end - rest.data());
    rest.remove_prefix(problem == std::errc() ? read : 1);
  }
  return version;
}

void AddInstalledToolkits(std::vector<std::string>& folders) {
  for (const std::string parent : {"/usr/local", "/opt"}) {
    std::vector<std::string> names;
    for (const std::string& name : ListFolder(parent)) {
      if (name.starts_with("cuda")) names.push_back(name);
    }
    std::ranges::sort(names, [](const std::string& a, const std::string& b) {
      return std::pair(ToolkitVersion(a), a) > std::pair(ToolkitVersion(b), b);
    });
    for (const std::string& name : names) {
      AddToolkit(parent + "/" + name, folders);
    }
  }
}

std::string LoaderCache() {
  constexpr std::chrono::seconds kPatience{10};
  constexpr std::size_t kMostText = std::size_t{4} << 20U;
  for (const char* program : {"/sbin/ldconfig", "ldconfig"}) {
    const CommandOutput listed = RunCommand({program, "-p"}, kPatience, kMostText);
    if (listed.exit_code == 0) return listed.text;
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> OwnEnvironment() {
  std::vector<std::pair<std::string, std::string>> own;
  for (const char* name : {kSearchVariable, kToolkitVariables[0], kToolkitVariables[1]}) {
    if (const char* value = std::getenv(name)) own.emplace_back(name, value);
  }
  return own;
}

}  // namespace

std::vector<std::string> LibraryFoldersOf(
    const std::vector<std::pair<std::string, std::string>>& environment) {
  const auto value_of = [&environment](std::string_view name) {
    std::string value;
    for (const auto& [variable, text] : environment) {
      if (variable == name) value = text;
    }
    return value;
  };
  std::vector<std::string> folders;
  AddSearched(value_of(kSearchVariable), folders);
  for (const char* variable : kToolkitVariables) {
    AddToolkit(value_of(variable), folders);
  }
  return folders;
}

std::vector<std::string> FindHostLibrary(const std::string& name,
                                         const std::vector<std::string>& folders) {
  std::vector<std::string> candidates;
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& folder : more) {
      candidates.push_back((fs::path(folder) / name).string());
    }
  };
  add(folders);
  add(LibraryFoldersOf(OwnEnvironment()));
  for (std::string& path : PathsInLoaderCache(LoaderCache(), name)) {
    candidates.push_back(std::move(path));
  }
  std::vector<std::string> installed;
  AddInstalledToolkits(installed);
  add(installed);
  std::vector<std::string> found;
  std::set<fs::path> files;
  for (std::string& path : candidates) {
    std::error_code ignored;
    const bool is_file = path.starts_with('/') && fs::is_regular_file(path, ignored);
    if (is_file && files.insert(fs::canonical(path, ignored)).second) {
      found.push_back(std::move(path));
    }
  }
  return found;
}

// Lines are "\tNAME (libc6,x86-64) => PATH".
std::vector<std::string> PathsInLoaderCache(const std::string& list, const std::string& name) {
  constexpr std::string_view kArrow = " => ";
  std::vector<std::string> paths;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    const std::size_t arrow = line.find(kArrow);
    const bool is_it = line.starts_with(name + " (") && arrow != std::string::npos &&
                       line.substr(0, arrow).find("x86-64") != std::string::npos;
    if (is_it) paths.push_back(line.substr(arrow + kArrow.size()));
  }
  return paths;
}

}  // namespace ddl
