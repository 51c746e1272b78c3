// SPDX-License-Identifier: Apache-2.0
#include "cli/gc_code.h"

#include <set>
#include <string_view>

#include <sys/stat.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec.h"
#include "runner/code_tree.h"

namespace ddl {

namespace {

constexpr std::int64_t kCodeDayMs = 24LL * 3'600'000;
constexpr std::int64_t kFreshMs = 3'600'000;

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

}  // namespace

UnusedCode FindUnusedCode(const StoreReader& reader, const std::string& store_folder,
                          std::int64_t keep_days, std::int64_t now_ms) {
  UnusedCode unused;
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
  std::int64_t removed = 0;
  for (const std::string& name : unused.snapshots) {
    const std::string path = folder + "/" + name;
    if (!lock || IsFreshCode(path, now_ms)) continue;
    // Without its manifest it is none any more, wherever this is cut.
    RemoveTree(path + "/manifest");
    removed += RemoveTree(path) ? 1 : 0;
  }
  return removed;
}

}  // namespace ddl
