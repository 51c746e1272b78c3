// SPDX-License-Identifier: Apache-2.0
// A sweep over four hosts of which one cannot be reached for a while. What the store says is
// compared with what each trial wrote and synced by itself.
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
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

struct HostCut {
  std::string name;  // of the fault
  std::chrono::milliseconds lasts{1000};
  bool is_one_way = false;
  double lost_after_s = 1800;
  int trials = 64;
  int reports = 10;  // of a trial
  std::chrono::milliseconds between_reports{60};
};

class HostCuts : public RealDdl {
 protected:
  using Clock = std::chrono::steady_clock;
  static constexpr int kHosts = 4;
  static constexpr int kCutHost = 1;

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

  void Run(const HostCut& cut) {
    const auto sweep = Begin(cut);
    Await("ended_ms > 0", kHosts);
    // Two that have most of their reports before them.
    Await(
        "host = 'ssh://h1' AND cause IS NULL AND (SELECT count(*) FROM metric WHERE "
        "metric.job = attempt.job) BETWEEN 1 AND 5",
        2);
    const std::int64_t cut_at = UnixMs();
    cut.is_one_way ? network_.Mute(kCutHost) : network_.Cut(kCutHost);
    std::this_thread::sleep_for(cut.lasts);
    const std::map<std::string, int> written = Written();
    const int behind = Behind(written);
    const std::int64_t healed_at = UnixMs();
    cut.is_one_way ? network_.Unmute(kCutHost) : network_.Heal(kCutHost);
    const double caught_up_s = AwaitRows(written);
    const Finished done = sweep->Wait();
    EXPECT_EQ(done.code, 0) << done.out << done.error;
    fmt::print("{}: {} rows behind at its end\n", cut.name, behind);
    const bool is_given_up = cut.lost_after_s * 1000 < static_cast<double>(cut.lasts.count());
    EXPECT_TRUE(behind > 0 || is_given_up) << "the cut cut nothing off";
    EXPECT_LE(caught_up_s, 5) << "what was written until then is not in the store";
    Check(cut, cut_at, healed_at, caught_up_s);
  }

 private:
  std::unique_ptr<RunningDdl> Begin(const HostCut& cut) {
    std::string values = "0";
    for (int value = 1; value < cut.trials; ++value)
      values += ", " + std::to_string(value);
    const std::string spec = Write(
        "cuts.yaml", fmt::format("name: cuts\nmethod: grid\nparameters: {{x: {{values: [{}]}}}}\n"
                                 "metric: {{name: loss, goal: minimize}}\nlost_after_s: {}\n"
                                 "hosts: [\"ssh://h1\", \"ssh://h2\", \"ssh://h3\", \"ssh://h4\"]\n"
                                 "command: [{}/tests/ledger_trial, {}/ledger, \"{}\", \"{}\"]\n",
                                 values, cut.lost_after_s, DDL_BINARY_DIR, folder_, cut.reports,
                                 std::chrono::microseconds(cut.between_reports).count()));
    std::vector<std::string> words = network_.Prefix();
    for (const std::string& word :
         {std::string(DDL_BINARY_DIR) + "/ddl", std::string("sweep"), std::string("--quiet"), spec})
      words.push_back(word);
    return StartProgram(words);
  }

