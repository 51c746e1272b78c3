// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/host_cuts.h"

namespace ddl {
namespace host_cuts_test {

TEST_F(HostCuts, OfASecondChangeNothing) {
  Run({.name = "a link cut for 1 s"});
}

// Nobody answers, not even with a refusal. The figures are asserted loosely, the machine may be
// busy; what they are is in docs/reliability.md.
class BlackHole : public HostCuts {
 protected:
  static constexpr HostSweep kShort{.trials = 48, .reports = 3};
  static constexpr HostSweep kHeld{.trials = 48, .reports = 3, .is_held = true};
  static constexpr double kLoose = 200;

  void End(const std::string& fault, RunningDdl& sweep, const HostSweep& wanted) {
    const Finished done = sweep.Wait();
    ASSERT_EQ(done.code, 0) << done.out << done.error;
    const double longest = LongestTurn(done.out);
    fmt::print("{}: longest turn without the commit {:.2f} ms\n", fault, longest);
    EXPECT_LE(longest, kLoose);
    AddToFaultTable(fault, "network namespaces, four hosts; one of them", Count(wanted));
  }
};

TEST_F(BlackHole, FromTheStartHoldsNobodyUp) {
  network_.Cut(kBadHost);
  End("a host never answers", *Begin(kShort, true), kShort);
  EXPECT_EQ(OpenStore().Number("SELECT count(*) FROM attempt WHERE host = 'ssh://h1'"), 0);
}

TEST_F(BlackHole, AmidASweepHoldsNobodyUp) {
  const auto sweep = Begin(kHeld, true);
  AwaitBadHost();
  network_.Cut(kBadHost);
  LetGo();
  // Until only its own are left.
  Await("host != 'ssh://h1' AND ended_ms > 0", 30);
  network_.Heal(kBadHost);
  End("a host stops to answer", *sweep, kHeld);
}

}  // namespace host_cuts_test
}  // namespace ddl
