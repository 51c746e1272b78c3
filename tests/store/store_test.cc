// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/error.h"
#include "store/sqlite.h"
#include "tests/store/sample_changes.h"

namespace ddl {
namespace store_test {

using testing::HasSubstr;

std::string OpenRefusal(const std::string& folder) {
  try {
    (void)Store::Open(folder);
    return "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.Kind(), ErrorKind::kUsage);
    return error.what();
  }
}

std::string ReadBytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

class StoreTest : public testing::Test {
 protected:
  SampleStore folder_;
};

TEST_F(StoreTest, RemembersWhatWasCommitted) {
  std::string id;
  {
    Store store = Store::Open(folder_.Path());
    id = store.Id();
    Commit(store, {SampleSweep(), EpochRaised{4}});
    Commit(store, TrialThatRuns(1));
    Commit(store, {Losses(1, 1, {0.5, 0.25})});
  }
  const Store store = Store::Open(folder_.Path());
  EXPECT_EQ(store.Id(), id);
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(store.Given().sweeps, 1);
  EXPECT_EQ(store.Given().trials, 1);
  EXPECT_EQ(store.Given().jobs, 1);
  EXPECT_EQ(store.Given().epoch, 4U);
  const std::optional<SweepHistory> history = store.Load("sample");
  ASSERT_TRUE(history);
  EXPECT_EQ(history->metric_reports, 2);
  ASSERT_EQ(history->trials.size(), 1U);
  EXPECT_EQ(history->trials[0].state, TrialState::kRunning);
  EXPECT_EQ(history->trials[0].objective, 0.25);
  ASSERT_EQ(history->open_attempts.size(), 1U);
  EXPECT_TRUE(history->open_attempts[0].started);
  EXPECT_EQ(history->open_attempts[0].committed_seq, 2);
  EXPECT_THAT(store.UnfinishedSweeps(), testing::ElementsAre(SweepId{1}));
  EXPECT_FALSE(store.Load("other"));
}

TEST_F(StoreTest, KnowsEachUnfinishedSweepOfAName) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep(1), SampleSweep(2), SampleSweep(3, "other")});
  EXPECT_THAT(store.UnfinishedSweeps(), testing::ElementsAre(SweepId{1}, SweepId{2}, SweepId{3}));
  EXPECT_EQ(store.Load(SweepId{1})->id, SweepId{1});
  EXPECT_EQ(store.Load("sample")->id, SweepId{2});
  EXPECT_FALSE(store.Load(SweepId{4}));
}

TEST_F(StoreTest, LoadsTheGpuTimeOfEndedAttempts) {
  Store store = Store::Open(folder_.Path());
  std::vector<Change> running = TrialThatRuns(1);
  std::get<AttemptAdded>(running[1]).slots_json =
      R"({"cores":[],"gpus":[["GPU-a",0,0,1000],["GPU-b",1,0,250]],"memory_mib":0})";
  Commit(store, {SampleSweep()});
  Commit(store, running);
  EXPECT_EQ(store.Load("sample")->gpu_ms, 0);
  Commit(store, EndedTrial(1, TrialState::kFinished));
  EXPECT_EQ(store.Load("sample")->gpu_ms, 625);  // 500 ms of 1.25 GPUs
}

// Whatever the clock said at their ends: 1 and 2 ran beside each other, 3 is running.
TEST_F(StoreTest, LoadsTheTimeInWhichSomethingRan) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep()});
  std::int64_t clock = 90'000'000;
  for (const auto& [number, busy] : {std::pair{1, 0}, {2, 200}, {3, 650}}) {
    std::vector<Change> running = TrialThatRuns(number);
    std::get<AttemptAdded>(running[1]).busy_ms = busy;
    Commit(store, running);
    if (number == 3) break;
    std::vector<Change> ended = EndedTrial(number, TrialState::kFinished);
    std::get<AttemptEnded>(ended[0]).at_ms = clock -= 40'000'000;
    Commit(store, ended);
  }
  const std::optional<SweepHistory> history = store.Load("sample");
  ASSERT_TRUE(history);
  EXPECT_EQ(history->wall_ms, 200 + 500);
  ASSERT_EQ(history->open_attempts.size(), 1U);
  EXPECT_EQ(history->open_attempts[0].busy_ms, 650);
}

