// SPDX-License-Identifier: Apache-2.0
// ddl gc from outside, on what real sweeps left.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace gc_command_test {

namespace fs = std::filesystem;

// Each trial leaves a log, a checkpoint and an output; loss is n.
constexpr const char* kLeavingSpec = R"(
name: leaving
command: [/bin/sh, leaving.sh, "${args_no_hyphens}"]
method: grid
metric: {name: loss, goal: minimize}
resources: {cpus: 0.1}
parameters: {n: {values: [1, 2, 3]}}
)";
constexpr const char* kLeavingScript = R"(
n=${1#n=}
seq 1 2000
echo "n is $n"
echo "model $n" > "$DDL_CHECKPOINT_DIR/model"
echo "output $n" > "$DDL_OUTPUT_DIR/result"
echo "{\"loss\": $n}"
[ "$n" != 2 ] || [ ! -e broken ] || exit 1
[ "$n" != 3 ] || [ ! -p wait ] || { echo up > wait; read word < go; }
)";

class GcCommand : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    Write("leaving.sh", kLeavingScript);
    spec_ = Write("leaving.yaml", kLeavingSpec);
  }
  void SweepOnce() {
    const Finished done = Ddl({"sweep", spec_});
    ASSERT_EQ(done.code, 0) << done.error;
  }
  // Trial 3 writes to `wait` when it has done all, and waits until somebody writes to `go`.
  std::unique_ptr<RunningDdl> SweepUntilTheThirdWaits() {
    MakePipe("wait");
    MakePipe("go");
    auto coordinator = Start({"sweep", spec_});
    std::string word;
    std::ifstream(folder_ + "/wait") >> word;
    EXPECT_EQ(word, "up");
    return coordinator;
  }
  [[nodiscard]] std::string FolderOf(int trial) {
    return DdlJson({"show", std::to_string(trial)}).at("attempts").at(0).at("folder");
  }
  [[nodiscard]] std::string CheckpointsOf(int trial) {
    const fs::path store = fs::path(FolderOf(trial)).parent_path().parent_path();
    return store / "checkpoints" / ("trial-" + std::to_string(trial));
  }
  [[nodiscard]] std::string LogOf(int trial) { return Ddl({"logs", std::to_string(trial)}).out; }

  std::string spec_;
};

TEST_F(GcCommand, ShowsThePlanAndDoesNothingWithoutAYes) {
  SweepOnce();
  const Finished planned = Ddl({"gc", "--keep-best", "1", "--keep-days", "0"});
  EXPECT_EQ(planned.code, 0) << planned.error;
  EXPECT_NE(planned.out.find("remove checkpoints"), std::string::npos) << planned.out;
  EXPECT_NE(planned.out.find("remove job folders"), std::string::npos) << planned.out;
  EXPECT_NE(planned.out.find("nothing was done; ddl gc --yes does it"), std::string::npos);
  for (int trial = 1; trial <= 3; ++trial) {
    EXPECT_TRUE(fs::exists(FolderOf(trial) + "/log")) << trial;
    EXPECT_TRUE(fs::exists(CheckpointsOf(trial) + "/model")) << trial;
  }
}

TEST_F(GcCommand, KeepsTheBestAndOutputsAndCompressesLogs) {
  SweepOnce();
  const std::string log = LogOf(2);
  const Json done = DdlJson({"gc", "--keep-best", "1", "--yes"});
  EXPECT_EQ(done.at("done").at("refused"), 0);
  EXPECT_GT(done.at("done").at("freed_bytes"), 0);
  EXPECT_TRUE(fs::exists(CheckpointsOf(1) + "/model"));
  for (int trial = 2; trial <= 3; ++trial) {
    EXPECT_FALSE(fs::exists(CheckpointsOf(trial))) << trial;
    EXPECT_TRUE(fs::exists(FolderOf(trial) + "/output/result")) << trial;
    EXPECT_TRUE(fs::exists(FolderOf(trial) + "/log.gz")) << trial;
    EXPECT_FALSE(fs::exists(FolderOf(trial) + "/log")) << trial;
  }
  EXPECT_EQ(LogOf(2), log);
  EXPECT_EQ(Ddl({"logs", "-f", "2"}).out, log);
  EXPECT_EQ(DdlJson({"gc", "--keep-best", "1"}).at("steps"), Json::array()) << "all is done";
  EXPECT_EQ(Ddl({"store", "check"}).code, 0);
}

TEST_F(GcCommand, RemovesCopiesOfCheckpointsThatAKillLeft) {
  SweepOnce();
  const std::string old = CheckpointsOf(1) + ".aside-40";
  const std::string fresh = CheckpointsOf(1) + ".aside-41";
  for (const std::string& folder : {old, fresh}) {
    fs::create_directories(folder);
    std::ofstream(folder + "/model") << "half";
  }
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  const Json plan = DdlJson({"gc", "--yes"});
  EXPECT_EQ(plan.at("unfinished_copies").size(), 1U);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh)) << "it may be about to become whole";
}

