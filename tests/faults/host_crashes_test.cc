// SPDX-License-Identifier: Apache-2.0
// Coordinator, host or sshd go at once while trials run on four hosts.
#include "tests/faults/host_ledger.h"
#include "tests/sanitized.h"

namespace ddl {
namespace host_crashes_test {

// A host has four at a time; half of them wait.
constexpr HostSweep kHeld{.trials = 32, .is_held = true, .cpus = 0.5};
constexpr int kAtOnce = 16;

class HostCrashes : public HostLedger {
 protected:
  void AwaitHeld() const { Await(fmt::format("cause IS NULL AND {} >= 3", kRows), kAtOnce); }
};

TEST_F(HostCrashes, ANewCoordinatorAdoptsTheTrialsOfAllHosts) {
  const auto first = Begin(kHeld);
  AwaitHeld();
  first->Signal(SIGKILL);
  (void)first->Wait();
  const Connection before = OpenStore();
  const std::int64_t hosts = before.Number("SELECT count(DISTINCT host) FROM attempt");
  EXPECT_EQ(hosts, kHosts);
  // Each trial writes something more that has to come through the links of the next coordinator.
  const Lines at_kill = Written();
  Lines written = at_kill;
  const auto has_grown = [&](const auto& entry) { return written.at(entry.first) > entry.second; };
  while (!std::ranges::all_of(at_kill, has_grown))
    written = Written();
  const auto began = Clock::now();
  const auto second = Begin(kHeld);
  (void)AwaitRows(written);
  const double adopted_s = std::chrono::duration<double>(Clock::now() - began).count();
  fmt::print("{} trials of {} hosts adopted {:.2f} s after the command\n", kAtOnce, hosts,
             adopted_s);
  EXPECT_LE(adopted_s, kIsSanitized ? 30 : 5);
  LetGo();
  const Finished done = second->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_EQ(OpenStore().Number("SELECT count(*) FROM attempt"), kHeld.trials);
  AddToFaultTable("coordinator killed, trials on four hosts", "SIGKILL; the same command again",
                  Count(kHeld));
}

TEST_F(HostCrashes, AHostThatRebootsCostsItsTrialsOneAttempt) {
  network_.Reboot(kBadHost, "00000000-0000-4000-8000-000000000001");
  const auto sweep = Begin(kHeld);
  AwaitHeld();
  network_.Reboot(kBadHost, "00000000-0000-4000-8000-000000000002");
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  const FaultTally tally = Count(kHeld, EndCause::kHostRebooted);
  const Connection store = OpenStore();
  EXPECT_EQ(Attempts(store, EndCause::kHostRebooted).size(), 4U);
  // What the supervisors had read is on the host's disk, and comes with the next link.
  for (const std::string& name : Attempts(store, EndCause::kHostRebooted))
    EXPECT_GE(Stored(store)[name], Written()[name] - 1) << name;
  EXPECT_EQ(store.Number("SELECT count(*) FROM attempt WHERE host != 'ssh://h1' AND " +
                         Ended(EndCause::kHostRebooted)),
            0);
  AddToFaultTable("a host reboots", "its processes killed, another boot id; sshd starts again",
                  tally);
}

TEST_F(HostCrashes, TrialsOutliveTheirSshd) {
  const auto sweep = Begin(kHeld);
  AwaitHeld();
  network_.Sshd(kBadHost).Kill();
  // Some of what they write while nobody can reach them.
  Lines written = Written();
  while (Behind(Written()) < 8)
    std::this_thread::yield();
  written = Written();
  network_.Sshd(kBadHost).StartAgain();
  fmt::print("caught up {:.2f} s after sshd was back\n", AwaitRows(written));
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  AddToFaultTable("sshd killed with its sessions", "and started again", Count(kHeld));
}

TEST_F(HostCrashes, WhatWasGivenUpIsStoppedWhenItsHostIsBack) {
  HostSweep held = kHeld;
  held.lost_after_s = 2;
  const auto sweep = Begin(held);
  AwaitHeld();
  network_.Sshd(kBadHost).Kill();
  Await(Ended(EndCause::kLost), 4);
  std::vector<pid_t> old = network_.Strays(kBadHost);
  EXPECT_GE(old.size(), 8U) << "four trials and their supervisors live on";
  network_.Sshd(kBadHost).StartAgain();
  const auto back = Clock::now();
  const auto is_gone = [](pid_t pid) { return ::kill(pid, 0) != 0; };
  while (!std::ranges::all_of(old, is_gone) && Clock::now() - back < std::chrono::seconds(30))
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double gone_s = std::chrono::duration<double>(Clock::now() - back).count();
  fmt::print("what was given up is gone {:.2f} s after sshd was back\n", gone_s);
  EXPECT_LE(gone_s, 10);
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_EQ(Attempts(OpenStore(), EndCause::kLost).size(), 4U);
  AddToFaultTable("a host is given up and comes back", "sshd killed; lost_after_s 2",
                  Count(held, EndCause::kLost));
}

}  // namespace host_crashes_test
}  // namespace ddl
