// SPDX-License-Identifier: Apache-2.0
#include "scheduler/admission.h"

#include <gtest/gtest.h>

namespace ddl {
namespace admission_test {

SweepRequest Request() {
  SweepRequest request;
  request.spec.name = "s";
  request.spec.command = {"/bin/true"};
  request.spec.method = Method::kRandom;
  request.spec.run_cap = 8;
  request.spec.workdir = "/w";
  return request;
}

SweepHistory Known(const SweepRequest& request, SweepState state) {
  SweepHistory history;
  history.id = {1};
  history.name = request.spec.name;
  history.spec_json = DumpJson(ResolvedSpec(request.spec));
  history.state = state;
  history.outcome = SweepOutcome::kAllDone;
  return history;
}

template <class Verdict>
bool Is(const Admission& admission) {
  return std::holds_alternative<Verdict>(admission);
}

TEST(Admission, AnUnknownNameBegins) {
  EXPECT_TRUE(Is<BeginSweep>(Admit(Request(), std::nullopt)));
}

TEST(Admission, TheSameContentGoesOn) {
  const auto known = Known(Request(), SweepState::kRunning);
  const Admission admission = Admit(Request(), known);
  ASSERT_TRUE(Is<GoOnWithSweep>(admission));
  EXPECT_FALSE(std::get<GoOnWithSweep>(admission).spec_changed);
}

TEST(Admission, AFinishedSweepOfTheSameContentIsOver) {
  EXPECT_TRUE(Is<SweepIsOver>(Admit(Request(), Known(Request(), SweepState::kFinished))));
}

TEST(Admission, AStoppedSweepGoesOnWhereItsLimitIsNotToBlame) {
  SweepHistory known = Known(Request(), SweepState::kStopped);
  known.outcome = SweepOutcome::kStoppedByUser;
  EXPECT_TRUE(Is<GoOnWithSweep>(Admit(Request(), known)));
  known.outcome = SweepOutcome::kLimitReached;
  EXPECT_TRUE(Is<SweepIsOver>(Admit(Request(), known)));
}

TEST(Admission, RetryingFailedTrialsReopensAFinishedSweep) {
  SweepRequest request = Request();
  request.retry_failed = true;
  EXPECT_TRUE(Is<GoOnWithSweep>(Admit(request, Known(Request(), SweepState::kFinished))));
}

TEST(Admission, AnExtendedSweepGoesOnWithTheFileAsItWas) {
  SweepRequest extended = Request();
  extended.spec.run_cap = 12;
  extended.spec.run_cap_before_extension = 8;
  const auto known = Known(extended, SweepState::kRunning);
  const Admission admission = Admit(Request(), known);
  ASSERT_TRUE(Is<GoOnWithSweep>(admission));
  EXPECT_FALSE(std::get<GoOnWithSweep>(admission).spec_changed);

  SweepRequest as_it_is_now = Request();
  as_it_is_now.spec.run_cap = 12;
  EXPECT_TRUE(Is<GoOnWithSweep>(Admit(as_it_is_now, known)));
  EXPECT_EQ(WithExtension(extended.spec, as_it_is_now.spec).run_cap_before_extension, 8);
}

TEST(Admission, ALowerRunCapThanTheSweepHasIsRefused) {
  SweepRequest extended = Request();
  extended.spec.run_cap = 12;
  extended.spec.run_cap_before_extension = 8;
  for (const auto& [run_cap, stored] :
       {std::pair{5, Request()}, std::pair{5, extended}, std::pair{10, extended}}) {
    SweepRequest lower = Request();
    lower.spec.run_cap = run_cap;
    const Admission admission = Admit(lower, Known(stored, SweepState::kRunning));
    ASSERT_TRUE(Is<SweepDiffers>(admission)) << run_cap;
    EXPECT_EQ(
        std::get<SweepDiffers>(admission).difference,
        "  run_cap: " + std::to_string(*stored.spec.run_cap) + " -> " + std::to_string(run_cap));
  }
}

TEST(Admission, ALargerRunCapThanAnExtensionGaveIsAskedForByTheFile) {
  SweepRequest extended = Request();
  extended.spec.run_cap = 12;
  extended.spec.run_cap_before_extension = 8;
  SweepRequest larger = Request();
  larger.spec.run_cap = 20;
  EXPECT_TRUE(Is<GoOnWithSweep>(Admit(larger, Known(extended, SweepState::kRunning))));
  EXPECT_FALSE(WithExtension(extended.spec, larger.spec).run_cap_before_extension);
}

TEST(Admission, ALargerRunCapReopensAFinishedSweep) {
  SweepRequest request = Request();
  request.spec.run_cap = 12;
  const Admission admission = Admit(request, Known(Request(), SweepState::kFinished));
  ASSERT_TRUE(Is<GoOnWithSweep>(admission));
  EXPECT_TRUE(std::get<GoOnWithSweep>(admission).spec_changed);
}

TEST(Admission, AnotherCommandUnderTheSameNameIsRefused) {
  SweepRequest request = Request();
  request.spec.command = {"/bin/false"};
  const Admission admission = Admit(request, Known(Request(), SweepState::kRunning));
  ASSERT_TRUE(Is<SweepDiffers>(admission));
  EXPECT_NE(std::get<SweepDiffers>(admission).difference.find("command"), std::string::npos);
}

TEST(Admission, AskingForAnotherBeginsIt) {
  SweepRequest request = Request();
  request.spec.command = {"/bin/false"};
  request.begin_new = true;
  EXPECT_TRUE(Is<BeginSweep>(Admit(request, Known(Request(), SweepState::kRunning))));
}

TEST(Outcomes, BecomeExitCodes) {
  EXPECT_EQ(ExitCodeOf(SweepOutcome::kAllDone), 0);
  EXPECT_EQ(ExitCodeOf(SweepOutcome::kTargetReached), 0);
  EXPECT_EQ(ExitCodeOf(SweepOutcome::kSomeFailed), 1);
  EXPECT_EQ(ExitCodeOf(SweepOutcome::kTargetMissed), 4);
  EXPECT_EQ(ExitCodeOf(SweepOutcome::kLimitReached), 4);
}

}  // namespace admission_test
}  // namespace ddl
