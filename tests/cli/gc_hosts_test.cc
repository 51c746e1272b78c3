// SPDX-License-Identifier: Apache-2.0
// ddl gc --hosts: what ended trials left behind a real sshd.
#include <chrono>

#include <gmock/gmock.h>

#include "tests/cli/real_ddl_over_ssh.h"

namespace ddl {
namespace gc_hosts_test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kLeaving =
    "name: left\nmethod: grid\nparameters: {x: {values: [1, 3, 2]}}\n"
    "metric: {name: score, goal: maximize}\nresources: {cpus: 0.1}\nparallel: 1\n"
    "hosts: [\"ssh://test-host\"]\n"
    "command: [/bin/sh, -c, 'x=$(echo $1 | cut -d= -f2); echo out $x > $DDL_OUTPUT_DIR/result; "
    "echo model $x > $DDL_CHECKPOINT_DIR/model; echo \"{\\\"score\\\": $x}\"', sh, '${args}']\n";

class GcHosts : public OverSsh<RealDdl> {
 protected:
  void Sweep(const std::string& rule) {
    const Finished done = Ddl({"sweep", Write("left.yaml", kLeaving + rule)});
    ASSERT_EQ(done.code, 0) << done.error;
  }
  // Below the store's folder on the host.
  fs::path There(const std::string& name) const {
    for (const auto& entry : fs::directory_iterator(sshd_.Path("host"))) {
      if (fs::exists(entry.path() / "jobs")) return entry.path() / name;
    }
    return {};
  }
  int CountThere(const std::string& kind) const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(There(kind)))
      count += entry.is_directory() ? 1 : 0;
    return count;
  }
  Json Gc(const std::vector<std::string>& more) {
    std::vector<std::string> words{"gc", "--hosts", "--keep-best", "1", "--keep-days", "0"};
    words.insert(words.end(), more.begin(), more.end());
    words.emplace_back("--json");
    const Finished done = Ddl(words);
    EXPECT_EQ(done.error, "") << done.code;
    EXPECT_EQ(done.code, 0);
    return ParseJson(done.out, "output of ddl gc");
  }
};

TEST_F(GcHosts, KeepsTheBestThereAndRemovesTheOthers) {
  Sweep("");
  EXPECT_THAT(Ddl({"gc"}).out, HasSubstr("trials ran on 1 other host too: ddl gc --hosts"));
  const Json plan = Gc({});
  EXPECT_EQ(plan.at("steps").size(), 4U) << DumpJson(plan, 1);
  EXPECT_EQ(plan.at("done"), nullptr);
  EXPECT_EQ(CountThere("jobs"), 3);
  const Json done = Gc({"--yes"});
  EXPECT_EQ(done.at("done").at("folders"), 4);
  EXPECT_GT(done.at("done").at("freed_bytes"), 0);
  EXPECT_EQ(CountThere("jobs"), 1);
  EXPECT_EQ(CountThere("checkpoints"), 1);
  EXPECT_TRUE(fs::exists(There("checkpoints/trial-2/model")));
  EXPECT_EQ(CountThere("code"), 1) << "it is fresh";
  EXPECT_EQ(Gc({"--yes"}).at("steps").size(), 0U);
}

TEST_F(GcHosts, RemovesCodeThatNoSweepRunsIn) {
  Sweep("");
  for (const auto& entry : fs::directory_iterator(There("code")))
    fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(Gc({"--yes"}).at("code").at(1).at("snapshots").size(), 1U);
  EXPECT_EQ(CountThere("code"), 0);
  EXPECT_EQ(Ddl({"sweep", folder_ + "/left.yaml", "--new"}).code, 0);
  EXPECT_EQ(CountThere("code"), 1) << "it is sent again";
}

TEST_F(GcHosts, WhatIsToComeBackStaysUntilItHas) {
  Sweep("results: all\n");
  fs::remove_all(folder_ + "/store/results");
  EXPECT_EQ(Gc({"--yes"}).at("steps").size(), 0U);
  EXPECT_EQ(CountThere("jobs"), 3);
  EXPECT_EQ(Ddl({"fetch"}).code, 0);
  EXPECT_EQ(Gc({"--yes"}).at("done").at("folders"), 4);
  EXPECT_EQ(CountThere("jobs"), 1);
}

TEST_F(GcHosts, SaysWhichHostCannotBeReached) {
  Sweep("");
  sshd_.Stop();
  const Finished done = Ddl({"gc", "--hosts", "--yes"});
  EXPECT_EQ(done.code, 3);
  EXPECT_THAT(done.error, HasSubstr("ssh://test-host: "));
}

}  // namespace gc_hosts_test
}  // namespace ddl
