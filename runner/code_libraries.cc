// SPDX-License-Identifier: Apache-2.0
#include "runner/code_libraries.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/command_output.h"
#include "runner/host_libraries.h"
#include "runner/program_start.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

std::string NameOf(const CodeEntry& entry) {
  return fs::path(entry.path).filename();
}

// Why the library there does not fit, or "".
std::string WhyUnfit(const CodeTree& tree, const std::string& path) {
  constexpr std::chrono::seconds kPatience{60};  // half a gigabyte of a disk that is busy
  constexpr std::size_t kMostText = 4096;
  std::vector<std::string> words = StartOfProgram(tree.PathOf({.path = "."}), "ddl-trainer");
  words.insert(words.begin(), {"env", "-u", "LD_PRELOAD"});
  words.insert(words.end(), {"--library", path});
  const CommandOutput said = RunCommand(words, kPatience, kMostText);
  if (said.exit_code == 0) return {};
  if (said.text.empty()) return "it cannot be tried";
  return said.text.substr(0, said.text.find('\n'));
}

bool IsLink(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

// Where it would lie, so that what it looks for beside itself is the same.
std::string WhyUnfitInPlace(const CodeTree& tree, const CodeEntry& entry,
                            const std::string& candidate) {
  const std::string beside = tree.PathOf(entry) + ".try";
  (void)::unlink(beside.c_str());
  if (::symlink(candidate.c_str(), beside.c_str()) != 0) return std::strerror(errno);
  std::string why = WhyUnfit(tree, beside);
  (void)::unlink(beside.c_str());
  return why;
}

// The code folders of this user's stores on this host, this one first.
std::vector<std::string> CodeFoldersHere(const std::string& code_folder) {
  std::vector<std::string> folders{code_folder};
  const fs::path host_folder = fs::path(code_folder).parent_path().parent_path();
  std::error_code ignored;
  if (!fs::exists(host_folder / "host.json", ignored)) return folders;
  for (const auto& store : fs::directory_iterator(host_folder, ignored)) {
    const std::string folder = store.path() / "code";
    if (folder != code_folder) folders.push_back(folder);
  }
  return folders;
}

bool IsOnAShelf(const CodeTree& tree, const CodeEntry& entry, const std::string& code_folder) {
  if (!entry.HasContent()) return false;
  const std::string path = tree.PathOf(entry);
  const std::string beside = path + ".try";
  (void)::unlink(beside.c_str());
  for (const std::string& folder : CodeFoldersHere(code_folder)) {
    const CodeLibrary shelf = CodeLibrary::Of(folder, std::numeric_limits<std::size_t>::max());
    if (!shelf.LinkTo(entry, beside)) continue;
    return ::rename(beside.c_str(), path.c_str()) == 0;
  }
  return false;
}

}  // namespace

LibraryVerdict SeeToLibraries(const CodeTree& tree, const std::string& code_folder,
                              const std::vector<std::string>& folders) {
  LibraryVerdict verdict;
  for (const std::size_t i : tree.Libraries()) {
    const CodeEntry& entry = tree.Manifest().entries[i];
    const std::string path = tree.PathOf(entry);
    if (tree.IsSent(entry) || (IsLink(path) && WhyUnfit(tree, path).empty())) continue;
    std::string why = "there is none";
    bool is_placed = false;
    for (const std::string& candidate : FindHostLibrary(NameOf(entry), folders)) {
      const std::string unfit = WhyUnfitInPlace(tree, entry, candidate);
      is_placed = unfit.empty();
      if (is_placed) verdict.problem = tree.PlaceOwn(entry, candidate);
      if (is_placed) break;
      why = fmt::format("{}: {}", candidate, unfit);
    }
    if (!verdict.problem.empty()) return verdict;
    if (is_placed || IsOnAShelf(tree, entry, code_folder)) continue;
    if (!tree.IsBegun(entry)) (void)::unlink(path.c_str());
    verdict.lacking.push_back(i);
    verdict.why += fmt::format("{}{}: {}", verdict.why.empty() ? "" : "; ", NameOf(entry), why);
    if (entry.HasContent()) continue;
    verdict.problem = fmt::format(
        "{}; and the coordinator's machine has none to send: install "
        "CUDA's libraries here or there",
        verdict.why);
    return verdict;
  }
  return verdict;
}

}  // namespace ddl
