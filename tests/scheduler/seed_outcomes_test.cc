// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/seed_outcomes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace seed_outcomes_test {

using testing::ElementsAre;

TEST(SeedOutcomes, AreTheMeansOverSeedsThatHaveValues) {
  const auto outcome = OutcomeOverSeeds({{TrialState::kFinished, {1, 10}},
                                         {TrialState::kFailed, {}},
                                         {TrialState::kFinished, {2, 30}},
                                         {TrialState::kFinished, {6, 20}}});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, Outcome::Kind::kFinished);
  EXPECT_THAT(outcome->values, ElementsAre(3, 20));
}

// An infinite mean could be told, but not read back from the store.
TEST(SeedOutcomes, StayFiniteWhereValuesAre) {
  const auto outcome =
      OutcomeOverSeeds({{TrialState::kFinished, {1.5e308}}, {TrialState::kFinished, {-1.5e308}}});
  ASSERT_TRUE(outcome);
  EXPECT_THAT(outcome->values, ElementsAre(0));
}

}  // namespace seed_outcomes_test
}  // namespace ddl
