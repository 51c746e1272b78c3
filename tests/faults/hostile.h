// SPDX-License-Identifier: Apache-2.0
// Stopping trials that do not want to end: gone means every process of the tree, within the grace
// and two seconds.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/cgroup.h"
#include "tests/faults/fault_table.h"
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
    const std::vector<FileDescriptor> tree = OpenProcesses(pids);
    const auto by = std::chrono::steady_clock::now() + grace + 2s;
    connection_->Send(Order{{{job}, 0}, OrderKind::kStop, {}});
    // Of the tree itself: the record of its end waits for the disk too.
    EXPECT_TRUE(AreGoneBy(by, tree)) << "not within the grace and 2 s";
    EXPECT_EQ(connection_->AwaitExit(job).cause, EndCause::kStopped);
    std::ifstream stream(pids);
    int seen = 0;
    for (std::int64_t pid = 0; stream >> pid; ++seen) {
      EXPECT_FALSE(Lives(pid)) << "pid " << pid << " survives";
      *tally_.orphaned += Lives(pid) ? 1 : 0;
    }
    EXPECT_GE(seen, 1);
    ++tally_.runs;
  }
  void TearDown() override {
    if (tally_.runs > 0) {
      AddToFaultTable("a trial that does not want to end is stopped",
                      welcome_.facts.tree_kill == "cgroup" ? "hostile_trial, in a cgroup"
                                                           : "hostile_trial, without a cgroup",
                      tally_);
    }
    LocalHost::TearDown();
  }

 private:
  // Those of the file that live: one that hides may have left and have handed over to a child.
  static std::vector<FileDescriptor> OpenProcesses(const std::string& pids) {
    std::vector<FileDescriptor> opened;
    std::ifstream stream(pids);
    for (pid_t pid = 0; stream >> pid;) {
      if (FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); process) {
        opened.push_back(std::move(process));
      }
    }
    EXPECT_FALSE(opened.empty());
    return opened;
  }

  static bool AreGoneBy(std::chrono::steady_clock::time_point by,
                        const std::vector<FileDescriptor>& tree) {
    return std::ranges::all_of(tree, [&](const FileDescriptor& process) {
      pollfd ended{process.Get(), POLLIN, 0};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          by - std::chrono::steady_clock::now());
      return ::poll(&ended, 1, std::max<int>(0, static_cast<int>(left.count()))) == 1;
    });
  }

  std::int64_t jobs_ = 100;
  FaultTally tally_{.orphaned = 0};
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
