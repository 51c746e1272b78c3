// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/host_links.h"

namespace ddl {
namespace {

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

}  // namespace
}  // namespace ddl
