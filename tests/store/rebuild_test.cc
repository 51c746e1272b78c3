// SPDX-License-Identifier: Apache-2.0
#include "store/rebuild.h"

#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "store/copy.h"
#include "store/journal.h"
#include "store/sqlite.h"
#include "tests/store/sample_changes.h"

namespace ddl {
namespace rebuild_test {

using testing::HasSubstr;
using testing::IsEmpty;

class RebuildTest : public testing::Test {
 protected:
  void MakeOld() const {
    std::ifstream stream(std::string(DDL_SOURCE_DIR) + "/tests/store/schema_1.sql");
    const std::string sql{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    Connection(folder_.Database(), OpenAs::kWriter).Execute(sql);
  }
  // Rows changed behind the product's back.
  void Spoil(const std::string& sql) const {
    Connection(folder_.Database(), OpenAs::kWriter).Execute(sql);
  }
  [[nodiscard]] std::string FirstFinding() const {
    const std::vector<Finding> findings = CheckStore(folder_.Path());
    return findings.empty() ? "" : findings.front().what;
  }
  void MakeSample() const {
    Store store = Store::Open(folder_.Path());
    Commit(store, {SampleSweep()});
    Commit(store, TrialThatRuns(1));
    Commit(store, {Losses(1, 1, {0.5, 0.25})});
    Commit(store, TrialThatRuns(2));
    Commit(store, EndedTrial(2, TrialState::kFinished));
  }
  SampleStore folder_;
};

TEST_F(RebuildTest, AnOlderDatabaseIsReadAsItIsAndMigratedByItsWriter) {
  MakeOld();
  EXPECT_THAT(CheckStore(folder_.Path()), IsEmpty());
  EXPECT_EQ(StoreReader::Open(folder_.Path()).Curve({1}, "loss").at(1).value, 0.25);
  {
    Store store = Store::Open(folder_.Path());
    EXPECT_EQ(store.Given().jobs, 9);
    EXPECT_EQ(store.Given().epoch, 3U);
    Commit(store, {EventNoted{.sweep = {1}, .text = "new"}});
  }
  EXPECT_THAT(CheckStore(folder_.Path()), IsEmpty());
  const Connection connection(folder_.Database(), OpenAs::kReader);
  EXPECT_EQ(connection.Number("PRAGMA user_version"), 5);
  EXPECT_EQ(connection.Number("SELECT commits FROM store"), 1);
}

TEST_F(RebuildTest, FindsEachContradiction) {
  MakeSample();
  ASSERT_EQ(FirstFinding(), "");
  const std::pair<const char*, const char*> spoils[] = {
      {"UPDATE trial SET state = 77 WHERE id = 2", "no state"},
      {"UPDATE trial SET state = 1 WHERE id = 2", "no open attempt"},
      {"UPDATE attempt SET cause = NULL WHERE trial = 2", "an open attempt"},
      {"UPDATE trial SET attempts = 4 WHERE id = 2", "count other attempts"},
      {"UPDATE attempt SET job = 1", "more than one attempt"},
      {"UPDATE spool SET committed = 9", "not their last row"},
      {"DELETE FROM metric WHERE seq = 1", "missing in between"},
      {"UPDATE attempt SET last_seq = 5 WHERE trial = 2", "lack metric rows"},
      {"UPDATE summary SET count = 7", "summaries differ"},
      {"UPDATE trial SET sweep = 8 WHERE id = 2", "not there"}};
  for (const auto& [sql, says] : spoils) {
    const std::string kept = folder_.Database() + ".kept";
    std::filesystem::copy_file(folder_.Database(), kept);
    Spoil(sql);
    std::string all;
    for (const Finding& finding : CheckStore(folder_.Path()))
      all += finding.what + "; ";
    EXPECT_THAT(all, HasSubstr(says)) << sql;
    std::filesystem::rename(kept, folder_.Database());
  }
}

TEST_F(RebuildTest, ReplaysTheJournalOverNothing) {
  MakeSample();
  std::filesystem::resize_file(folder_.Database(), 4096);
  const Rebuilt rebuilt = RebuildDatabase(folder_.Path());
  EXPECT_EQ(rebuilt.from, "");
  EXPECT_EQ(rebuilt.commits_replayed, 5);
  EXPECT_EQ(rebuilt.commits_missing, 0);
  const Store store = Store::Open(folder_.Path());
  const auto history = store.Load("sample");
  ASSERT_TRUE(history);
  EXPECT_EQ(history->trials.at(1).state, TrialState::kFinished);
  EXPECT_EQ(history->open_attempts.at(0).token, "token");
}

TEST_F(RebuildTest, BeginsWithTheBackupAndSaysWhatIsInNoFile) {
  {
    Store store = Store::Open(folder_.Path());
    Commit(store, {SampleSweep()});
    (void)store.Backup();
    Commit(store, TrialThatRuns(1));
    Commit(store, TrialThatRuns(2));
  }
  const std::string journal = folder_.Path() + "/changes";
  const JournalText text = ReadJournal(folder_.Path());
  EXPECT_EQ(text.entries.size(), 2U);
  EXPECT_EQ(text.confirmed, 3);
  std::filesystem::remove(folder_.Database());
  const Rebuilt rebuilt = RebuildDatabase(folder_.Path());
  EXPECT_THAT(rebuilt.from, HasSubstr("backup/ddl.db"));
  EXPECT_EQ(rebuilt.kept_aside, "");
  EXPECT_EQ(rebuilt.commits_replayed, 2);
}

TEST_F(RebuildTest, HasNothingToBeginWithWithoutBackupAndJournal) {
  MakeSample();
  std::filesystem::remove(folder_.Path() + "/changes");
  std::filesystem::resize_file(folder_.Database(), 4096);
  EXPECT_THROW((void)RebuildDatabase(folder_.Path()), Error);
  EXPECT_EQ(std::filesystem::file_size(folder_.Database()), 4096U) << "nothing was touched";
}

TEST_F(RebuildTest, ARestoredCopyGivesOutNoJobTwice) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep(), EpochRaised{5}});
  CopyStore(folder_.Path(), folder_.Path() + "/copy.db");
  Commit(store, TrialThatRuns(1));  // job 1, which the copy does not know
  const SampleStore other;
  std::filesystem::rename(folder_.Path() + "/copy.db", other.Database());
  EXPECT_GE(Store::Open(other.Path()).Given().jobs, FirstJobOf(6));
  EXPECT_EQ(store.Given().jobs, 1);
}

