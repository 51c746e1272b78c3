// SPDX-License-Identifier: Apache-2.0
// A sweep over four hosts in network namespaces, to which things are done. What the store says is
// compared with what each trial wrote and synced by itself.
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "configs/states.h"
#include "store/sqlite.h"
#include "tests/cli/real_ddl.h"
#include "tests/faults/fault_table.h"
#include "tests/faults/test_network.h"

namespace ddl {

struct HostSweep {
  int trials = 32;
  int reports = 10;      // of a trial
  bool is_held = false;  // its trials go on reporting until LetGo
  std::chrono::milliseconds between_reports{60};
  double cpus = 1;
  double lost_after_s = 1800;
};

class HostLedger : public RealDdl {
 protected:
  using Clock = std::chrono::steady_clock;
  using Lines = std::map<std::string, int>;  // by TRIAL.ATTEMPT
  static constexpr int kHosts = 4;
  static constexpr int kBadHost = 1;  // to which things are done, where it is one

  void SetUp() override {
    if (!network_.WhyNot().empty()) GTEST_SKIP() << network_.WhyNot();
    RealDdl::SetUp();
    std::filesystem::create_directory(folder_ + "/ledger");
    ::setenv("DDL_SSH_CONFIG", Write("ssh_config", network_.SshConfig()).c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("DDL_SSH_CONFIG");
    if (!folder_.empty()) RealDdl::TearDown();
  }

  std::unique_ptr<RunningDdl> Begin(const HostSweep& sweep, bool as_json = false) {
    std::string values = "0";
    for (int value = 1; value < sweep.trials; ++value)
      values += ", " + std::to_string(value);
    const std::string spec =
        Write("far.yaml",
              fmt::format("name: far\nmethod: grid\nparameters: {{x: {{values: [{}]}}}}\n"
                          "metric: {{name: loss, goal: minimize}}\nlost_after_s: {}\n"
                          "resources: {{cpus: {}}}\n"
                          "hosts: [\"ssh://h1\", \"ssh://h2\", \"ssh://h3\", \"ssh://h4\"]\n"
                          "command: [{}/tests/ledger_trial, {}/ledger, \"{}\", \"{}\", {}]\n",
                          values, sweep.lost_after_s, sweep.cpus, DDL_BINARY_DIR, folder_,
                          sweep.reports, std::chrono::microseconds(sweep.between_reports).count(),
                          sweep.is_held ? folder_ + "/gate" : "/"));
    return StartProgram(as_json ? Words({"sweep", "--json", spec}) : Words({"sweep", spec}));
  }
  // The longest turn of the coordinator in milliseconds, from the last line of its JSON.
  static double LongestTurn(const std::string& out) {
    const std::size_t begin = out.rfind('\n', out.size() - 2) + 1;
    return ParseJson(out.substr(begin), "output of ddl").at("ended").at("longest_turn_ms");
  }
  void LetGo() const { (void)Write("gate", ""); }
  // ddl where the coordinator is.
  [[nodiscard]] std::vector<std::string> Words(const std::vector<std::string>& words) const {
    std::vector<std::string> line = network_.Prefix();
    line.push_back(std::string(DDL_BINARY_DIR) + "/ddl");
    line.insert(line.end(), words.begin(), words.end());
    return line;
  }

  [[nodiscard]] Connection OpenStore() const {
    return {folder_ + "/store/ddl.db", OpenAs::kReader};
  }
  static std::int64_t UnixMs() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  // Until the store has so many attempts like that; not before there is a store to open.
  void Await(const std::string& which, int attempts,
             std::chrono::milliseconds between_looks = std::chrono::milliseconds(20)) const {
    const auto until = Clock::now() + kPatience;
    while (Clock::now() < until) {
      std::this_thread::sleep_for(between_looks);
      if (!std::filesystem::exists(folder_ + "/store/ddl.db")) continue;
      const Connection store = OpenStore();
      if (store.Number("PRAGMA user_version") == 0) continue;
      if (store.Number("SELECT count(*) FROM attempt WHERE " + which) >= attempts) return;
    }
    FAIL() << "not " << attempts << " attempts with " << which;
  }
  // How an attempt's rows are counted in such a condition.
  static constexpr const char* kRows =
      "(SELECT count(*) FROM metric WHERE metric.job = attempt.job)";
  static std::string Ended(EndCause cause) {
    return "cause = " + std::to_string(static_cast<int>(cause));
  }

  // Lines of each ledger.
  [[nodiscard]] Lines Written() const {
    Lines written;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/ledger")) {
      const std::string text = ReadText(entry.path());
      const std::string name = entry.path().filename();
      written[name] = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
      // Its lines are 1, 2, …: a second start of one attempt would begin anew in the same file.
      const std::string last = std::to_string(written[name]) + "\n";
      EXPECT_TRUE(text.empty() || text == "1\n" || text.ends_with("\n" + last)) << name;
    }
    return written;
  }
  static Lines Stored(const Connection& store) {
    Lines stored;
    Statement rows(store,
                   "SELECT t.number || '.' || m.attempt, count(*), count(DISTINCT m.step) "
                   "FROM metric m JOIN trial t ON t.id = m.trial GROUP BY 1");
    while (rows.Step()) {
      EXPECT_EQ(rows.Int(1), rows.Int(2)) << "rows stand twice";
      stored[rows.Text(0)] = static_cast<int>(rows.Int(1));
    }
    return stored;
  }
  static std::set<std::string> Attempts(const Connection& store, EndCause cause) {
    std::set<std::string> found;
    Statement rows(store,
                   "SELECT t.number || '.' || a.attempt FROM attempt a JOIN trial t ON "
                   "t.id = a.trial WHERE a." +
                       Ended(cause));
    while (rows.Step())
      found.insert(rows.Text(0));
    return found;
  }
  // For people: of attempts that did not exit by themselves.
  static std::string Endings(const Connection& store) {
    std::string text;
    Statement rows(store,
                   "SELECT t.number || '.' || a.attempt || ' on ' || a.host || ' ended by cause ' "
                   "|| a.cause || ': ' || a.detail || ' sent ' || a.created_ms || ' started ' || "
                   "coalesce(a.started_ms, 0) || ' ended ' || a.ended_ms FROM attempt a JOIN trial "
                   "t ON t.id = a.trial WHERE NOT a." +
                       Ended(EndCause::kExited));
    while (rows.Step())
      text += rows.Text(0) + "\n";
    return text;
  }
  // Rows that were written and are not stored; of attempts that were given up nobody waits for any.
  [[nodiscard]] int Behind(const Lines& written) const {
    const Connection store = OpenStore();
    const Lines stored = Stored(store);
    const std::set<std::string> lost = Attempts(store, EndCause::kLost);
    int behind = 0;
    for (const auto& [name, lines] : written) {
      const auto found = stored.find(name);
      const int rows = found == stored.end() ? 0 : found->second;
      if (!lost.contains(name)) behind += std::max(0, lines - rows);
    }
    return behind;
  }
  // Seconds until nothing is behind.
  double AwaitRows(const Lines& written) const {
    const auto began = Clock::now();
    while (Behind(written) > 0 && Clock::now() - began < kPatience)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return std::chrono::duration<double>(Clock::now() - began).count();
  }

