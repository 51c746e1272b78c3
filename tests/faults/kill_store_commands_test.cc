// SPDX-License-Identifier: Apache-2.0
// `ddl gc` and `ddl store rebuild`, killed at system calls spread over their run: the same command
// again completes, and nothing that was to stay is lost.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/real_ddl.h"
#include "tests/faults/fault_table.h"
#include "tests/sanitized.h"

namespace ddl {
namespace kill_store_commands_test {

namespace fs = std::filesystem;

// Loss is n; 400 lines of log and 50 reports a trial.
constexpr const char* kRichSpec = R"(
name: rich
command: [/bin/sh, rich.sh, "${args_no_hyphens}"]
method: grid
metric: {name: loss, goal: minimize}
resources: {cpus: 0.1}
parameters: {n: {values: [1, 2, 3]}}
)";
constexpr const char* kRichScript = R"(
n=${1#n=}
seq 1 400
echo "model $n" > "$DDL_CHECKPOINT_DIR/model"
for i in $(seq 1 50); do echo "{\"step\": $i, \"loss\": $n}"; done
)";
constexpr long kNever = 1'000'000'000;

class KilledCommand : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    Write("rich.sh", kRichScript);
    const Finished done = Ddl({"sweep", Write("rich.yaml", kRichSpec)});
    ASSERT_EQ(done.code, 0) << done.error;
    log_ = Ddl({"logs", "1"}).out;
  }
  // All files of store and host, kept and brought back as they were.
  void Keep() { Copy("before"); }
  void BringBack() {
    for (const char* name : {"store", "host"}) {
      fs::remove_all(folder_ + "/" + name);
      EXPECT_EQ(StartProgram({"/bin/cp", "-a", folder_ + "/before/" + name, folder_})->Wait().code,
                0);
    }
  }
  // The number of system calls that were seen.
  long KillAt(long n, const std::vector<std::string>& words) {
    const std::string binaries = DDL_BINARY_DIR;
    const std::string report = folder_ + "/report";
    fs::remove(report);
    std::vector<std::string> line{binaries + "/tests/kill_at", "coordinator", "1",
                                  std::to_string(n),           report,        binaries + "/ddl"};
    line.insert(line.end(), words.begin(), words.end());
    (void)StartProgram(std::move(line))->Wait();
    std::string what;
    long count = 0;
    std::ifstream(report) >> what >> count;
    // No two runs make the same number of calls: one may end before its n-th.
    EXPECT_EQ(what, count < n ? "ended" : "killed") << count;
    return count;
  }
  template <class Check>
  void KillEverywhere(int points, const std::vector<std::string>& words, Check check) {
    Keep();
    const long all = KillAt(kNever, words);
    ASSERT_GT(all, points);
    check();
    for (int i = 0; i < points && !HasFailure(); ++i) {
      BringBack();
      const long n = 1 + i * all / points;
      SCOPED_TRACE("system call " + std::to_string(n) + " of " + std::to_string(all));
      (void)KillAt(n, words);
      const Finished again = Ddl(words);
      EXPECT_EQ(again.code, 0) << again.out << again.error;
      check();
    }
    AddToFaultTable("`ddl gc` or `ddl store rebuild` killed",
                    "SIGKILL at its n-th system call; the same command again",
                    {.runs = points, .lost = HasFailure() ? 1 : 0});
  }
  [[nodiscard]] std::string Checkpoints(int trial) {
    const Json attempt = DdlJson({"show", std::to_string(trial)}).at("attempts").at(0);
    const fs::path job = attempt.at("folder").get<std::string>();
    return job.parent_path().parent_path() / "checkpoints" / ("trial-" + std::to_string(trial));
  }
  void ExpectAllRows() {
    for (int trial = 1; trial <= 3; ++trial) {
      const Json shown = DdlJson({"show", std::to_string(trial)});
      EXPECT_EQ(shown.at("metrics").at(0).at("reports"), 50) << trial;
      EXPECT_EQ(shown.at("curves").at(0).at("points").size(), 50U) << trial;
      EXPECT_EQ(shown.at("attempts").size(), 1U) << trial;
    }
    EXPECT_EQ(Ddl({"store", "check"}).code, 0);
  }

  std::string log_;

 private:
  void Copy(const std::string& to) {
    fs::create_directory(folder_ + "/" + to);
    for (const char* name : {"/store", "/host"}) {
      EXPECT_EQ(StartProgram({"/bin/cp", "-a", folder_ + name, folder_ + "/" + to})->Wait().code,
                0);
    }
  }
};

TEST_F(KilledCommand, GcGoesOnWhereItWasKilled) {
  KillEverywhere(Repeated(24), {"gc", "--keep-best", "1", "--keep-days", "0", "--yes"}, [this] {
    EXPECT_EQ(Ddl({"logs", "1"}).out, log_);
    EXPECT_TRUE(fs::exists(Checkpoints(1) + "/model"));
    for (int trial = 2; trial <= 3; ++trial) {
      EXPECT_FALSE(fs::exists(Checkpoints(trial))) << trial;
      const std::string error = Ddl({"logs", std::to_string(trial)}).error;
      EXPECT_NE(error.find("removed by ddl gc"), std::string::npos) << error;
    }
    ExpectAllRows();
  });
}

TEST_F(KilledCommand, RebuildGoesOnWhereItWasKilled) {
  fs::resize_file(folder_ + "/store/ddl.db", 5'000);
  KillEverywhere(Repeated(24), {"store", "rebuild"}, [this] { ExpectAllRows(); });
}

}  // namespace kill_store_commands_test
}  // namespace ddl
