// SPDX-License-Identifier: Apache-2.0
#include "store/rebuild.h"

#include <ctime>
#include <filesystem>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "configs/error.h"
#include "store/durable.h"
#include "store/journal.h"
#include "store/location.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/writer.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

std::int64_t CommitsOf(const Connection& connection) {
  return connection.Number("PRAGMA user_version") < 2
             ? 0
             : connection.Number("SELECT commits FROM store");
}

// What to begin with: the whole file with the most commits.
struct Base {
  std::string path;
  std::int64_t commits = 0;
};

std::optional<Base> ChooseBase(const std::string& folder, const JournalText& journal) {
  std::optional<Base> best;
  for (const std::string& path : {folder + "/ddl.db", BackupFolder(folder) + "/ddl.db"}) {
    const DatabaseState state = LookAtDatabase(path);
    if (!state.is_there || !state.problem.empty()) continue;
    if (!best || state.commits > best->commits) best = Base{path, state.commits};
  }
  const bool from_the_start = !journal.entries.empty() && journal.entries.front().number == 1;
  if (!best && from_the_start) best = Base{};
  return best;
}

void Copy(const std::string& from, const std::string& to) {
  const Connection source(from, OpenAs::kReader);
  Statement copy(source, "VACUUM INTO ?");
  copy.Bind(to).Run();
}

// A file of a newer ddl is whole, and nothing to put aside.
void RefuseNewer(const std::string& path) {
  std::int64_t version = 0;
  try {
    const Connection connection(path, OpenAs::kReader);
    if (connection.Number("PRAGMA application_id") != kApplicationId) return;
    version = connection.Number("PRAGMA user_version");
  } catch (const Error&) {
    return;
  }
  if (version <= kSchemaVersion) return;
  throw Error(fmt::format("this database is of a newer ddl (schema {}, ours is {})", version,
                          kSchemaVersion),
              path, "use that ddl", ErrorKind::kInfrastructure);
}

// Commits of the journal that follow the database's without a gap.
std::int64_t Replay(const Connection& connection, const JournalText& journal) {
  std::int64_t last = CommitsOf(connection);
  const std::int64_t first = last;
  ChangeWriter writer(connection);
  connection.Execute("BEGIN IMMEDIATE");
  for (const JournalEntry& entry : journal.entries) {
    // One that was never confirmed may be the last thing a killed coordinator tried.
    if (entry.number <= last || entry.number > journal.confirmed) continue;
    if (entry.number != last + 1) break;
    for (const Change& change : entry.changes) {
      writer.Write(change);
    }
    last = entry.number;
  }
  writer.Finish();
  const auto epoch = static_cast<std::uint64_t>(connection.Number("SELECT epoch FROM store"));
  Statement mark(connection, "UPDATE store SET commits = ?, jobs_from = max(jobs_from, ?)");
  mark.Bind(last, FirstJobOf(epoch + 1)).Run();
  connection.Execute("COMMIT");
  return last - first;
}

// The damaged file with its log, under a name that tells when.
std::string KeepAside(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return {};
  const std::string stem =
      fmt::format("{}.damaged-{:%Y%m%d-%H%M%S}", path, fmt::localtime(std::time(nullptr)));
  std::string aside = stem;
  for (int again = 2; fs::exists(aside); ++again) {
    aside = fmt::format("{}-{}", stem, again);
  }
  for (const char* suffix : {"-shm", "-wal", ""}) {
    std::error_code not_there;
    fs::rename(path + suffix, aside + suffix, not_there);
  }
  return aside;
}

}  // namespace

DatabaseState LookAtDatabase(const std::string& path) {
  DatabaseState state;
  state.is_there = ::access(path.c_str(), F_OK) == 0;
  if (!state.is_there) {
    state.problem = "there is none";
    return state;
  }
  try {
    const Connection connection(path, OpenAs::kReader);
    CheckSchema(connection, path);
    Statement integrity(connection, "PRAGMA integrity_check(1)");
    if (!integrity.Step()) return state;
    if (integrity.Text(0) != "ok") {
      state.problem = integrity.Text(0);
    } else if (connection.Number("PRAGMA user_version") == 0) {
      state.problem = "it is empty";
    } else {
      integrity.Reset();
      state.commits = CommitsOf(connection);
    }
  } catch (const Error& problem) {
    state.problem = problem.Message();
  }
  return state;
}

Rebuilt RebuildDatabase(const std::string& folder) {
  const std::string path = folder + "/ddl.db";
  const std::string aside = folder + "/ddl.db.rebuilt";
  RefuseNewer(path);
  const JournalText journal = ReadJournal(folder);
  const std::optional<Base> base = ChooseBase(folder, journal);
  if (!base) {
    throw Error("there is nothing to rebuild the database from: no whole file, no backup", folder,
                "look for a copy of backup/ddl.db elsewhere; the trials' files are on their hosts",
                ErrorKind::kInfrastructure);
  }
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    fs::remove(aside + suffix);
  }
  if (!base->path.empty()) Copy(base->path, aside);
  Rebuilt rebuilt{.from = base->path};
  {
    const Connection connection(aside, OpenAs::kWriter);
    Migrate(connection);
    if (base->path.empty()) {
      Statement name(connection, "UPDATE store SET id = ?");
      name.Bind(journal.store_id).Run();
    }
    rebuilt.commits_replayed = Replay(connection, journal);
    rebuilt.commits_missing = std::max<std::int64_t>(
        0, journal.confirmed - connection.Number("SELECT commits FROM store"));
  }
  rebuilt.kept_aside = KeepAside(path);
  KeepAs(aside, path);
  return rebuilt;
}

std::vector<SpoolMark> SpoolMarks(const std::string& folder) {
  const Connection connection(folder + "/ddl.db", OpenAs::kReader);
  Statement read(connection,
                 "SELECT a.job, a.trial, a.attempt, a.job_folder, coalesce(s.committed, 0), "
                 "a.cause IS NOT NULL FROM attempt a "
                 "LEFT JOIN spool s ON s.job = a.job AND s.rank = 0 ORDER BY a.job");
  std::vector<SpoolMark> marks;
  while (read.Step()) {
    marks.push_back({.rank = {{read.Int(0)}, 0},
                     .trial = {read.Int(1)},
                     .attempt = static_cast<int>(read.Int(2)),
                     .job_folder = read.Text(3),
                     .committed = read.Int(4),
                     .has_ended = read.Int(5) != 0});
  }
  return marks;
}

}  // namespace ddl