  // After the sweep's end. Each trial finished, ran once and has its rows once; an attempt that
  // ended by `allowed` may have cost its trial one more.
  FaultTally Count(const HostSweep& sweep, EndCause allowed = EndCause::kExited) {
    FaultTally tally = CountAll();
    tally.runs = 1;
    tally.orphaned = AwaitNoStrays();
    const Connection store = OpenStore();
    EXPECT_EQ(store.Number("SELECT count(*) FROM trial WHERE state = " +
                           std::to_string(static_cast<int>(TrialState::kFinished))),
              sweep.trials);
    // A launch that was recalled before it began is no start.
    EXPECT_EQ(store.Number("SELECT count(*) FROM attempt WHERE cause IS NULL OR (started_ms > 0 "
                           "AND NOT (" +
                           Ended(EndCause::kExited) + " OR " + Ended(allowed) + "))"),
              0)
        << Endings(store);
    const Lines stored = Stored(store);
    const std::set<std::string> cut_short =
        allowed == EndCause::kExited ? std::set<std::string>{} : Attempts(store, allowed);
    Lines attempts;  // by trial
    for (const auto& [name, lines] : Written()) {
      const auto found = stored.find(name);
      const int rows = found == stored.end() ? 0 : found->second;
      const bool was_cut = cut_short.contains(name);
      ++attempts[name.substr(0, name.find('.'))];
      const bool is_whole = sweep.is_held ? lines >= sweep.reports : lines == sweep.reports;
      EXPECT_TRUE(was_cut ? rows <= lines : rows == lines && is_whole)
          << name << ": " << rows << " of " << lines;
      *tally.lost += !was_cut && (rows < lines || lines < sweep.reports) ? 1 : 0;
      *tally.doubled += rows > lines || (!sweep.is_held && lines > sweep.reports) ? 1 : 0;
    }
    EXPECT_EQ(std::ssize(attempts), sweep.trials);
    *tally.lost += sweep.trials - static_cast<long>(attempts.size());
    for (const auto& [trial, count] : attempts) {
      const int may_have = cut_short.contains(trial + ".1") ? 2 : 1;
      EXPECT_LE(count, may_have) << "trial " << trial << " was restarted";
      *tally.restarted += std::max(0, count - may_have);
    }
    return tally;
  }

  static constexpr std::chrono::seconds kPatience{60};
  TestNetwork network_{kHosts};

 private:
  // How many processes are left on the hosts; agents go with their connections, which takes a
  // moment.
  long AwaitNoStrays() const {
    const auto until = Clock::now() + std::chrono::seconds(5);
    long left = 0;
    do {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      left = 0;
      for (int host = 1; host <= kHosts; ++host)
        left += std::ssize(network_.Strays(host));
    } while (left > 0 && Clock::now() < until);
    EXPECT_EQ(left, 0) << "processes are left on the hosts";
    return left;
  }
};

}  // namespace ddl