TEST_F(StoreTest, LoadsWhatASearchWasAskedAndToldInOrder) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep(), SearchAsked{{1}, 1, 0}, SearchProposed{{1}, 1, R"({"x":1})"},
                 SearchAsked{{1}, 2, 1}});
  Commit(store, {SearchTold{{1}, 3, 0, R"({"outcome":"failed"})"}});
  const std::optional<SweepHistory> history = store.Load("sample");
  ASSERT_TRUE(history);
  ASSERT_EQ(history->search.size(), 3U);
  EXPECT_EQ(history->search[0].params_json, R"({"x":1})");
  EXPECT_EQ(history->search[0].outcome_json, "");
  EXPECT_EQ(history->search[1].configuration, 1);
  EXPECT_EQ(history->search[1].params_json, "");
  EXPECT_EQ(history->search[2].step, 3);
  EXPECT_EQ(history->search[2].outcome_json, R"({"outcome":"failed"})");
}

TEST_F(StoreTest, LoadsWhatATrialGoesOnFromAndWhereThatRan) {
  Store store = Store::Open(folder_.Path());
  SweepAdded sweep = SampleSweep();
  sweep.spec_json = R"({"method":"pbt"})";
  Commit(store, {sweep, SearchAsked{{1}, 1, 0}, SearchProposed{{1}, 1, R"({"x":1})"}});
  Commit(store, TrialThatRuns(1));
  Commit(store, {Losses(1, 1, {0.5, 0.25})});
  Commit(store, {SearchAsked{{1}, 2, 1}, SearchProposed{{1}, 2, R"({"x":2})", 0}});
  const std::optional<SweepHistory> history = store.Load("sample");
  ASSERT_TRUE(history);
  EXPECT_EQ(history->search.at(0).parent, std::nullopt);
  EXPECT_EQ(history->search.at(1).parent, 0);
  EXPECT_EQ(history->reports.size(), 2U);
  EXPECT_EQ(history->ran_on.at(1), std::get<AttemptAdded>(TrialThatRuns(1)[1]).host);
  const StoreReader reader = StoreReader::Open(folder_.Path());
  EXPECT_EQ(reader.Parents({1}), (std::map<std::int64_t, std::int64_t>{{2, 1}}));
}

TEST_F(StoreTest, LoadsReportsForAPrunerAlone) {
  Store store = Store::Open(folder_.Path());
  SweepAdded sweep = SampleSweep();
  Commit(store, {sweep});
  Commit(store, TrialThatRuns(1));
  Commit(store, {Losses(1, 1, {0.5, 0.25})});
  EXPECT_TRUE(store.Load("sample")->reports.empty());
  SweepChanged changed;
  changed.id = {1};
  changed.spec_json = R"({"early_terminate":{"type":"asha"}})";
  Commit(store, {changed});
  const std::vector<KnownReport> reports = store.Load("sample")->reports;
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[1].number, 1);
  EXPECT_EQ(reports[1].value, 0.25);
}

