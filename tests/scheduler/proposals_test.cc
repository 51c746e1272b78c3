// SPDX-License-Identifier: Apache-2.0
#include "scheduler/proposals.h"

#include <gtest/gtest.h>

namespace ddl {
namespace proposals_test {

constexpr std::int64_t kTotal = 1000;

std::vector<Configuration> Points(std::int64_t first, std::int64_t count) {
  std::vector<Configuration> points;
  for (std::int64_t i = first; i < first + count; ++i)
    points.push_back({{"x", i}});
  return points;
}

void AnswerTo(const Proposals::Question& question, Proposals& proposals) {
  proposals.Add(question.first, question.count, Points(question.first, question.count));
}

TEST(Proposals, AreAskedForAheadAndOnce) {
  Proposals proposals;
  const auto question = proposals.Ask(0, kTotal);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->first, 0);
  EXPECT_GT(question->count, 1);
  EXPECT_FALSE(proposals.Ask(1, kTotal));
  AnswerTo(*question, proposals);
  ASSERT_NE(proposals.Find(1), nullptr);
  EXPECT_EQ(*proposals.Find(1), Points(1, 1).front());
}

TEST(Proposals, OfALearningSearchAreAskedForWhenTheyAreNeeded) {
  Proposals proposals;
  const auto question = proposals.AskInTime(0);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->count, 1);
  EXPECT_FALSE(proposals.AskInTime(0));
}

TEST(Proposals, MayBeAnsweredInAnyOrder) {
  Proposals proposals;
  const auto first = proposals.Ask(0, kTotal);
  const auto second = proposals.Ask(200, kTotal);
  ASSERT_TRUE(first && second);
  AnswerTo(*second, proposals);
  AnswerTo(*first, proposals);
  for (const std::int64_t dropped : {std::int64_t{3}, second->first + 3}) {
    proposals.Drop(dropped);
    const auto again = proposals.Ask(dropped, kTotal);
    ASSERT_TRUE(again) << dropped;
    EXPECT_EQ(again->first, dropped);
    AnswerTo(*again, proposals);
    EXPECT_NE(proposals.Find(dropped), nullptr);
  }
}

// The user stops a trial that is next in turn: its question overtakes nothing.
TEST(Proposals, OutOfTurnDoNotDisturbThoseInTurn) {
  Proposals proposals;
  const auto own = proposals.AskOne(0);
  const auto in_turn = proposals.Ask(0, kTotal);
  ASSERT_TRUE(own && in_turn);
  AnswerTo(*own, proposals);
  AnswerTo(*in_turn, proposals);
  proposals.Drop(100);
  EXPECT_TRUE(proposals.Ask(100, kTotal));
}

TEST(Proposals, EndWhereTheSpaceDoes) {
  Proposals proposals;
  const auto question = proposals.Ask(0, kTotal);
  ASSERT_TRUE(question);
  proposals.Add(0, question->count, Points(0, 7));
  EXPECT_EQ(proposals.Exhausted(), 7);
  EXPECT_FALSE(proposals.Ask(6, kTotal));
}

}  // namespace proposals_test
}  // namespace ddl
