// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/gc.h"
#include "cli/gc_code.h"
#include "cli/output.h"
#include "configs/error.h"
#include "runner/host_facts.h"
#include "runner/host_folder.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr int kExitRefused = 3;

HostPaths PathsOf(const StoreReader& reader) {
  HostPaths paths{DefaultHostFolder(), reader.Id(), {}};
  const std::string problem = WhyNotOurs(paths, ReadHostFacts().machine_id);
  if (problem.empty()) return paths;
  throw Error(problem, paths.host_folder, "run ddl gc on that machine, or set DDL_HOST_DIR",
              ErrorKind::kInfrastructure);
}

FileDescriptor LockOrThrow(const HostPaths& paths) {
  std::optional<FileDescriptor> lock = LockForRemoval(paths);
  if (lock) return *std::move(lock);
  throw Error("another ddl gc is at work, or the folder cannot be written", paths.Store(),
              "wait for it, then try again", ErrorKind::kInfrastructure);
}

bool CanAskToRemove(const GcOptions& options) {
  return !options.common.json && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

bool SaysYes() {
  fmt::print(stderr, "Do it? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void PrintResult(const GcResult& result) {
  PrintText(fmt::format("\n{} folders done, {} freed\n", FormatCount(result.done),
                        FormatBytes(result.freed_bytes)));
  if (result.left > 0) {
    PrintText(fmt::format("{} were left: their trials go on again\n", FormatCount(result.left)));
  }
  if (result.refused > 0) {
    PrintText(fmt::format("{} were refused by the disk; ddl gc again goes on with them\n",
                          FormatCount(result.refused)));
  }
}

Json ResultJson(const GcResult& result) {
  return {{"folders", result.done},
          {"freed_bytes", result.freed_bytes},
          {"left", result.left},
          {"refused", result.refused}};
}

std::int64_t NowMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void PrintCode(const UnusedCode& code) {
  if (code.snapshots.empty()) return;
  PrintText(fmt::format("code: {} snapshots that no recent sweep runs in, {}\n",
                        FormatCount(static_cast<std::int64_t>(code.snapshots.size())),
                        FormatBytes(code.size.bytes)));
}

void AddCode(const UnusedCode& code, const std::string& store_folder, GcResult& result) {
  const auto found = static_cast<std::int64_t>(code.snapshots.size());
  const std::int64_t removed = RemoveUnusedCode(code, store_folder, NowMs());
  result.done += removed;
  result.left += found - removed;
  if (removed == found) result.freed_bytes += code.size.bytes;
}

}  // namespace

int RunGcCommand(const GcOptions& options) {
  const std::string store_folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(store_folder);
  const HostPaths paths = PathsOf(reader);
  const bool is_there = ::access(paths.Store().c_str(), F_OK) == 0;
  const bool may_do = is_there && (options.yes || CanAskToRemove(options));
  FileDescriptor lock;
  if (may_do) {
    lock = LockOrThrow(paths);
    FinishRemovals(paths);
  }
  const GcFacts facts = ReadGcFacts(reader, store_folder, paths, options.sweep);
  const GcPlan plan = PlanGc(facts.sweeps, {options.keep_best, options.keep_days, NowMs()});
  const UnusedCode code = FindUnusedCode(reader, store_folder, options.keep_days, NowMs());
  if (!options.common.json) {
    PrintLines(GcLines(plan, facts, DetectTerminal()));
    PrintCode(code);
  }

  const bool has_work = !plan.steps.empty() || !code.snapshots.empty();
  const bool does = may_do && has_work && (options.yes || SaysYes());
  GcResult result = does ? CarryOut(plan.steps, paths, store_folder) : GcResult{};
  if (does) AddCode(code, store_folder, result);
  if (options.common.json) {
    Json json = GcJson(plan, facts, paths);
    json["code"] = {{"snapshots", code.snapshots}, {"bytes", code.size.bytes}};
    json["done"] = does ? ResultJson(result) : Json(nullptr);
    PrintJson(json);
  } else if (does) {
    PrintResult(result);
  } else if (has_work) {
    PrintText("\nnothing was done; ddl gc --yes does it\n");
  }
  return result.refused > 0 ? kExitRefused : 0;
}

}  // namespace ddl
