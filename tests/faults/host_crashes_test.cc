// SPDX-License-Identifier: Apache-2.0
// Coordinator, host or sshd go at once while trials run on four hosts.
#include "tests/faults/host_ledger.h"

namespace ddl {
namespace {

class HostCrashes : public HostLedger {};

// A host has two trials at a time, which live for a second and more.
constexpr HostSweep kLongTrials{.trials = 16, .reports = 25, .cpus = 0.5};

TEST_F(HostCrashes, ANewCoordinatorAdoptsTheTrialsOfAllHosts) {
  const HostSweep wanted{.trials = 16, .reports = 50, .cpus = 0.5};
  const auto first = Begin(wanted);
  Await(fmt::format("cause IS NULL AND {} >= 3", kRows), wanted.trials);
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
  const auto second = Begin(wanted);
  (void)AwaitRows(written);
  const double adopted_s = std::chrono::duration<double>(Clock::now() - began).count();
  fmt::print("{} trials of {} hosts adopted {:.2f} s after the command\n", wanted.trials, hosts,
             adopted_s);
  EXPECT_LE(adopted_s, 5);
  const Finished done = second->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_EQ(OpenStore().Number("SELECT count(*) FROM attempt"), wanted.trials);
  AddToFaultTable("coordinator killed, trials on four hosts", "SIGKILL; the same command again",
                  Count(wanted));
}

TEST_F(HostCrashes, AHostThatRebootsCostsItsTrialsOneAttempt) {
  network_.Reboot(kBadHost, "00000000-0000-4000-8000-000000000001");
  const auto sweep = Begin(kLongTrials);
  Await(fmt::format("host = 'ssh://h1' AND cause IS NULL AND {} BETWEEN 3 AND 15", kRows), 2);
  network_.Reboot(kBadHost, "00000000-0000-4000-8000-000000000002");
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  const FaultTally tally = Count(kLongTrials, EndCause::kHostRebooted);
  const Connection store = OpenStore();
  EXPECT_GE(Attempts(store, EndCause::kHostRebooted).size(), 2U);
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
  const auto sweep = Begin(kLongTrials);
  Await(fmt::format("host = 'ssh://h1' AND cause IS NULL AND {} BETWEEN 3 AND 15", kRows), 2);
  network_.Sshd(kBadHost).Kill();
  // Some of what they write while nobody can reach them.
  Lines written = Written();
  while (Behind(Written()) < 8)
    std::this_thread::yield();
  written = Written();
  network_.Sshd(kBadHost).StartAgain();
  fmt::print("caught up {:.2f} s after sshd was back\n", AwaitRows(written));
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  AddToFaultTable("sshd killed with its sessions", "and started again", Count(kLongTrials));
}

}  // namespace
}  // namespace ddl