// Trial 1 is held by its pruner, trial 2 went on after that, trial 3 was pruned for good.
TEST_F(StoreTest, KnowsWhoWasPausedEarlyAndWhere) {
  const std::string why = "paused by its pruner: because";
  Store store = Store::Open(folder_.Path());
  SweepAdded sweep = SampleSweep();
  sweep.spec_json = R"({"early_terminate":{"type":"asha"}})";
  Commit(store, {sweep});
  for (const std::int64_t number : {1, 2, 3}) {
    Commit(store, TrialThatRuns(number));
    Commit(store, {Losses(number, 1, {3, 2})});
    std::vector<Change> ended = EndedTrial(number, TrialState::kPaused);
    auto& attempt = std::get<AttemptEnded>(ended[0]);
    attempt.exit_code = 75;
    if (number < 3) attempt.detail = why;
    auto& moved = std::get<TrialMoved>(ended[1]);
    if (number < 3) moved.reason = why;
    if (number == 3) moved.to = TrialState::kPruned;
    Commit(store, ended);
  }
  AttemptAdded second = std::get<AttemptAdded>(TrialThatRuns(2)[1]);
  second.attempt = 2;
  second.job = {9};
  second.token = "other";
  second.host = "ssh://far";
  Commit(store, {TrialMoved{.trial = {2}, .to = TrialState::kWaiting}, second});
  Commit(store, {AttemptEnded{.trial = {2}, .attempt = 2},
                 TrialMoved{.trial = {2}, .to = TrialState::kWaiting}});
  const std::optional<SweepHistory> history = store.Load("sample");
  ASSERT_TRUE(history);
  EXPECT_EQ(history->trials[0].reason, why);
  EXPECT_EQ(history->trials[2].reason, "") << "it has ended";
  ASSERT_EQ(history->last_attempts.size(), 2U);
  EXPECT_EQ(history->last_attempts.at(1).host, "local");
  EXPECT_EQ(history->last_attempts.at(2).exit_code, 75);
  EXPECT_EQ(history->last_attempts.at(2).host, "local") << "the later one never started";
  const PruningLine line = StoreReader::Open(folder_.Path()).Pruning({1}, "paused by its pruner: ");
  EXPECT_EQ(line.whole, 2);
  EXPECT_EQ(line.trials, 2) << "the one that goes on is neither";
  EXPECT_EQ(line.reports, 4);
  EXPECT_EQ(line.paused, 2);
  EXPECT_EQ(line.went_on, 1);
}

TEST_F(StoreTest, AReplayChangesNothing) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep()});
  Commit(store, TrialThatRuns(1));
  Commit(store, {Losses(1, 1, {3, 2, 1})});
  Commit(store, {Losses(1, 1, {3, 2, 1})});
  Commit(store, {Losses(1, 2, {2, 1, 0.5})});
  const StoreReader reader = StoreReader::Open(folder_.Path());
  EXPECT_EQ(reader.Curve({1}, "loss").size(), 4U);
  EXPECT_EQ(reader.Summaries({1}).at(0).count, 4);
  EXPECT_EQ(reader.Summaries({1}).at(0).last, 0.5);
}

TEST_F(StoreTest, KeepsNumbersThatAreNone) {
  Store store = Store::Open(folder_.Path());
  const double infinity = std::numeric_limits<double>::infinity();
  Commit(store, {SampleSweep()});
  Commit(store, TrialThatRuns(1));
  Commit(store, {Losses(1, 1, {1, std::nan(""), infinity, -infinity, std::nan("")})});
  const StoreReader reader = StoreReader::Open(folder_.Path());
  const std::vector<CurvePoint> curve = reader.Curve({1}, "loss");
  ASSERT_EQ(curve.size(), 5U);
  EXPECT_TRUE(std::isnan(curve[1].value));
  EXPECT_EQ(curve[2].value, infinity);
  EXPECT_EQ(curve[3].value, -infinity);
  const MetricSummary summary = reader.Summaries({1}).at(0);
  EXPECT_TRUE(std::isnan(summary.last));
  EXPECT_EQ(summary.min, -infinity);
  EXPECT_EQ(summary.max, infinity);
  EXPECT_FALSE(reader.Trial({1}, 1)->objective.has_value());
}

TEST_F(StoreTest, SummariesAgreeWithAllRows) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep()});
  Commit(store, TrialThatRuns(1));
  std::mt19937 random(5);
  std::vector<double> all;
  for (std::int64_t seq = 1; seq < 500;) {
    std::vector<double> some;
    for (auto n = random() % 9; n > 0; --n)
      some.push_back(static_cast<double>(random() % 1000) / 8);
    Commit(store, {Losses(1, seq, some)});
    seq += std::ssize(some);
    all.insert(all.end(), some.begin(), some.end());
  }
  const MetricSummary summary = StoreReader::Open(folder_.Path()).Summaries({1}).at(0);
  EXPECT_EQ(summary.count, std::ssize(all));
  EXPECT_EQ(summary.last, all.back());
  const auto low = std::ranges::min_element(all);
  const auto high = std::ranges::max_element(all);
  EXPECT_EQ(summary.min, *low);
  EXPECT_EQ(summary.min_step, low - all.begin() + 1);
  EXPECT_EQ(summary.max, *high);
  EXPECT_EQ(summary.max_step, high - all.begin() + 1);
}

