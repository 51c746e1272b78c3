// SPDX-License-Identifier: Apache-2.0
#include "runner/failure_match.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "configs/failure_rules.h"

namespace ddl {
namespace failure_match_test {

// What follows a log's end without rules of a sweep's own; "": nothing.
std::string WhatFollows(const std::string& log_end) {
  std::vector<std::string> patterns;
  for (const FailureRule& rule : BuiltInFailureRules())
    patterns.push_back(rule.pattern);
  const std::string pattern = FindFailure(patterns, log_end).pattern;
  const auto rule = std::ranges::find(BuiltInFailureRules(), pattern, &FailureRule::pattern);
  return rule == BuiltInFailureRules().end() ? "" : std::string(ToString(rule->then));
}

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

TEST(FailureMatch, KnowsWhatTheTrainerSaysOfItsGpu) {
  EXPECT_EQ(WhatFollows("epoch 1\nddl-trainer: the GPU failed: unspecified launch failure\n"),
            "try-again");
  const std::string needs = "ddl-trainer: one training needs 20.50 GiB of the GPU's memory, ";
  EXPECT_EQ(WhatFollows(needs + "and 3.25 are free: free the GPU\n"), "try-again");
  EXPECT_EQ(WhatFollows(needs + "which has 15.75 in all: use a larger one\n"), "bigger-gpu");
  EXPECT_EQ(WhatFollows("it printed 'ddl-trainer: the GPU failed: '\n"), "");
}

TEST(FailureMatch, AGpuThatSomebodyMustSeeToIsDrainedThoughTheTrainerTellsOfIt) {
  for (const char* what :
       {"GPU is lost", "uncorrectable ECC error encountered", "GPU has fallen off the bus"}) {
    EXPECT_EQ(WhatFollows(std::string("ddl-trainer: the GPU failed: ") + what + "\n"), "drain-gpu");
  }
}

TEST(FailureMatch, TheLastLineIsWhatTheProgramSaid) {
  EXPECT_EQ(LastLineSaid("Traceback:\n  x\nValueError: no\n\n \n"), "ValueError: no");
  EXPECT_EQ(LastLineSaid("50 %\r100 %\r\n"), "100 %");
  EXPECT_EQ(LastLineSaid("  alone"), "alone");
  EXPECT_EQ(LastLineSaid(" \n\t\n"), "");
  EXPECT_EQ(LastLineSaid(""), "");
}

TEST(FailureMatch, ALongLastLineIsCutBetweenCharacters) {
  std::string line(199, 'x');
  EXPECT_EQ(LastLineSaid(line + "\xC3\xA4" + "end\n"), line);
  EXPECT_EQ(LastLineSaid(line + "yend\n"), line + "y");
  EXPECT_EQ(LastLineSaid(std::string(1000, '\x80')), "");
}

TEST(FailureMatch, OnlyAFailureOfTheTrialsOwnIsLookedInto) {
  EXPECT_TRUE(MayBeExplained({.exit_code = 1}));
  EXPECT_TRUE(MayBeExplained({.cause = EndCause::kSignaled}));
  EXPECT_FALSE(MayBeExplained({.exit_code = 0}));
  EXPECT_FALSE(MayBeExplained({.exit_code = 75}));
  EXPECT_FALSE(MayBeExplained({.cause = EndCause::kStopped}));
}

}  // namespace failure_match_test
}  // namespace ddl
