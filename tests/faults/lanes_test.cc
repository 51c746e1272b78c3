// SPDX-License-Identifier: Apache-2.0
// Sixty-four trainings in one process, of which some diverge, some are stopped or killed, and whose
// process and coordinator are killed under them: what the others compute does not change by a bit.
#include <csignal>
#include <map>
#include <random>
#include <thread>

#include <dirent.h>

#include "tests/cli/real_ddl.h"
#include "tests/faults/fault_table.h"

namespace ddl {
namespace lanes_test {

constexpr int kTrials = 64;
constexpr int kActs = 12;

class Lanes : public RealDdl {
 protected:
  std::string SpecOf(const std::string& name, const std::string& fusion) const {
    return Write(name + ".yaml",
                 "name: " + name + "\nfusion: " + fusion +
                     "\ntrainer: {data: {type: blobs, rows: 3000}, model: {hidden: [16]},\n"
                     "  optimizer: {type: adam}, epochs: 30, batch_size: 16}\n"
                     "method: grid\n"
                     "parameters: {optimizer.lr: {values: [0.001, 0.002, 0.003, 1.0e+38]}}\n"
                     "seeds: 16\nmetric: {name: val_loss, goal: minimize}\n"
                     "resources: {cpus: 0.03}\nretries: 4\n");
  }
  // Processes of this test with that name.
  std::vector<pid_t> Processes(const std::string& name) const {
    std::vector<pid_t> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string pid = entry.path().filename();
      if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
      if (ReadText("/proc/" + pid + "/comm") != name + "\n") continue;
      const std::string environment = ReadText("/proc/" + pid + "/environ");
      if (environment.find(folder_) != std::string::npos) pids.push_back(std::stoi(pid));
    }
    return pids;
  }
  pid_t ClientOf(int trial) const {
    const std::string variable = "DDL_TRIAL=" + std::to_string(trial) + std::string(1, '\0');
    for (const pid_t pid : Processes("ddl-lane")) {
      const std::string environment = ReadText("/proc/" + std::to_string(pid) + "/environ");
      if (environment.find(variable) != std::string::npos) return pid;
    }
    return 0;
  }
  Json Show(const std::string& sweep, int trial) {
    return DdlJson({"show", sweep + "/" + std::to_string(trial)});
  }
  // Waits until the trial has gone on since it was looked at last, or has ended.
  void AwaitProgress(const std::string& sweep, int trial) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const auto reports = [&] {
      const Json shown = Show(sweep, trial);
      return std::pair(shown.at("curves").empty() ? 0U : shown.at("curves")[0].at("points").size(),
                       shown.at("trial").at("state") == "running" ||
                           shown.at("trial").at("state") == "waiting" ||
                           shown.at("trial").at("state") == "launching");
    };
    const auto before = reports();
    for (auto now = before; now.second && now.first == before.first; now = reports()) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "trial " << trial << " stands still";
    }
  }
  void Act(std::mt19937& random) {
    const int trial = std::uniform_int_distribution<int>(1, kTrials)(random);
    AwaitProgress("fused", trial);
    const int act = std::uniform_int_distribution<int>(0, 3)(random);
    if (act == 0) {
      (void)Ddl({"stop", "fused/" + std::to_string(trial)});
    } else if (act == 3) {
      sweep_->Signal(SIGKILL);
      (void)sweep_->Wait();
      sweep_ = Start({"sweep", folder_ + "/fused.yaml"});
      ++coordinators_killed_;
    } else if (act == 1) {
      if (const pid_t client = ClientOf(trial); client > 0) ::kill(client, SIGKILL);
    } else {
      for (const pid_t worker : Processes("ddl-worker"))
        ::kill(worker, SIGKILL);
      ++workers_killed_;
    }
  }
  // Every report of every attempt is what the undisturbed trial reported at that step; an attempt
  // goes on no more than one checkpoint before the end of the one before.
  void ExpectTheSame(const Json& fused, const Json& alone) {
    std::map<std::int64_t, Json> reference;
    for (const Json& point : alone.at("curves")[0].at("points"))
      reference[point.at("step")] = point.at("value");
    std::map<std::int64_t, std::int64_t> last;  // step, by attempt
    for (const Json& point : fused.at("curves")[0].at("points")) {
      const std::int64_t attempt = point.at("attempt");
      const std::int64_t step = point.at("step");
      EXPECT_EQ(point.at("value"), reference.at(step)) << "step " << step;
      const bool goes_on = !last.contains(attempt) && !last.empty();
      EXPECT_TRUE(!goes_on || step >= last.rbegin()->second) << "attempt " << attempt;
      last[attempt] = step;
    }
  }

  std::unique_ptr<RunningDdl> sweep_;
  int workers_killed_ = 0;
  int coordinators_killed_ = 0;
};

TEST_F(Lanes, AreWhatTheyWouldHaveBeenAloneWhateverHappensToTheOthers) {
  EXPECT_EQ(Ddl({"sweep", SpecOf("alone", "off")}).code, 1);
  sweep_ = Start({"sweep", SpecOf("fused", "64")});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Processes("ddl-worker").empty() && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  std::mt19937 random(20261128);
  for (int act = 0; act < kActs; ++act)
    Act(random);
  const Finished done = sweep_->Wait();
  EXPECT_EQ(done.code, 1) << done.out << done.error;
  EXPECT_GT(workers_killed_, 0);
  EXPECT_GT(coordinators_killed_, 0);
  int finished = 0;
  int diverged = 0;
  for (int trial = 1; trial <= kTrials; ++trial) {
    SCOPED_TRACE("trial " + std::to_string(trial));
    const Json fused = Show("fused", trial);
    const Json alone = Show("alone", trial);
    const std::string state = fused.at("trial").at("state");
    if (state == "canceled") continue;
    EXPECT_EQ(state, alone.at("trial").at("state"));
    diverged += state == "failed" ? 1 : 0;
    if (state != "finished") continue;
    ++finished;
    ExpectTheSame(fused, alone);
    EXPECT_EQ(fused.at("curves")[0].at("points").back().at("step"), 30);
  }
  EXPECT_GE(finished, 3 * kTrials / 4 - kActs);
  EXPECT_GE(diverged, kTrials / 4 - kActs);
  FaultTally tally{.orphaned = 0};
  tally.runs = kActs;
  AddToFaultTable("a neighbour is killed, stopped, diverges; process or coordinator is killed",
                  "64 lanes of one worker", tally);
}

}  // namespace lanes_test
}  // namespace ddl
