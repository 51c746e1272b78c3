// SPDX-License-Identifier: Apache-2.0
// Does a database agree with itself?
#include <map>
#include <utility>

#include <fmt/format.h>

#include "store/journal.h"
#include "store/location.h"
#include "store/packed_values.h"
#include "store/rebuild.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace ddl {

namespace {

constexpr const char* kRebuild = "ddl store rebuild brings back what was acknowledged";
constexpr const char* kReport = "this is a fault of ddl; keep a copy of the store's folder";

struct Rule {
  const char* claim;  // what the rows that the query finds contradict; {} is their number
  const char* sql;    // how many
  const char* remedy = kReport;
};

// States: 1 launching, 2 running, 4 stopping live; from 5 on ended (configs/states.h).
constexpr Rule kRules[] = {
    {"{} trials are in no state that there is",
     "SELECT count(*) FROM trial WHERE state NOT BETWEEN 0 AND 8"},
    {"{} live trials have no open attempt",
     "SELECT count(*) FROM trial t WHERE state IN (1, 2, 4) AND NOT EXISTS (SELECT 1 FROM attempt "
     "a WHERE a.trial = t.id AND a.cause IS NULL)"},
    {"{} trials that wait or have ended have an open attempt",
     "SELECT count(*) FROM trial t WHERE state NOT IN (1, 2, 4) AND EXISTS (SELECT 1 FROM attempt "
     "a WHERE a.trial = t.id AND a.cause IS NULL)"},
    {"{} trials have more than one open attempt",
     "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE cause IS NULL GROUP BY trial HAVING "
     "count(*) > 1)"},
    {"{} trials count other attempts than there are",
     "SELECT count(*) FROM trial t WHERE attempts <> coalesce((SELECT max(attempt) FROM attempt a "
     "WHERE a.trial = t.id), 0)"},
    {"{} jobs serve more than one attempt",
     "SELECT count(*) FROM (SELECT 1 FROM attempt GROUP BY job HAVING count(*) > 1)"},
    {"{} spools have a mark that is not their last row",
     "SELECT count(*) FROM spool s WHERE committed <> coalesce((SELECT max(seq) FROM metric m "
     "WHERE m.job = s.job AND m.rank = s.rank), 0)"},
    {"{} spools have rows missing in between",
     "SELECT count(*) FROM spool s WHERE committed <> (SELECT count(*) FROM metric m WHERE m.job = "
     "s.job AND m.rank = s.rank)"},
    {"{} metric rows belong to no attempt",
     "SELECT count(*) FROM metric m WHERE NOT EXISTS (SELECT 1 FROM attempt a WHERE a.trial = "
     "m.trial AND a.attempt = m.attempt)"},
    {"{} ended attempts lack metric rows that their trial reported",
     "SELECT count(*) FROM attempt a WHERE a.last_seq > coalesce((SELECT committed FROM spool s "
     "WHERE s.job = a.job AND s.rank = 0), 0)",
     "ddl store rebuild takes them from the spools, where these are left"},
};

void CheckRules(const Connection& connection, std::vector<Finding>& findings) {
  for (const Rule& rule : kRules) {
    const std::int64_t count = connection.Number(rule.sql);
    if (count > 0) findings.push_back({fmt::format(fmt::runtime(rule.claim), count), rule.remedy});
  }
  Statement references(connection, "PRAGMA foreign_key_check");
  if (references.Step()) findings.push_back({"rows refer to rows that are not there", kReport});
}

void CheckSummaries(const Connection& connection, std::vector<Finding>& findings) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> counts;
  Statement rows(connection, "SELECT trial, packed FROM metric");
  while (rows.Step()) {
    const std::int64_t trial = rows.Int(0);
    const std::string packed = rows.Text(1);
    UnpackValues(packed, [&](std::int64_t name, double) { ++counts[{trial, name}]; });
  }
  std::int64_t wrong = 0;
  Statement summaries(connection, "SELECT trial, name, count FROM summary");
  while (summaries.Step()) {
    const auto counted = counts.find({summaries.Int(0), summaries.Int(1)});
    wrong += counted == counts.end() || counted->second != summaries.Int(2) ? 1 : 0;
    if (counted != counts.end()) counts.erase(counted);
  }
  wrong += std::ssize(counts);
  if (wrong > 0) {
    findings.push_back({fmt::format("{} summaries differ from their rows", wrong), kReport});
  }
}

}  // namespace

std::vector<Finding> CheckStore(const std::string& folder) {
  std::vector<Finding> findings;
  const std::string path = folder + "/ddl.db";
  const DatabaseState backup = LookAtDatabase(BackupFolder(folder) + "/ddl.db");
  if (backup.is_there && !backup.problem.empty()) {
    findings.push_back({"the backup is damaged: " + backup.problem, "ddl store backup"});
  }
  const DatabaseState state = LookAtDatabase(path);
  if (!state.problem.empty()) {
    findings.push_back({"the database is not whole: " + state.problem, kRebuild});
    return findings;
  }
  const Connection connection(path, OpenAs::kReader);
  if (connection.Number("PRAGMA user_version") < kSchemaVersion) return findings;
  connection.Execute("BEGIN");  // one moment, beside a coordinator that goes on
  const std::int64_t commits = connection.Number("SELECT commits FROM store");
  Statement id(connection, "SELECT id FROM store");
  const JournalText journal = ReadJournal(folder);
  // A coordinator that runs may have committed between the two looks.
  const bool is_ours = id.Step() && id.Text(0) == journal.store_id;
  if (is_ours && journal.confirmed > commits && LookAtDatabase(path).commits < journal.confirmed) {
    findings.push_back(
        {fmt::format("the database lacks its last {} commits", journal.confirmed - commits),
         kRebuild});
  }
  CheckRules(connection, findings);
  CheckSummaries(connection, findings);
  return findings;
}

}  // namespace ddl
