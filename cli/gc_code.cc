// SPDX-License-Identifier: Apache-2.0
#include "cli/gc_code.h"

#include <set>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec.h"
#include "runner/code_tree.h"

namespace ddl {

namespace {

constexpr std::int64_t kCodeDayMs = 24LL * 3'600'000;
constexpr std::int64_t kFreshMs = 3'600'000;
constexpr std::string_view kCodeFolder = "code/";
constexpr const char* kFetchedFolder = "/checkpoints";

std::set<std::string> CodeInUse(const StoreReader& reader, std::int64_t since_ms) {
  std::set<std::string> used;
  for (const SweepLine& sweep : reader.Sweeps()) {
    const bool is_over = sweep.state != SweepState::kRunning && sweep.changed_ms < since_ms;
    if (!is_over) used.insert(SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec")).code);
  }
  return used;
}

bool IsFreshCode(const std::string& path, std::int64_t now_ms) {
  struct stat status{};
  return ::stat(path.c_str(), &status) != 0 ||
         std::int64_t{status.st_mtim.tv_sec} * 1000 > now_ms - kFreshMs;
}

// A coordinator that goes on can fetch them again.
void FindFetched(const std::string& store_folder, std::int64_t now_ms, UnusedCode& unused) {
  const std::string folder = store_folder + kFetchedFolder;
  for (const std::string& name : ListFolder(folder)) {
    if (name == "lock" || IsFreshCode(folder + "/" + name, now_ms)) continue;
    unused.fetched.push_back(name);
    unused.size += SizeOf(folder + "/" + name);
  }
}

// Nothing while somebody fetches.
std::int64_t RemoveFetched(const UnusedCode& unused, const std::string& store_folder,
                           std::int64_t now_ms) {
  if (unused.fetched.empty()) return 0;
  const std::string folder = store_folder + kFetchedFolder;
  const FileDescriptor lock = OpenFile(folder + "/lock", O_RDWR | O_CREAT);
  if (!lock || ::flock(lock.Get(), LOCK_EX | LOCK_NB) != 0) return 0;
  std::int64_t removed = 0;
  for (const std::string& name : unused.fetched) {
    const std::string path = folder + "/" + name;
    if (!IsFreshCode(path, now_ms)) removed += RemoveTree(path) ? 1 : 0;
  }
  return removed;
}

}  // namespace

UnusedCode FindUnusedCode(const StoreReader& reader, const std::string& store_folder,
                          std::int64_t keep_days, std::int64_t now_ms) {
  UnusedCode unused;
  FindFetched(store_folder, now_ms, unused);
  const std::string folder = store_folder + "/code";
  const std::vector<std::string> names = ListFolder(folder);
  if (names.empty()) return unused;
  const std::set<std::string> used = CodeInUse(reader, now_ms - keep_days * kCodeDayMs);
  for (const std::string& name : names) {
    const std::string code = name.substr(0, name.find(".aside"));
    if (!IsCodeName(code) || used.contains(code)) continue;
    if (IsFreshCode(folder + "/" + name, now_ms)) continue;
    unused.snapshots.push_back(name);
    unused.size += SizeOf(folder + "/" + name);
  }
  return unused;
}

std::int64_t RemoveUnusedCode(const UnusedCode& unused, const std::string& store_folder,
                              std::int64_t now_ms) {
  const std::string folder = store_folder + "/code";
  const FileDescriptor lock = CodeTree::Lock(folder);
  std::int64_t removed = RemoveFetched(unused, store_folder, now_ms);
  for (const std::string& name : unused.snapshots) {
    const std::string path = folder + "/" + name;
    if (!lock || IsFreshCode(path, now_ms)) continue;
    // Without its manifest it is none any more, wherever this is cut.
    RemoveTree(path + "/manifest");
    removed += RemoveTree(path) ? 1 : 0;
  }
  return removed;
}

UnusedCode FindUnusedCodeThere(const StoreReader& reader, const PlaceThere& place,
                               std::int64_t keep_days, std::int64_t now_ms) {
  UnusedCode unused;
  const std::set<std::string> used = CodeInUse(reader, now_ms - keep_days * kCodeDayMs);
  for (const auto& [name, folder] : place.Folders()) {
    if (!name.starts_with(kCodeFolder)) continue;
    const std::string code =
        name.substr(kCodeFolder.size(), name.find(".aside") - kCodeFolder.size());
    if (!IsCodeName(code) || used.contains(code) || folder.age_s * 1000 < kFreshMs) continue;
    unused.snapshots.push_back(name);
    unused.size += folder.size;
  }
  return unused;
}

// A sweep that begins amid this with one of them gets it back, or sent again.
std::int64_t RemoveUnusedCodeThere(const UnusedCode& unused, PlaceThere& place,
                                   const std::string& store_folder, std::int64_t keep_days,
                                   std::int64_t now_ms) {
  std::int64_t removed = 0;
  for (const std::string& name : unused.snapshots) {
    if (place.SetAside(name) != RemovalEnd::kDone) continue;
    const std::set<std::string> used =
        CodeInUse(StoreReader::Open(store_folder), now_ms - keep_days * kCodeDayMs);
    const std::string code =
        name.substr(kCodeFolder.size(), name.find(".aside") - kCodeFolder.size());
    const bool is_used = used.contains(code);
    if (is_used && place.PutBack(name) == RemovalEnd::kDone) continue;
    removed += place.RemoveAside(name) == RemovalEnd::kDone ? 1 : 0;
  }
  return removed;
}

}  // namespace ddl
