// SPDX-License-Identifier: Apache-2.0
#include "configs/states.h"

#include <array>

#include <gtest/gtest.h>

namespace ddl {
namespace states_test {

constexpr std::array kAll{TrialState::kWaiting, TrialState::kLaunching, TrialState::kRunning,
                          TrialState::kPaused,  TrialState::kStopping,  TrialState::kFinished,
                          TrialState::kPruned,  TrialState::kFailed,    TrialState::kCanceled};

TEST(TrialStates, NamesReadBack) {
  for (const TrialState state : kAll)
    EXPECT_EQ(ParseTrialState(ToString(state)), state);
  EXPECT_EQ(ParseTrialState("asleep"), std::nullopt);
}

TEST(TrialStates, NothingLeavesAnEndedState) {
  for (const TrialState from : kAll) {
    if (!IsEnded(from)) continue;
    for (const TrialState to : kAll)
      EXPECT_FALSE(CanMove(from, to)) << ToString(from);
  }
}

TEST(TrialStates, RunningIsEnteredFromLaunchingAlone) {
  for (const TrialState from : kAll) {
    EXPECT_EQ(CanMove(from, TrialState::kRunning), from == TrialState::kLaunching);
  }
}

TEST(EndCauses, NamesReadBack) {
  for (int i = 0; i <= static_cast<int>(EndCause::kLaunchRefused); ++i) {
    const auto cause = static_cast<EndCause>(i);
    EXPECT_EQ(ParseEndCause(ToString(cause)), cause);
  }
}

TEST(EndCauses, AProgramsOwnFailureIsNoInfrastructure) {
  EXPECT_FALSE(IsInfrastructure(EndCause::kExited));
  EXPECT_FALSE(IsInfrastructure(EndCause::kOutOfMemory));
  EXPECT_FALSE(IsInfrastructure(EndCause::kMetricMissing));
  EXPECT_TRUE(IsInfrastructure(EndCause::kSupervisorLost));
  EXPECT_TRUE(IsInfrastructure(EndCause::kHostRebooted));
}

}  // namespace states_test
}  // namespace ddl