  [[nodiscard]] Connection OpenStore() const {
    return {folder_ + "/store/ddl.db", OpenAs::kReader};
  }
  static std::int64_t UnixMs() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  // Not before there is a store to open.
  void Await(const std::string& which, int attempts) const {
    while (true) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (!std::filesystem::exists(folder_ + "/store/ddl.db")) continue;
      const Connection store = OpenStore();
      if (store.Number("PRAGMA user_version") == 0) continue;
      const std::int64_t count = store.Number("SELECT count(*) FROM attempt WHERE " + which);
      if (count >= attempts) return;
    }
  }

  // Lines of each ledger, by TRIAL.ATTEMPT.
  [[nodiscard]] std::map<std::string, int> Written() const {
    std::map<std::string, int> written;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/ledger")) {
      const std::string text = ReadText(entry.path());
      written[entry.path().filename()] =
          static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    }
    return written;
  }
  static std::map<std::string, int> Stored(const Connection& store) {
    std::map<std::string, int> stored;
    Statement rows(store,
                   "SELECT t.number || '.' || m.attempt, count(*), count(DISTINCT m.step) "
                   "FROM metric m JOIN trial t ON t.id = m.trial GROUP BY 1");
    while (rows.Step()) {
      EXPECT_EQ(rows.Int(1), rows.Int(2)) << "rows stand twice";
      stored[rows.Text(0)] = static_cast<int>(rows.Int(1));
    }
    return stored;
  }
  // Rows that were written and are not stored; of attempts that were given up nobody waits for any.
  [[nodiscard]] int Behind(const std::map<std::string, int>& written) const {
    const Connection store = OpenStore();
    const std::map<std::string, int> stored = Stored(store);
    const std::set<std::string> lost = Attempts(store, EndCause::kLost);
    int behind = 0;
    for (const auto& [name, lines] : written) {
      const auto found = stored.find(name);
      const int rows = found == stored.end() ? 0 : found->second;
      if (!lost.contains(name)) behind += std::max(0, lines - rows);
    }
    return behind;
  }
  double AwaitRows(const std::map<std::string, int>& written) const {
    const auto began = Clock::now();
    while (Behind(written) > 0 && Clock::now() - began < std::chrono::seconds(60))
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return std::chrono::duration<double>(Clock::now() - began).count();
  }
  static std::set<std::string> Attempts(const Connection& store, EndCause cause) {
    std::set<std::string> found;
    Statement rows(store,
                   "SELECT t.number || '.' || a.attempt FROM attempt a JOIN trial t ON "
                   "t.id = a.trial WHERE a.cause = ?");
    rows.Bind(static_cast<int>(cause));
    while (rows.Step())
      found.insert(rows.Text(0));
    return found;
  }

  void Check(const HostCut& cut, std::int64_t cut_at, std::int64_t healed_at, double caught_up_s) {
    FaultTally tally = CountAll();
    tally.runs = 1;
    const Connection store = OpenStore();
    EXPECT_EQ(store.Number("SELECT count(*) FROM trial WHERE state = " +
                           std::to_string(static_cast<int>(TrialState::kFinished))),
              cut.trials);
    const std::map<std::string, int> stored = Stored(store);
    const std::set<std::string> lost = Attempts(store, EndCause::kLost);
    std::map<std::string, int> attempts;  // by trial
    for (const auto& [name, lines] : Written()) {
      const bool was_lost = lost.contains(name);
      ++attempts[name.substr(0, name.find('.'))];
      const auto found = stored.find(name);
      const int rows = found == stored.end() ? 0 : found->second;
      EXPECT_TRUE(was_lost ? rows <= lines : rows == cut.reports && lines == cut.reports)
          << name << ": " << rows << " of " << lines;
      *tally.lost += !was_lost && rows < lines ? 1 : 0;
      *tally.doubled += rows > lines || lines > cut.reports ? 1 : 0;
    }
    for (const auto& [trial, count] : attempts) {
      const int allowed = lost.contains(trial + ".1") ? 2 : 1;
      EXPECT_LE(count, allowed) << "trial " << trial << " was restarted";
      *tally.restarted += std::max(0, count - allowed);
    }
    const bool is_lost = cut.lost_after_s * 1000 < static_cast<double>(cut.lasts.count());
    EXPECT_EQ(lost.empty(), !is_lost);
    EXPECT_EQ(store.Number("SELECT count(*) FROM attempt WHERE cause IS NOT NULL AND cause != " +
                           std::to_string(static_cast<int>(EndCause::kExited)) +
                           " AND cause != " + std::to_string(static_cast<int>(EndCause::kLost))),
              0);
    fmt::print(
        "{}: caught up in {:.2f} s, {} given up; gap of the others {:.1f} ms before, {:.1f} "
        "ms during\n",
        cut.name, caught_up_s, lost.size(), Gap(store, 0, cut_at), Gap(store, cut_at, healed_at));
    AddToFaultTable(cut.name, "network namespaces, four hosts, 64 trials; one host", tally);
  }

  // Median, of the other hosts: from the end of a trial to the start of the next on its host.
  double Gap(const Connection& store, std::int64_t from, std::int64_t to) const {
    std::map<std::string, std::vector<std::pair<std::int64_t, bool>>> news;  // starts are true
    Statement rows(store,
                   "SELECT host, started_ms, ended_ms FROM attempt WHERE host != 'ssh://h1'");
    while (rows.Step()) {
      news[rows.Text(0)].emplace_back(rows.Int(1), true);
      news[rows.Text(0)].emplace_back(rows.Int(2), false);
    }
    std::vector<double> gaps;
    for (auto& [host, times] : news) {
      std::ranges::sort(times);
      std::vector<std::int64_t> ends;
      for (const auto& [at, is_start] : times) {
        if (at < from || at > to) continue;
        if (!is_start) {
          ends.push_back(at);
        } else if (!ends.empty()) {
          gaps.push_back(static_cast<double>(at - ends.front()));
          ends.erase(ends.begin());
        }
      }
    }
    if (gaps.empty()) return 0;
    std::ranges::nth_element(gaps, gaps.begin() + std::ssize(gaps) / 2);
    return gaps[gaps.size() / 2];
  }

 protected:
  TestNetwork network_{kHosts};
};

}  // namespace ddl
