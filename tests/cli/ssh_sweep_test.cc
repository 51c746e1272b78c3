// SPDX-License-Identifier: Apache-2.0
// Sweeps over a real sshd: the coordinator here, the trials behind the wire.
#include <chrono>
#include <memory>
#include <thread>

#include "tests/cli/real_ddl_over_ssh.h"

namespace ddl {
namespace ssh_sweep_test {

class SshSweep : public OverSsh<RealDdl> {
 protected:
  // Trials run in a copy of the folder: @ stands for the folder itself, which both sides see.
  std::string WriteSpec(const std::string& name, std::string text) const {
    for (std::size_t at = 0; (at = text.find('@', at)) != std::string::npos;)
      text.replace(at, 1, folder_ + "/");
    return Write(name, text);
  }
  // A line of each trial in a file that both sides see: what really ran, and how often.
  std::string Ledger() const { return ReadText(folder_ + "/ledger"); }
};

constexpr const char* kGrid = R"(
name: far
command: [/bin/sh, -c, 'echo "$DDL_TRIAL $DDL_ATTEMPT" >> @ledger; echo "I am $DDL_TRIAL"; echo "{\"loss\": $DDL_TRIAL}"']
method: grid
parameters: {x: {values: [1, 2, 3, 4, 5, 6, 7, 8]}}
metric: {name: loss, goal: minimize}
resources: {cpus: 0.1}
hosts: ["ssh://test-host"]
)";

TEST_F(SshSweep, RunsEachTrialOnceOnTheHost) {
  const Finished done = Ddl({"sweep", WriteSpec("far.yaml", kGrid)});
  EXPECT_EQ(done.code, 0) << done.error;
  const Json report = DdlJson({"report"});
  EXPECT_EQ(report.at("trials").size(), 8U) << DumpJson(report);
  EXPECT_EQ(report.at("trials").at(0).at("value"), 1);
  std::string ledger = Ledger();
  EXPECT_EQ(std::count(ledger.begin(), ledger.end(), '\n'), 8);
  const Finished logs = Ddl({"logs", "3"});
  EXPECT_EQ(logs.out, "I am 3\n") << logs.error;
  EXPECT_EQ(DdlJson({"logs", "4"}).at("text"), "I am 4\n");
  sshd_.Stop();
  const Finished away = Ddl({"logs", "3"});
  EXPECT_EQ(away.code, 3);
  EXPECT_NE(away.error.find("ssh://test-host: "), std::string::npos) << away.error;
}

TEST_F(SshSweep, UsesThisMachineAndTheHostSideBySide) {
  std::string spec = kGrid;
  spec.replace(spec.find("[\"ssh"), 2, "[local, \"");
  const Finished done = Ddl({"sweep", WriteSpec("far.yaml", spec)});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(DdlJson({"report"}).at("trials").size(), 8U);
}

TEST_F(SshSweep, FollowsALogAcrossACutUntilItsTrialHasEnded) {
  const std::string ready = MakePipe("ready");
  const Ear ear(ready);
  (void)MakePipe("go");
  const Ear held(folder_ + "/go");
  const auto sweep = Start({"sweep", WriteSpec("far.yaml", R"(
name: far
command: [/bin/sh, -c, 'echo one; echo up > @ready; read word < @go; echo two; read word < @go; echo three']
method: grid
parameters: {x: {values: [1]}}
hosts: ["ssh://test-host"]
)")});
  EXPECT_EQ(ear.Line(), "up");
  const auto logs = Start({"logs", "1", "--follow"});
  const auto await = [&logs](const std::string& line) {
    while (logs->Out().find(line) == std::string::npos)
      std::this_thread::yield();
  };
  await("one\n");
  std::ofstream(folder_ + "/go") << "on\n";
  await("two\n");
  sshd_.Cut();
  std::ofstream(folder_ + "/go") << "on\n";
  const Finished followed = logs->Wait();
  EXPECT_EQ(followed.code, 0) << followed.error;
  EXPECT_EQ(followed.out, "one\ntwo\nthree\n");
  EXPECT_EQ(sweep->Wait().code, 0);
}

TEST_F(SshSweep, AdoptsWhatRanWhenItsCoordinatorWasKilled) {
  const std::string ready = MakePipe("ready");
  const Ear ear(ready);
  (void)MakePipe("go");
  const Ear held(folder_ + "/go");  // a writer that comes early finds somebody
  const std::string spec = WriteSpec("far.yaml", R"(
name: far
command: [/bin/sh, -c, 'echo "$DDL_TRIAL $DDL_ATTEMPT" >> @ledger; echo up > @ready; read word < @go; echo "{\"loss\": 1}"']
method: grid
parameters: {x: {values: [1, 2]}}
metric: {name: loss, goal: minimize}
resources: {cpus: 0.1}
hosts: ["ssh://test-host"]
)");
  const auto first = Start({"sweep", spec});
  EXPECT_EQ(ear.Line(), "up");
  EXPECT_EQ(ear.Line(), "up");
  first->Signal(SIGKILL);
  EXPECT_EQ(first->Wait().code, 128 + SIGKILL);
  const auto second = Start({"sweep", spec});
  std::ofstream(folder_ + "/go") << "now\nnow\n";
  const Finished done = second->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  const std::string ledger = Ledger();
  EXPECT_TRUE(ledger == "1 1\n2 1\n" || ledger == "2 1\n1 1\n") << ledger;
  EXPECT_EQ(DdlJson({"report"}).at("trials").size(), 2U);
}

TEST_F(SshSweep, SaysWhatStandsInTheWayWhenNoHostCanBeUsed) {
  sshd_.Write("known_hosts", "");
  const Finished done = Ddl({"sweep", WriteSpec("far.yaml", kGrid)});
  EXPECT_EQ(done.code, 3) << done.error;
  EXPECT_NE(done.error.find("is not a known host; it shows the ssh-ed25519 key SHA256:"),
            std::string::npos)
      << done.error;
  EXPECT_NE(done.error.find("then trust it: echo '"), std::string::npos) << done.error;
  EXPECT_EQ(Ledger(), "");
}

TEST_F(SshSweep, GoesOnHereWhereOneOfItsHostsCannotBeUsed) {
  sshd_.Write("known_hosts", "");
  (void)MakePipe("go");
  const Ear held(folder_ + "/go");  // a writer that comes early finds somebody
  const auto sweep = Start({"sweep", WriteSpec("far.yaml", R"(
name: far
command: [/bin/sh, -c, 'read word < @go']
method: grid
parameters: {x: {values: [1]}}
hosts: [local, "ssh://test-host"]
)")});
  // The trial waits until the other host's trouble was said.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool is_said = false;
  while (!is_said && std::chrono::steady_clock::now() < until) {
    const std::string said = sweep->Out() + sweep->ErrorOut();
    is_said = said.find("host ssh://test-host: ") != std::string::npos;
    std::this_thread::yield();
  }
  EXPECT_TRUE(is_said);
  std::ofstream(folder_ + "/go") << "now\n";
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
}

}  // namespace ssh_sweep_test
}  // namespace ddl
