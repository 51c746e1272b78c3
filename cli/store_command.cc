// SPDX-License-Identifier: Apache-2.0
// ddl store check | backup | rebuild: is the database whole, a copy of it, and back from damage.
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "configs/error.h"
#include "scheduler/spool_rows.h"
#include "store/copy.h"
#include "store/location.h"
#include "store/rebuild.h"
#include "store/store.h"

namespace ddl {

namespace {

constexpr int kExitDamaged = 3;

StoreLock LockOrRefuse(const std::string& folder) {
  std::optional<StoreLock> lock = StoreLock::TryTake(folder);
  if (lock) return *std::move(lock);
  throw Error(fmt::format("the store is in use by {}", StoreLock::Holder(folder)), folder,
              "end it first (its trials go on), then try again", ErrorKind::kInfrastructure);
}

void RequireFolder(const std::string& folder) {
  if (std::filesystem::is_directory(folder)) return;
  throw Error("there is no store here", folder, "name a store by --store or DDL_HOME");
}

int TellFindings(const std::string& folder, bool json) {
  const std::vector<Finding> findings = CheckStore(folder);
  const bool readable = LookAtDatabase(folder + "/ddl.db").problem.empty();
  const SpoolRows spools = readable ? CountSpoolRows(SpoolMarks(folder)) : SpoolRows{};
  if (json) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
      list.push_back({{"what", finding.what}, {"remedy", finding.remedy}});
    }
    PrintJson({{"ok", findings.empty()},
               {"store", folder},
               {"findings", list},
               {"spools", spools.spools},
               {"rows_in_spools_only", spools.rows},
               {"rows_on_their_way", spools.waiting}});
    return findings.empty() ? 0 : kExitDamaged;
  }
  for (const Finding& finding : findings) {
    PrintText(fmt::format("damaged  {}\n         {}\n", finding.what, finding.remedy));
  }
  if (findings.empty()) PrintText(fmt::format("ok  {} is whole\n", folder + "/ddl.db"));
  if (spools.rows > 0) {
    PrintText(fmt::format("{} metric rows lie in spools only; ddl store rebuild takes them\n",
                          spools.rows));
  }
  if (spools.waiting > 0) {
    PrintText(fmt::format("{} metric rows of open attempts are on their way\n", spools.waiting));
  }
  return findings.empty() ? 0 : kExitDamaged;
}

int Backup(const StoreOptions& options, const std::string& folder) {
  std::string target = options.file;
  if (target.empty()) {
    if (const std::optional<StoreLock> lock = StoreLock::TryTake(folder)) {
      (void)Store::Open(folder).Backup();
      target = BackupFolder(folder) + "/ddl.db";
    } else {
      // A coordinator runs, and its own backup is its own: this one stands beside it.
      target = BackupFolder(folder) + "/by-hand.db";
      std::filesystem::create_directories(BackupFolder(folder));
      CopyStore(folder, target);
    }
  } else {
    target = std::filesystem::absolute(target).lexically_normal();
    CopyStore(folder, target);
  }
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(target));
  if (options.common.json) {
    PrintJson({{"file", target}, {"bytes", bytes}});
  } else {
    PrintText(fmt::format("{}  {} bytes, verified\n", target, bytes));
  }
  return 0;
}

void PrintRebuilt(const Rebuilt& rebuilt, const SpoolRows& taken, bool json) {
  if (json) {
    return PrintJson(
        {{"rebuilt", true},
         {"from", rebuilt.from.empty() ? Json() : Json(rebuilt.from)},
         {"kept_aside", rebuilt.kept_aside.empty() ? Json() : Json(rebuilt.kept_aside)},
         {"commits_replayed", rebuilt.commits_replayed},
         {"commits_missing", rebuilt.commits_missing},
         {"metric_rows", taken.rows + taken.waiting}});
  }
  PrintText(fmt::format("rebuilt from {}: {} commits of the journal, {} metric rows of {} spools\n",
                        rebuilt.from.empty() ? "nothing but the journal" : rebuilt.from,
                        rebuilt.commits_replayed, taken.rows + taken.waiting, taken.spools));
  if (!rebuilt.kept_aside.empty()) {
    PrintText(fmt::format("the old file is {}\n", rebuilt.kept_aside));
  }
  if (rebuilt.commits_missing > 0) {
    PrintText(fmt::format("{} commits are in no file that is left\n", rebuilt.commits_missing));
  }
}

int Rebuild(const std::string& folder, bool json) {
  const StoreLock lock = LockOrRefuse(folder);
  bool is_whole = CheckStore(folder).empty();
  if (is_whole) is_whole = CountSpoolRows(SpoolMarks(folder)).rows == 0;
  if (is_whole) {
    if (json) {
      PrintJson({{"rebuilt", false}});
    } else {
      PrintText("the database is whole: nothing was done\n");
    }
    return 0;
  }
  const Rebuilt rebuilt = RebuildDatabase(folder);
  Store store = Store::OpenRebuilt(folder);
  const SpoolRows taken = TakeSpoolRows(store, SpoolMarks(folder));
  (void)store.Backup();
  PrintRebuilt(rebuilt, taken, json);
  return rebuilt.commits_missing > 0 ? kExitDamaged : 0;
}

}  // namespace

int RunStoreCommand(const StoreOptions& options) {
  const std::string folder = FindStoreFolder(options.common.store);
  RequireFolder(folder);
  if (options.verb == "backup") return Backup(options, folder);
  if (!options.file.empty()) {
    throw Error(fmt::format("{} takes no file", options.verb), options.file, "leave it out");
  }
  if (options.verb == "check") return TellFindings(folder, options.common.json);
  return Rebuild(folder, options.common.json);
}

}  // namespace ddl
