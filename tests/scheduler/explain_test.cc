// SPDX-License-Identifier: Apache-2.0
// The exact words for every situation in which somebody may ask.
#include "scheduler/explain.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ddl {
namespace explain_test {

TrialFacts Waiting(WaitCause cause) {
  return {.sweep = "mlp", .number = 7, .wait = cause, .request = "1 core"};
}

TrialFacts Ended(TrialState state, EndCause cause, const std::string& reason, int code = 0) {
  TrialFacts facts{.sweep = "mlp", .number = 7, .state = state, .reason = reason, .attempts = 1};
  facts.end = EndFacts{.cause = cause, .exit_code = code};
  return facts;
}

void Expect(const TrialFacts& facts, const std::string& text) {
  EXPECT_EQ(Explain(facts), "Trial mlp/7 " + text);
}

TEST(Explain, SaysWhatAWaitingTrialWaitsFor) {
  Expect(Waiting(WaitCause::kUnknown),
         "waits: nobody runs its sweep at the moment. Go on: run the spec again with ddl sweep");
  Expect(Waiting(WaitCause::kStartsNow),
         "waits for nothing: it starts at once. Nothing needs to be done.");
  TrialFacts cores = Waiting(WaitCause::kCores);
  cores.have = "too few of the 2 cores of local are free";
  Expect(cores,
         "waits for a free core: it asks for 1 core, and too few of the 2 cores of local are free. "
         "It starts by itself when running trials end; to see them: ddl status mlp");
  TrialFacts gpus = Waiting(WaitCause::kGpus);
  gpus.request = "1 core and 1 GPU";
  gpus.have = "the only GPU of local is in use";
  Expect(gpus,
         "waits for a free GPU: it asks for 1 core and 1 GPU, and the only GPU of local is in use. "
         "It starts by itself when running trials end; to see them: ddl status mlp");
  TrialFacts memory = Waiting(WaitCause::kMemory);
  memory.have = "100 of 8192 MiB of local are free";
  Expect(memory,
         "waits for free memory: it asks for 1 core, and 100 of 8192 MiB of local are free. It "
         "starts by itself when running trials end; to see them: ddl status mlp");
  TrialFacts foreign = Waiting(WaitCause::kForeign);
  foreign.holder = "core 0 is held by job 3.0 of store 0123";
  Expect(foreign,
         "waits for a device that is not free: core 0 is held by job 3.0 of store 0123. It is "
         "tried again every few seconds, and elsewhere as soon as something is free.");
  TrialFacts reserved = Waiting(WaitCause::kReserved);
  reserved.holder = "early";
  Expect(reserved,
         "waits because free devices are held for early, which has waited long. Nothing needs to "
         "be done.");
  TrialFacts parallel = Waiting(WaitCause::kParallel);
  parallel.parallel = 3;
  Expect(parallel,
         "waits because `parallel` is 3, and as many run. More at once: raise `parallel` in the "
         "spec and run ddl sweep again.");
  TrialFacts host = Waiting(WaitCause::kHost);
  host.holder = "host local, which does not answer: connection reset";
  Expect(host,
         "waits for host local, which does not answer: connection reset. Trials that run there go "
         "on; it is tried again by itself. Check it: ddl doctor");
  TrialFacts unseen = Waiting(WaitCause::kHostUnseen);
  unseen.holder = "host local";
  Expect(unseen, "waits for host local to answer for the first time. Nothing needs to be done.");
  Expect(Waiting(WaitCause::kSearch),
         "waits for the search to propose its configuration. Nothing needs to be done.");
  Expect(Waiting(WaitCause::kSweepPaused),
         "waits because you paused the sweep. Let it go on: ddl resume mlp");
  TrialFacts delay = Waiting(WaitCause::kDelay);
  delay.delay_s = 4;
  Expect(delay, "waits 4 s before it is tried again. Nothing needs to be done.");
  Expect(Waiting(WaitCause::kLeaving),
         "waits because the coordinator is about to leave. Go on later: run the spec again with "
         "ddl sweep");
}

TEST(Explain, CountsWhoIsBefore) {
  TrialFacts facts = Waiting(WaitCause::kParallel);
  facts.parallel = 1;
  facts.ahead = 1;
  Expect(facts,
         "waits for its turn: 1 trial is before it, which waits because `parallel` is 1, and as "
         "many run. More at once: raise `parallel` in the spec and run ddl sweep again.");
  facts.ahead = 2;
  facts.reason = "host rebooted";
  Expect(facts,
         "waits (host rebooted) for its turn: 2 trials are before it, the first of which waits "
         "because `parallel` is 1, and as many run. More at once: raise `parallel` in the spec and "
         "run ddl sweep again.");
}

TEST(Explain, SaysWhyASweepEndedBeforeTheTrialsTurn) {
  TrialFacts facts = Waiting(WaitCause::kSweepEnded);
  facts.sweep_outcome = SweepOutcome::kLimitReached;
  facts.sweep_reason = "limits.wall_h: 2 reached";
  Expect(facts,
         "waits for nothing: its sweep ended before its turn came: limits.wall_h: 2 reached. Raise "
         "the limit in the spec and run it again: ddl sweep");
  facts.sweep_outcome = SweepOutcome::kTargetReached;
  facts.sweep_reason = "target reached";
  Expect(facts,
         "waits for nothing: its sweep ended before its turn came: target reached. Nothing needs "
         "to be done.");
  facts.sweep_outcome = SweepOutcome::kStoppedByUser;
  facts.sweep_reason = "stopped by you";
  Expect(facts,
         "waits for nothing: its sweep ended before its turn came: stopped by you. Go on with what "
         "is left: run the spec again with ddl sweep");
}

TEST(Explain, SaysWhereALiveTrialIs) {
  TrialFacts facts{.sweep = "mlp", .number = 7, .state = TrialState::kLaunching, .attempts = 2};
  facts.host = "local";
  facts.devices = "core 1";
  Expect(facts, "is being started on local (core 1), attempt 2. Nothing needs to be done.");
  facts.state = TrialState::kRunning;
  facts.pid = 4711;
  Expect(facts, "runs on local (core 1), attempt 2, pid 4711. Watch it: ddl logs --follow mlp/7");
  facts.state = TrialState::kStopping;
  Expect(facts,
         "was told to stop and may still write a checkpoint; what is left of it after the grace "
         "period is killed. Nothing needs to be done.");
  facts.state = TrialState::kPaused;
  Expect(facts, "was paused by you. Let it go on: ddl resume mlp/7");
  facts.reason = "paused by its pruner: at report 3 in place 9 of 12; the best 4 go on";
  Expect(facts,
         "was paused by its pruner: at report 3 in place 9 of 12; the best 4 go on. It goes on by "
         "itself should others turn out to be worse, and is pruned when its sweep is over. Let it "
         "go on now: ddl resume mlp/7");
}

TEST(Explain, SaysWhichHostACheckpointKeepsATrialTo) {
  TrialFacts facts = Waiting(WaitCause::kCheckpoint);
  facts.reason = "promoted: at report 3 now in place 4 of 12";
  facts.holder = "far";
  Expect(facts,
         "waits (promoted: at report 3 now in place 4 of 12) for room on far, where its checkpoint "
         "lies. Where another host has room sooner, its checkpoint is brought there.");
  facts.have = ", or for that to be fetched for near";
  Expect(facts,
         "waits (promoted: at report 3 now in place 4 of 12) for room on far, where its checkpoint "
         "lies, or for that to be fetched for near. Where another host has room sooner, its "
         "checkpoint is brought there.");
}

TEST(Explain, SaysHowATrialFailedAndWhatToDo) {
  const auto failed = [](EndCause cause, const std::string& reason, int code = 0) {
    return Ended(TrialState::kFailed, cause, reason, code);
  };
  Expect(failed(EndCause::kExited, "exit code 3", 3),
         "failed: exit code 3. See why: ddl logs mlp/7; once mended: ddl retry mlp/7");
  Expect(failed(EndCause::kExited, "it left with 75 100 times", 75),
         "failed: it left with 75 100 times. A trial that leaves with 75 has to report a metric "
         "now and then, then: ddl retry mlp/7");
  Expect(failed(EndCause::kSignaled, "killed by signal 11 (SEGV)"),
         "failed: killed by signal 11 (SEGV). See why: ddl logs mlp/7; once mended: ddl retry "
         "mlp/7");
  Expect(failed(EndCause::kOutOfMemory, "out of memory: 2.0 GiB of 1.0 GiB"),
         "failed: out of memory: 2.0 GiB of 1.0 GiB. Raise `resources.memory` in the spec, or make "
         "the trial smaller, then: ddl retry mlp/7");
  Expect(failed(EndCause::kTimedOut, "longer than timeout_s: 60"),
         "failed: longer than timeout_s: 60. Raise `timeout_s` in the spec, or make the trial "
         "shorter, then: ddl retry mlp/7");
  Expect(failed(EndCause::kCouldNotStart, "no such program: trian.py"),
         "failed: no such program: trian.py. Mend `program` or `command` in the spec, then: ddl "
         "retry mlp/7");
  Expect(failed(EndCause::kMetricMissing, "never reported loss"),
         "failed: never reported loss. Let the script print it, or mend `metric.name` in the spec, "
         "then: ddl retry mlp/7");
  Expect(failed(EndCause::kSupervisorLost, "supervisor lost"),
         "failed: supervisor lost. Something on the host kills processes: look there for a memory "
         "killer, then: ddl retry mlp/7");
  Expect(failed(EndCause::kHostRebooted, "host rebooted"),
         "failed: host rebooted. Find out why the host reboots, then: ddl retry mlp/7");
  Expect(failed(EndCause::kLost, "lost"),
         "failed: lost. Find out why the host does not answer, then: ddl retry mlp/7");
  TrialFacts refused = failed(EndCause::kLaunchRefused, "no space left");
  refused.attempts = 10;
  Expect(refused,
         "failed after 10 attempts: no space left. Look after the host: ddl doctor, then: ddl "
         "retry mlp/7");
}

TEST(Explain, SaysHowATrialFinished) {
  TrialFacts facts = Ended(TrialState::kFinished, EndCause::kExited, "");
  Expect(facts, "finished.");
  facts.metric = "loss";
  facts.objective = 0.25;
  facts.attempts = 2;
  Expect(facts, "finished with loss 0.25 after 2 attempts.");
}

TEST(Explain, SaysWhyATrialWasPrunedOrCanceled) {
  Expect(Ended(TrialState::kPruned, EndCause::kStopped, "0.5 at step 3 is not in the best third"),
         "was pruned: 0.5 at step 3 is not in the best third. Nothing needs to be done.");
  TrialFacts canceled = Ended(TrialState::kCanceled, EndCause::kStopped, "stopped by you");
  Expect(canceled, "was canceled: stopped by you. Run it after all: ddl retry mlp/7");
  canceled.reason = "the sweep ended: target reached";
  canceled.sweep_outcome = SweepOutcome::kTargetReached;
  Expect(canceled,
         "was canceled: the sweep ended: target reached. Its value was not needed any more.");
  canceled.reason = "the sweep ended: limit";
  canceled.sweep_outcome = SweepOutcome::kLimitReached;
  Expect(canceled,
         "was canceled: the sweep ended: limit. Raise the limit in the spec, then: ddl retry "
         "mlp/7");
}

}  // namespace explain_test
}  // namespace ddl