// Of checkpoints that were fetched to be sent to other hosts.
TEST_F(GcCommand, RemovesWhatNobodyFetchesAnyMore) {
  SweepOnce();
  const std::string fetched = folder_ + "/store/checkpoints";
  fs::create_directories(fetched + "/trial-1.1.coming");
  std::ofstream(fetched + "/trial-2.1.code") << "name";
  std::ofstream(fetched + "/lock");
  fs::last_write_time(fetched + "/trial-2.1.code",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  const Json plan = DdlJson({"gc", "--yes"});
  EXPECT_EQ(plan.at("code").at(0).at("fetched"), Json({"trial-2.1.code"}));
  EXPECT_FALSE(fs::exists(fetched + "/trial-2.1.code"));
  EXPECT_TRUE(fs::exists(fetched + "/trial-1.1.coming")) << "it may be on its way";
}

TEST_F(GcCommand, SaysWhatItRemovedAndWhatSomebodyElseDid) {
  SweepOnce();
  EXPECT_EQ(Ddl({"gc", "--keep-best", "2", "--keep-days", "0", "--yes"}).code, 0);
  EXPECT_FALSE(fs::exists(FolderOf(3)));
  EXPECT_NE(Ddl({"logs", "3"}).error.find("removed by ddl gc"), std::string::npos);
  EXPECT_NE(Ddl({"show", "3"}).out.find("removed by ddl gc"), std::string::npos);
  EXPECT_EQ(Ddl({"logs", "1"}).error, "");
  fs::remove_all(FolderOf(1));
  EXPECT_NE(Ddl({"logs", "1"}).error.find("not by ddl"), std::string::npos);
  EXPECT_EQ(DdlJson({"show", "3"}).at("metrics").at(0).at("last"), 3) << "metrics stay";
  EXPECT_EQ(Ddl({"store", "check"}).code, 0);
}

TEST_F(GcCommand, WithoutABackupNothingIsRemoved) {
  SweepOnce();
  fs::remove(folder_ + "/store/backup/ddl.db");
  EXPECT_EQ(Ddl({"gc", "--keep-best", "0", "--keep-days", "0", "--yes"}).code, 0);
  for (int trial = 1; trial <= 3; ++trial) {
    EXPECT_TRUE(fs::exists(FolderOf(trial) + "/log.gz")) << trial;
    EXPECT_TRUE(fs::exists(CheckpointsOf(trial) + "/model")) << trial;
  }
}

TEST_F(GcCommand, LeavesWhatLivesAloneBesideARunningCoordinator) {
  auto coordinator = SweepUntilTheThirdWaits();
  const Json planned = DdlJson({"gc", "--keep-best", "0", "--keep-days", "0", "--yes"});
  for (const Json& step : planned.at("steps"))
    EXPECT_NE(step.at("trial"), 3) << step.at("folder");
  EXPECT_TRUE(fs::exists(FolderOf(3) + "/log"));
  EXPECT_TRUE(fs::exists(CheckpointsOf(3) + "/model"));
  std::ofstream(folder_ + "/go") << "on\n" << std::flush;
  const Finished done = coordinator->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(Ddl({"store", "check"}).code, 0);
}

TEST_F(GcCommand, ATrialRunsAgainAfterItsFoldersWent) {
  Write("broken", "");
  EXPECT_EQ(Ddl({"sweep", spec_}).code, 1);
  EXPECT_EQ(Ddl({"gc", "--keep-best", "0", "--keep-days", "0", "--yes"}).code, 0);
  EXPECT_FALSE(fs::exists(CheckpointsOf(2)));
  fs::remove(folder_ + "/broken");
  EXPECT_EQ(Ddl({"retry", "leaving/2"}).code, 0);
  const Finished again = Ddl({"sweep", spec_});
  EXPECT_EQ(again.code, 0) << again.error;
  const Json shown = DdlJson({"show", "2"});
  ASSERT_EQ(shown.at("attempts").size(), 2U);
  EXPECT_EQ(shown.at("attempts").at(0).at("folder_gone"), "removed by ddl gc");
  EXPECT_EQ(shown.at("attempts").at(1).at("folder_gone"), nullptr);
  EXPECT_TRUE(fs::exists(CheckpointsOf(2) + "/model"));
}

TEST_F(GcCommand, RefusesAHostFolderOfAnotherMachine) {
  SweepOnce();
  std::ofstream(folder_ + "/host/host.json") << R"({"machine_id": "of another one"})";
  const Finished refused = Ddl({"gc", "--yes"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.error.find("another machine"), std::string::npos) << refused.error;
}

}  // namespace gc_command_test
}  // namespace ddl