TEST_F(RebuildTest, AJournalEndsAtItsFirstBadRecord) {
  MakeSample();
  const std::string path = folder_.Path() + "/changes";
  const auto size = std::filesystem::file_size(path);
  const std::size_t whole = ReadJournal(folder_.Path()).entries.size();
  for (auto left = size; left > 24; --left) {
    std::filesystem::resize_file(path, left);
    EXPECT_LE(ReadJournal(folder_.Path()).entries.size(), whole);
  }
  EXPECT_EQ(ReadJournal(folder_.Path()).entries.size(), 0U);
  EXPECT_NO_THROW((void)Store::Open(folder_.Path()));
}

// Version 1 knew no `busy_ms`. It is replayed, and not gone on with until the next backup.
TEST_F(RebuildTest, AJournalOfAnEarlierVersionIsRead) {
  std::string id;
  {
    Store store = Store::Open(folder_.Path());
    Commit(store, {SampleSweep()});
    Commit(store, TrialThatRuns(1));
    id = store.Id();
  }
  std::ifstream hex(std::string(DDL_SOURCE_DIR) + "/tests/store/journal_1.hex");
  std::string bytes;
  for (char digits[3] = {}; hex >> std::setw(3) >> digits;)
    bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
  bytes.replace(8, id.size(), id);
  std::ofstream(folder_.Path() + "/changes", std::ios::binary) << bytes;
  const JournalText text = ReadJournal(folder_.Path());
  ASSERT_EQ(text.entries.size(), 2U);
  EXPECT_EQ(std::get<AttemptAdded>(text.entries[1].changes.at(1)).token, "token");
  EXPECT_EQ(std::get<AttemptStarted>(text.entries[1].changes.at(2)).pid, 7);
  Store store = Store::Open(folder_.Path());
  Commit(store, TrialThatRuns(2));
  EXPECT_EQ(ReadJournal(folder_.Path()).entries.size(), 2U);
  (void)store.Backup();
  Commit(store, TrialThatRuns(3));
  EXPECT_EQ(ReadJournal(folder_.Path()).entries.size(), 1U);
}

TEST_F(RebuildTest, AJournalThatCannotBeReadIsNotEmpty) {
  std::filesystem::create_directories(folder_.Path());
  EXPECT_TRUE(ReadJournal(folder_.Path()).entries.empty()) << "there is none";
  std::filesystem::create_symlink("changes", folder_.Path() + "/changes");
  EXPECT_THROW((void)ReadJournal(folder_.Path()), Error);
}

}  // namespace rebuild_test
}  // namespace ddl