TEST_F(StoreTest, AnIllegalMoveEndsTheProcessInsteadOfTheTruth) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep()});
  Commit(store, TrialThatRuns(1));
  Commit(store, EndedTrial(1, TrialState::kFinished));
  EXPECT_DEATH(Commit(store, {TrialMoved{.trial = {1}, .to = TrialState::kRunning}}),
               "no legal way to running for trial 1");
  EXPECT_DEATH(Commit(store, {AttemptStarted{.trial = {1}}}), "no open attempt of trial 1");
  EXPECT_DEATH(Commit(store, {EpochRaised{0}}), "epoch does not rise");
  Commit(store, {TrialMoved{.trial = {1}, .to = TrialState::kWaiting, .reopened = true}});
}

TEST_F(StoreTest, RefusesWhatIsNotItsOwnAndLeavesItUntouched) {
  {
    const Store store = Store::Open(folder_.Path());
  }
  const std::string good = ReadBytes(folder_.Database());
  const std::string database = folder_.Database();
  {
    const Connection connection(database, OpenAs::kWriter);
    connection.Execute("PRAGMA user_version = 99");
  }
  std::string before = ReadBytes(database);
  EXPECT_THAT(OpenRefusal(folder_.Path()),
              HasSubstr("this database is of a newer ddl (schema 99, ours is 5)"));
  EXPECT_THROW((void)StoreReader::Open(folder_.Path()), Error);
  EXPECT_EQ(ReadBytes(database), before);
  {
    const Connection connection(database, OpenAs::kWriter);
    connection.Execute("PRAGMA user_version = -5");
  }
  before = ReadBytes(database);
  EXPECT_THAT(OpenRefusal(folder_.Path()),
              HasSubstr("the database is damaged: its schema has the number -5"));
  EXPECT_THROW((void)StoreReader::Open(folder_.Path()), Error);
  EXPECT_EQ(ReadBytes(database), before);
  {
    const Connection connection(database, OpenAs::kWriter);
    connection.Execute("PRAGMA user_version = 1; PRAGMA application_id = 77");
  }
  before = ReadBytes(database);
  EXPECT_THAT(OpenRefusal(folder_.Path()), HasSubstr("this file is not a database of ddl"));
  EXPECT_EQ(ReadBytes(database), before);
  std::ofstream(database, std::ios::binary) << std::string(8192, 'x');
  EXPECT_THAT(OpenRefusal(folder_.Path()), HasSubstr("file is not a database"));
  EXPECT_EQ(ReadBytes(database), std::string(8192, 'x'));
}

TEST_F(StoreTest, ReportsADamagedPageAndNamesTheRebuild) {
  {
    Store store = Store::Open(folder_.Path());
    Commit(store, {SampleSweep()});
    for (std::int64_t number = 1; number <= 200; ++number)
      Commit(store, TrialThatRuns(number));
    (void)store.Backup();
  }
  std::string bytes = ReadBytes(folder_.Database());
  for (std::size_t at = 4096 * 2; at < bytes.size(); ++at)
    bytes[at] = static_cast<char>(0x5A);
  std::ofstream(folder_.Database(), std::ios::binary) << bytes;
  std::string said = OpenRefusal(folder_.Path());
  if (said == "opened") {
    try {
      (void)Store::Open(folder_.Path()).Load("sample");
    } catch (const Error& error) {
      said = error.what();
    }
  }
  EXPECT_THAT(said, HasSubstr("malformed"));
  EXPECT_THAT(said, HasSubstr("ddl store rebuild"));
  std::filesystem::copy_file(folder_.Path() + "/backup/ddl.db", folder_.Database(),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(Store::Open(folder_.Path()).Load("sample")->trials.size(), 200U);
}

TEST_F(StoreTest, ABackupHoldsTheMarksItTells) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep()});
  Commit(store, TrialThatRuns(1));
  Commit(store, {Losses(1, 1, {1, 2, 3})});
  const auto marks = store.Backup();
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_EQ(marks[0].rank, (RankId{{1}, 0}));
  EXPECT_EQ(marks[0].seq, 3);
  Commit(store, {Losses(1, 4, {4})});
  EXPECT_EQ(store.Backup().at(0).seq, 4);
}

