// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/host_links.h"

namespace ddl {
namespace host_links_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(HostLinks, OfTwoSecondsThatLoseATenthAreKept) {
  EXPECT_EQ(
      Stretch("round trip 2 s, 10 % of packets lost, 20 s", {.loss_percent = 10}, seconds(20)), 0);
}

TEST_F(HostLinks, ThatAreNarrowAreKept) {
  const auto sweep = Begin(kHeld);
  AwaitHeld();
  if (!network_.Narrow(kBadHost, "64kbit")) {
    LetGo();
    (void)sweep->Wait();
    GTEST_SKIP() << "no tc tbf here";
  }
  const Lines written = Written();
  for (Lines now = written; !std::ranges::all_of(
           written, [&](const auto& was) { return now.at(was.first) >= was.second + 12; });)
    now = Written();
  EXPECT_LE(AwaitRows(Written()), 5);
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_EQ(Times(done.out, "does not answer"), 0) << done.out;
  AddToFaultTable("a link of 64 kbit/s", "tc tbf", Count(kHeld));
}

TEST_F(HostLinks, ThatBreakAtAnyTimeCostNothing) {
  const auto sweep = Begin(kHeld);
  AwaitHeld();
  std::mt19937 dice(1);  // at any time: while a link is being made as well
  int broken = 0;
  const auto begun = Clock::now();
  const auto lasts = [&broken] { return broken > 2 ? seconds(3) : kPatience; };
  while (Clock::now() < begun + lasts()) {
    std::this_thread::sleep_for(milliseconds(std::uniform_int_distribution<>(1, 400)(dice)));
    broken += network_.Sshd(kBadHost).CutAny();
  }
  const Lines written = Written();
  fmt::print("{} connections broken, caught up after {:.2f} s\n", broken, AwaitRows(written));
  EXPECT_GT(broken, 2);
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  // Nobody has to see to the host: nothing of that kind is said.
  EXPECT_EQ(done.out.find("DDL_HOST_DIR"), std::string::npos) << done.out;
  AddToFaultTable("connections broken at random", "sessions of sshd killed", Count(kHeld));
}

}  // namespace host_links_test
}  // namespace ddl
