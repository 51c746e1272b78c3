// SPDX-License-Identifier: Apache-2.0
#include "runner/failure_match.h"

#include <gtest/gtest.h>

namespace ddl {
namespace {

TEST(FailureMatch, FindsTheFirstRuleThatALineHas) {
  const FailureMatch match =
      FindFailure({"never", "GPU [0-9]+ is lost", "lost"}, "epoch 1\nGPU 3 is lost\nbye");
  EXPECT_EQ(match.pattern, "GPU [0-9]+ is lost");
  EXPECT_EQ(match.line, "GPU 3 is lost");
}

TEST(FailureMatch, NothingIsFoundInNothing) {
  EXPECT_EQ(FindFailure({"a"}, "").pattern, "");
  EXPECT_EQ(FindFailure({}, "a\n").pattern, "");
  EXPECT_EQ(FindFailure({"a\nb"}, "a\nb\n").pattern, "");
}

TEST(FailureMatch, APatternThatCannotBeReadIsPassedOver) {
  EXPECT_EQ(FindFailure({"(", "b"}, "a b\n").pattern, "b");
}

TEST(FailureMatch, ALineOfMegabytesIsLookedAtAsFarAsItMayBe) {
  const std::string line(std::size_t{1} << 20, 'x');
  EXPECT_EQ(FindFailure({"(x|y)*z"}, line + "z\n").pattern, "");
  EXPECT_EQ(FindFailure({"^x+$"}, line).line.size(), kFailureLineBytes);
}

TEST(FailureMatch, OnlyAFailureOfTheTrialsOwnIsLookedInto) {
  EXPECT_TRUE(MayBeExplained({.exit_code = 1}));
  EXPECT_TRUE(MayBeExplained({.cause = EndCause::kSignaled}));
  EXPECT_FALSE(MayBeExplained({.exit_code = 0}));
  EXPECT_FALSE(MayBeExplained({.exit_code = 75}));
  EXPECT_FALSE(MayBeExplained({.cause = EndCause::kStopped}));
}

}  // namespace
}  // namespace ddl