TEST_F(StoreTest, ABackupWorksAfterTheStoreHasAnsweredReads) {
  {
    Store store = Store::Open(folder_.Path());
    Commit(store, {SampleSweep()});
    Commit(store, TrialThatRuns(1));
    Commit(store, {Losses(1, 1, {1})});
  }
  Store store = Store::Open(folder_.Path());
  (void)store.Load("sample");
  Commit(store, {Losses(1, 2, {1})});  // looks its name and mark up
  EXPECT_EQ(store.Backup().at(0).seq, 2);
}

TEST_F(StoreTest, ReadersSeeWholeTransactionsBesideTheWriter) {
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep()});
  const StoreReader reader = StoreReader::Open(folder_.Path());
  for (std::int64_t number = 1; number <= 20; ++number) {
    Commit(store, TrialThatRuns(number));
    EXPECT_EQ(reader.Sweeps().at(0).counts.Of(TrialState::kRunning), number);
  }
}

// The child commits one trial after the other and tells each on a pipe once Commit has returned.
TEST_F(StoreTest, AKilledWriterLosesNothingThatItTold) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    Store store = Store::Open(folder_.Path());
    Commit(store, {SampleSweep()});
    for (std::int64_t number = 1;; ++number) {
      Commit(store, TrialThatRuns(number));
      if (write(ends[1], &number, sizeof number) != sizeof number) _exit(1);
    }
  }
  close(ends[1]);
  std::int64_t told = 0;
  while (told < 50 && read(ends[0], &told, sizeof told) == sizeof told) {
  }
  kill(child, SIGKILL);
  std::int64_t later = 0;
  while (read(ends[0], &later, sizeof later) == sizeof later)
    told = later;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  const Store store = Store::Open(folder_.Path());
  EXPECT_GE(std::ssize(store.Load("sample")->trials), told);
  EXPECT_LE(std::ssize(store.Load("sample")->trials), told + 1);
}

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (mount("ddl-test", folder_.Path().c_str(), "tmpfs", 0, "size=1m") != 0) {
      GTEST_SKIP() << "mounting a small disk needs root";
    }
    is_mounted_ = true;
  }
  void TearDown() override {
    if (is_mounted_) umount2(folder_.Path().c_str(), MNT_DETACH);
  }
  SampleStore folder_;
  bool is_mounted_ = false;
};

TEST_F(FullDisk, LosesNothingAndGoesOnWhenThereIsSpace) {
  std::int64_t committed = 0;
  Store store = Store::Open(folder_.Path());
  Commit(store, {SampleSweep()});
  std::string said;
  while (said.empty()) {
    try {
      Commit(store, TrialThatRuns(committed + 1));
      Commit(store, {Losses(committed + 1, 1, std::vector<double>(200, 0.5))});
      ++committed;
    } catch (const Error& error) {
      said = error.what();
    }
    ASSERT_LT(committed, 100'000);
  }
  EXPECT_THAT(said, HasSubstr("nothing that was recorded is lost"));
  ASSERT_EQ(mount("ddl-test", folder_.Path().c_str(), "tmpfs", MS_REMOUNT, "size=8m"), 0);
  const std::int64_t known = std::ssize(store.Load("sample")->trials);
  EXPECT_GE(known, committed);
  EXPECT_LE(known, committed + 1);
  Commit(store, {Losses(known, 1, {0.25})});
  Commit(store, TrialThatRuns(known + 1));
  EXPECT_EQ(std::ssize(store.Load("sample")->trials), known + 1);
}

}  // namespace store_test
}  // namespace ddl
