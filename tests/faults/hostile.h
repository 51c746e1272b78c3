// SPDX-License-Identifier: Apache-2.0
// Stopping trials that do not want to end: gone means every process of the tree, within the grace
// and two seconds.
#pragma once

#include <array>
#include <chrono>
#include <string>

#include "runner/cgroup.h"
#include "tests/runner/real_host.h"

namespace ddl {

class Hostile : public LocalHost {
 protected:
  static constexpr std::array kKinds{"ignores-term", "closes-pipes", "forks-twice", "hides",
                                     "floods",       "spins",        "stops-itself"};

  // Starts one, stops it once its tree stands, and looks for survivors.
  void StopOne(const std::string& kind, std::chrono::milliseconds grace) {
    SCOPED_TRACE(kind);
    const std::int64_t job = ++jobs_;
    const std::string pids = folder_ / ("pids-" + std::to_string(job));
    const std::string ready = MakePipe("ready-" + std::to_string(job));
    LaunchRecord record = Shell(job, "");
    record.argv = {std::string(DDL_BINARY_DIR) + "/tests/hostile_trial", kind, pids, ready};
    record.grace = grace;
    Start(record);
    EXPECT_EQ(ReadLine(ready), "up");
    const auto before = std::chrono::steady_clock::now();
    connection_->Send(Order{{{job}, 0}, OrderKind::kStop, {}});
    EXPECT_EQ(connection_->AwaitExit(job).cause, EndCause::kStopped);
    EXPECT_LE(std::chrono::steady_clock::now() - before, grace + 2s);
    std::ifstream stream(pids);
    int seen = 0;
    for (std::int64_t pid = 0; stream >> pid; ++seen)
      EXPECT_FALSE(Lives(pid)) << "pid " << pid << " survives";
    EXPECT_GE(seen, 1);
  }

 private:
  std::int64_t jobs_ = 100;
};

// The same on a host where no cgroup can be had.
class HostileWithoutCgroup : public Hostile {
 protected:
  void SetUp() override {
    std::ofstream(folder_ / "agent")
        << "#!/bin/sh\nexec unshare --mount sh -c 'umount -l " << CgroupAbove()
        << "; exec \"$0\" \"$@\"' " << DDL_BINARY_DIR << "/ddl-agent \"$@\"\n";
    std::filesystem::permissions(folder_ / "agent", std::filesystem::perms::owner_all);
    if (::geteuid() != 0 || !CgroupAbove().ends_with("/unified")) {
      GTEST_SKIP() << "the cgroups cannot be taken away from an agent here";
    }
    agent_path_ = folder_ / "agent";
    Hostile::SetUp();
    ASSERT_EQ(welcome_.facts.tree_kill, "session");
  }
  void TearDown() override {
    if (!agent_path_.empty()) Hostile::TearDown();
  }
};

}  // namespace ddl
