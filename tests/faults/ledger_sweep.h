// SPDX-License-Identifier: Apache-2.0
// A small sweep of real processes to which something is done; the sweep goes on with the same
// command, and what the store says is compared with what the trials wrote themselves.
#pragma once

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "runner/file.h"
#include "runner/process.h"
#include "store/sqlite.h"
#include "tests/cli/real_ddl.h"
#include "tests/faults/fault_table.h"

namespace ddl {

class LedgerSweep : public RealDdl {
 protected:
  static constexpr int kTrials = 4;
  static constexpr std::size_t kReports = 3;

  void SetUp() override {
    RealDdl::SetUp();
    spec_text_ =
        "name: ledger\nmethod: grid\nparallel: 2\nresources: {cpus: 0.1}\n"
        "metric: {name: loss, goal: minimize}\n"
        "parameters: {x: {values: [1, 2, 3, 4]}}\n"
        "command: [" +
        std::string(DDL_BINARY_DIR) + "/tests/ledger_trial, ledger, \"3\"]\n";
  }

  // A new world for each point.
  void Begin() {
    for (const char* name : {"store", "host", "ledger"})
      std::filesystem::remove_all(folder_ + "/" + name);
    std::filesystem::create_directory(folder_ + "/ledger");
    spec_ = Write("ledger.yaml", spec_text_);
    ++tally_.runs;
  }

  // `ddl sweep` of it, under a tool that takes a program.
  Finished SweepUnder(std::vector<std::string> tool) {
    for (const std::string& word : {std::string(DDL_BINARY_DIR) + "/ddl", std::string("sweep"),
                                    std::string("--quiet"), spec_})
      tool.push_back(word);
    return StartProgram(std::move(tool))->Wait();
  }

  // The same command again, to the end.
  void GoOn() {
    const Finished done = Ddl({"sweep", "--quiet", spec_});
    EXPECT_EQ(done.code, 0) << done.out << done.error;
  }

  // What was lost, doubled or left behind since Begin; nothing of it may be. Attempts that a trial
  // began are counted by what it wrote itself.
  void Check(int attempts_allowed) {
    const Connection store(folder_ + "/store/ddl.db", OpenAs::kReader);
    Statement check(store, "PRAGMA integrity_check");
    ASSERT_TRUE(check.Step());
    EXPECT_EQ(check.Text(0), "ok");
    EXPECT_EQ(store.Number("SELECT count(*) FROM trial"), kTrials);
    for (int trial = 1; trial <= kTrials; ++trial)
      CheckTrial(store, trial, attempts_allowed);
    const std::vector<std::int64_t> left = ProcessesOfOurs();
    EXPECT_EQ(left, std::vector<std::int64_t>{}) << "processes are left";
    *tally_.orphaned += static_cast<long>(left.size());
  }

  // What would not come to an end by itself.
  void EndAll() const {
    for (const std::int64_t pid : ProcessesOfOurs())
      ::kill(static_cast<pid_t>(pid), SIGKILL);
  }

  FaultTally tally_ = CountAll();

 private:
  void CheckTrial(const Connection& store, int trial, int attempts_allowed) {
    const std::string where = " WHERE number = " + std::to_string(trial);
    const bool is_finished =
        store.Number("SELECT state FROM trial" + where) == static_cast<int>(TrialState::kFinished);
    EXPECT_TRUE(is_finished) << "trial " << trial;
    int attempts = 0;
    std::size_t last_written = 0;
    std::size_t last_stored = 0;
    for (int attempt = 1; attempt <= 6; ++attempt) {
      const std::vector<int> written = Ledger(trial, attempt);
      const std::vector<int> stored = Rows(store, trial, attempt);
      const bool is_prefix = stored.size() <= written.size() &&
                             std::equal(stored.begin(), stored.end(), written.begin());
      EXPECT_TRUE(is_prefix) << "trial " << trial << " attempt " << attempt << ": rows "
                             << stored.size() << ", written " << written.size();
      bool is_once = true;
      for (std::size_t i = 0; i < written.size(); ++i)
        is_once = is_once && written[i] == static_cast<int>(i) + 1;
      EXPECT_TRUE(is_once) << "one attempt was started twice";
      *tally_.doubled += (is_prefix ? 0 : 1) + (is_once ? 0 : 1);
      if (written.empty()) continue;
      ++attempts;
      last_written = written.size();
      last_stored = stored.size();
    }
    // An attempt whose supervisor died does not count; the one after it does, and is whole.
    EXPECT_EQ(last_written, kReports) << "trial " << trial << " did not run to its end";
    EXPECT_EQ(last_stored, kReports) << "trial " << trial << " lost rows";
    EXPECT_LE(attempts, attempts_allowed) << "trial " << trial << " was restarted";
    const bool is_whole = is_finished && last_written == kReports && last_stored == kReports;
    *tally_.lost += is_whole ? 0 : 1;
    *tally_.restarted += std::max(0, attempts - attempts_allowed);
  }

  [[nodiscard]] std::vector<int> Ledger(int trial, int attempt) const {
    std::ifstream stream(folder_ + "/ledger/" + std::to_string(trial) + "." +
                         std::to_string(attempt));
    std::vector<int> steps;
    for (int step = 0; stream >> step;)
      steps.push_back(step);
    return steps;
  }

  static std::vector<int> Rows(const Connection& store, int trial, int attempt) {
    Statement rows(store,
                   "SELECT m.step FROM metric m JOIN trial t ON t.id = m.trial "
                   "WHERE t.number = ? AND m.attempt = ? ORDER BY m.job, m.rank, m.seq");
    rows.Bind(trial, attempt);
    std::vector<int> steps;
    while (rows.Step())
      steps.push_back(static_cast<int>(rows.Int(0)));
    return steps;
  }

  // By the host folder in their environment; zombies do not count, and supervisors get a moment to
  // leave after their last word.
  [[nodiscard]] std::vector<std::int64_t> ProcessesOfOurs() const {
    std::vector<std::int64_t> found;
    for (int look = 0; look < 500; ++look) {
      found.clear();
      for (const std::string& name : ListFolder("/proc")) {
        const std::int64_t pid = std::atoll(name.c_str());
        if (pid <= 0 || pid == ::getpid()) continue;
        const auto environment = ReadFile("/proc/" + name + "/environ");
        const auto stat = ReadProcessStat(pid);
        const bool ours =
            environment && environment->find("DDL_HOST_DIR=" + folder_ + "/") != std::string::npos;
        if (ours && stat && stat->state != 'Z' && stat->state != 'X') found.push_back(pid);
      }
      if (found.empty()) break;
      ::usleep(10'000);
    }
    return found;
  }

  std::string spec_text_;
  std::string spec_;
};

}  // namespace ddl
