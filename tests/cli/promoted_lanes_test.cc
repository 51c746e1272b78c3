// SPDX-License-Identifier: Apache-2.0
// Early stopping of trainings that share a process: a lane that is paused makes room for the next
// one, and is taken up again from its checkpoint, while the process lives on.
#include <set>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace promoted_lanes_test {

class PromotedLanes : public RealDdl {
 protected:
  static constexpr int kTrials = 20;

  // The smaller the learning rate, the less is learned in an epoch: trials are worse by number.
  std::string Spec(const std::string& further) const {
    double rate = 0.004;
    std::string rates = std::to_string(rate);
    for (int trial = 2; trial <= kTrials; ++trial)
      rates += ", " + std::to_string(rate *= 0.8);
    return Write("lanes.yaml",
                 "trainer: {data: {type: blobs, rows: 12000}, model: {hidden: [32]},\n"
                 "  optimizer: {type: sgd}, epochs: 8, batch_size: 4}\n"
                 "method: grid\nparameters: {optimizer.lr: {values: [" +
                     rates +
                     "]}}\n"
                     "metric: {name: val_loss, goal: minimize}\n"
                     "resources: {cpus: 0.05}\nparallel: 3\n"
                     "early_terminate: {type: asha, eta: 2" +
                     further + "}\n");
  }
  std::set<std::string> Workers() const {
    std::set<std::string> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string pid = entry.path().filename();
      if (ReadText("/proc/" + pid + "/comm") != "ddl-worker\n") continue;
      const std::string environment = ReadText("/proc/" + pid + "/environ");
      if (environment.find(folder_) != std::string::npos) pids.insert(pid);
    }
    return pids;
  }
  // Or about to begin: there is no store yet.
  bool IsRunning() {
    const Finished status = Ddl({"status", "--json"});
    if (status.code != 0) return true;
    const Json sweeps = ParseJson(status.out, "status").at("sweeps");
    return sweeps.empty() || sweeps.at(0).at("state") == "running";
  }
  Json Show(int trial) { return DdlJson({"show", "lanes/" + std::to_string(trial)}); }
};

TEST_F(PromotedLanes, GoOnFromTheirCheckpointsInTheProcessThatTheyLeft) {
  const auto sweep = Start({"sweep", Spec("")});
  std::set<std::string> workers;
  while (IsRunning())
    workers.merge(Workers());
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_EQ(workers.size(), 1U);
  int taken_up = 0;
  for (int trial = 1; trial <= kTrials; ++trial) {
    SCOPED_TRACE("trial " + std::to_string(trial));
    const Json shown = Show(trial);
    const std::string state = shown.at("trial").at("state");
    EXPECT_TRUE(state == "finished" || state == "pruned") << state;
    const Json& points = shown.at("curves").at(0).at("points");
    std::int64_t step = 0;
    std::int64_t attempt = 1;
    for (const Json& point : points) {
      EXPECT_EQ(point.at("step"), ++step) << "neither twice nor left out";
      taken_up += point.at("attempt") == attempt ? 0 : 1;
      attempt = point.at("attempt");
    }
    EXPECT_EQ(step == 8, state == "finished") << step;
  }
  EXPECT_GE(taken_up, 1) << "in whatever order they come: trials 4 to 10 are of the best half, and "
                            "would all have to come after twice as many others, to go on at once";
  const Json pruning = DdlJson({"report", "lanes"}).at("pruning");
  EXPECT_GE(pruning.at("paused"), 4);
  EXPECT_GE(pruning.at("went_on"), 1);
  EXPECT_GT(pruning.at("saved"), 0.2);
}

TEST_F(PromotedLanes, AreStoppedForGoodWhereTheSpecSaysSo) {
  const Finished done = Ddl({"sweep", Spec(", promote: false")});
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  const Json report = DdlJson({"report", "lanes"});
  EXPECT_EQ(report.at("pruning").at("paused"), 0);
  EXPECT_GE(report.at("sweep").at("counts").at("pruned"), 4);
  EXPECT_EQ(Show(8).at("attempts").size(), 1U);
}

}  // namespace promoted_lanes_test
}  // namespace ddl
