// SPDX-License-Identifier: Apache-2.0
// A small sweep of real processes, one of which is killed at its N-th system call; the sweep goes
// on with the same command, and what the store says is compared with what the trials wrote
// themselves.
#pragma once

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "runner/file.h"
#include "runner/process.h"
#include "store/sqlite.h"
#include "tests/cli/real_ddl.h"

namespace ddl {

class KillPoints : public RealDdl {
 protected:
  static constexpr int kTrials = 4;
  static constexpr long kNever = 1'000'000'000;
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

  // So many points, evenly spread over all system calls of an undisturbed run; -1 takes every one.
  void EachOf(long points, const std::string& role, int index, int attempts_allowed) {
    Begin();
    const Outcome undisturbed = KillAt(role, kNever, index);
    ASSERT_FALSE(undisturbed.killed);
    ASSERT_GT(undisturbed.count, 0) << "no " << role << " was seen";
    if (points < 0) points = undisturbed.count;
    for (long i = 0; i < points; ++i) {
      const long n = 1 + i * undisturbed.count / points;
      Begin();
      const Outcome outcome = KillAt(role, n, index);
      SCOPED_TRACE(role + " " + std::to_string(index) + ", system call " + std::to_string(n) +
                   " of " + std::to_string(undisturbed.count) + ", number " +
                   std::to_string(outcome.syscall));
      GoOn();
      Check(attempts_allowed);
      if (HasFailure()) return;
    }
    std::printf("%ld points of %s %d, of %ld system calls\n", points, role.c_str(), index,
                undisturbed.count);
  }

  // A new world for each point.
  void Begin() {
    for (const char* name : {"store", "host", "ledger"})
      std::filesystem::remove_all(folder_ + "/" + name);
    std::filesystem::create_directory(folder_ + "/ledger");
    spec_ = Write("ledger.yaml", spec_text_);
  }

  struct Outcome {
    bool killed = false;
    long count = 0;  // system calls that were seen
    long syscall = -1;
  };
  // Runs the sweep until the kill, or to its end.
  Outcome KillAt(const std::string& role, long n, int index = 1) {
    const std::string report = folder_ + "/report";
    std::filesystem::remove(report);
    const std::vector<std::string> line{std::string(DDL_BINARY_DIR) + "/tests/kill_at",
                                        role,
                                        std::to_string(index),
                                        std::to_string(n),
                                        report,
                                        std::string(DDL_BINARY_DIR) + "/ddl",
                                        "sweep",
                                        "--quiet",
                                        spec_};
    (void)StartProgram(line)->Wait();
    Outcome outcome;
    std::string what;
    std::ifstream(report) >> what >> outcome.count >> outcome.syscall;
    outcome.killed = what == "killed";
    EXPECT_TRUE(outcome.killed || what == "ended") << "no report: " << what;
    return outcome;
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
    EXPECT_EQ(ProcessesOfOurs(), std::vector<std::int64_t>{}) << "processes are left";
  }

 private:
  void CheckTrial(const Connection& store, int trial, int attempts_allowed) {
    const std::string where = " WHERE number = " + std::to_string(trial);
    EXPECT_EQ(store.Number("SELECT state FROM trial" + where),
              static_cast<int>(TrialState::kFinished))
        << "trial " << trial;
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
      for (std::size_t i = 0; i < written.size(); ++i)
        EXPECT_EQ(written[i], static_cast<int>(i) + 1) << "one attempt was started twice";
      if (written.empty()) continue;
      ++attempts;
      last_written = written.size();
      last_stored = stored.size();
    }
    // An attempt whose supervisor died does not count; the one after it does, and is whole.
    EXPECT_EQ(last_written, kReports) << "trial " << trial << " did not run to its end";
    EXPECT_EQ(last_stored, kReports) << "trial " << trial << " lost rows";
    EXPECT_LE(attempts, attempts_allowed) << "trial " << trial << " was restarted";
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
