// SPDX-License-Identifier: Apache-2.0
// An sshd that lets ddl in and then gives it no channel, or one at a time.
#include "tests/faults/host_ledger.h"

namespace ddl {
namespace host_refusals_test {

class HostRefusals : public HostLedger {
 protected:
  void AllowSessions(int most) {
    network_.Sshd(kBadHost).Stop();
    network_.Sshd(kBadHost).SetOptions(fmt::format("MaxSessions {}\n", most));
    network_.Sshd(kBadHost).StartAgain();
  }
};

TEST_F(HostRefusals, OfAnyChannelAreSaidAndTheOtherHostsGoOn) {
  AllowSessions(0);
  const HostSweep wanted{.trials = 12, .reports = 5, .is_held = true};
  const auto sweep = Begin(wanted);
  // The other hosts' trials wait until it was said.
  const auto until = Clock::now() + kPatience;
  while (sweep->Out().find("does not let us") == std::string::npos && Clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_NE(done.out.find("host ssh://h1: h1 does not let us open a channel: "), std::string::npos)
      << done.out;
  EXPECT_NE(done.out.find("; let its sshd open sessions: MaxSessions in its sshd_config\n"),
            std::string::npos)
      << done.out;
  EXPECT_EQ(OpenStore().Number("SELECT count(*) FROM attempt WHERE host = 'ssh://h1'"), 0);
  AddToFaultTable("an sshd refuses channels", "MaxSessions 0", Count(wanted));
}

TEST_F(HostRefusals, OfASecondChannelDoNotMatter) {
  AllowSessions(1);
  const HostSweep wanted{.trials = 24, .is_held = true};
  const auto sweep = Begin(wanted);
  Await("host = 'ssh://h1'", 1);
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_EQ(done.out.find("does not let us"), std::string::npos) << done.out;
  AddToFaultTable("an sshd allows one channel at a time", "MaxSessions 1", Count(wanted));
}

}  // namespace host_refusals_test
}  // namespace ddl
