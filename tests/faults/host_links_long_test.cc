// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/host_links.h"

namespace ddl {
namespace host_links_long_test {

using std::chrono::seconds;

TEST_F(HostLinks, OfTwoSecondsThatLoseATenthAreKeptForTenMinutes) {
  EXPECT_EQ(
      Stretch("round trip 2 s, 10 % of packets lost, 10 min", {.loss_percent = 10}, seconds(600)),
      0);
}

TEST_F(HostLinks, ThatLoseAThirdCostNoTrial) {
  (void)Stretch("round trip 2 s, 30 % of packets lost, 5 min", {.loss_percent = 30}, seconds(300));
}

TEST_F(HostLinks, ToAFrozenAgentAreMadeAnew) {
  const auto sweep = Begin(kHeld);
  AwaitHeld();
  const pid_t agent = network_.Agent(kBadHost);
  ASSERT_GT(agent, 0);
  const auto began = Clock::now();
  const auto await = [&](const char* what) {
    while (sweep->Out().find(what) == std::string::npos && Clock::now() - began < seconds(90))
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  ::kill(agent, SIGSTOP);
  const double silent_s = await("host ssh://h1 is silent");
  const double again_s = await("host ssh://h1 answers again");
  const Lines written = Written();
  const double caught_up_s = AwaitRows(written);
  fmt::print(
      "a frozen agent: told silent after {:.1f} s, another one after {:.1f} s, which caught "
      "up in {:.2f} s\n",
      silent_s, again_s, caught_up_s);
  EXPECT_NEAR(silent_s, 11, 4);
  EXPECT_NEAR(again_s, 32, 8);
  EXPECT_LE(caught_up_s, 5);
  ::kill(agent, SIGCONT);  // late, and without a coordinator
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  AddToFaultTable("an agent is frozen", "SIGSTOP; woken up once another one serves", Count(kHeld));
}

}  // namespace host_links_long_test
}  // namespace ddl
