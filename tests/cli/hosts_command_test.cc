// SPDX-License-Identifier: Apache-2.0
// hosts.yaml and `ddl hosts` by the real binary: bounds and set-up here, a host behind a real sshd.
#include <chrono>
#include <memory>
#include <thread>

#include <gmock/gmock.h>

#include "tests/cli/real_ddl_over_ssh.h"

namespace ddl {
namespace hosts_command_test {

using ::testing::HasSubstr;

constexpr const char* kWaiting = R"(
name: waiting
command: [/bin/sh, -c, 'echo "$DDL_TRIAL" > @ready; read word < @go; echo "$DDL_TRIAL" >> @ledger']
method: grid
parameters: {x: {values: [1, 2, 3, 4]}}
resources: {cpus: 0.1}
parallel: 1
hosts: [HOSTS]
)";

class HostsHere : public RealDdl {
 protected:
  // Trials run in a copy of the folder: @ stands for the folder itself, which both sides see.
  std::string Waiting(const std::string& hosts) const {
    std::string spec = kWaiting;
    spec.replace(spec.find("HOSTS"), 5, hosts);
    for (std::size_t at = 0; (at = spec.find('@', at)) != std::string::npos;)
      spec.replace(at, 1, folder_ + "/");
    return spec;
  }
  std::string Ledger() const { return ReadText(folder_ + "/ledger"); }
};

class HostsThere : public OverSsh<HostsHere> {
 protected:
};

TEST_F(HostsHere, ATrialRunsBehindTheSetUpOfItsHost) {
  Write("hosts.yaml", R"(
hosts:
  local:
    env: {FROM_HOST: host, BOTH: host}
    setup: ["export FROM_SETUP=set", "PATH=/usr/bin:/bin"]
)");
  const Finished done = Ddl({"sweep", Write("s.yaml", R"(
command: [/bin/sh, -c, 'echo "$FROM_HOST $BOTH $FROM_SETUP $1" > seen', sh, 'a $b "c"']
env: {BOTH: spec}
)")});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(ReadText(folder_ + "/seen"), "host spec set a $b \"c\"\n");
}

TEST_F(HostsHere, AFailingSetUpIsTheHostsFaultAndNamesItsLine) {
  Write("hosts.yaml", "hosts: {local: {setup: ['true', 'test -e mended']}}\n");
  const auto sweep = Start({"sweep", Write("s.yaml", "name: s\ncommand: [/bin/true]\n")});
  const std::string line = "set-up line 2 of hosts.yaml ended with exit code 1: test -e mended";
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string told;
  while (told.find(line) == std::string::npos && std::chrono::steady_clock::now() < until)
    told = std::filesystem::exists(folder_ + "/store/ddl.db") ? Ddl({"explain", "1"}).out : "";
  EXPECT_THAT(told, HasSubstr(line));
  Write("mended", "");
  EXPECT_EQ(sweep->Wait().code, 0);  // no try was counted against it
}

TEST_F(HostsHere, ALineOfAFailedTrialsLogDrainsItsHostByARule) {
  Write("hosts.yaml", "failures: [{pattern: 'disk [0-9]+ is broken', then: drain-host}]\n");
  const auto sweep = Start({"sweep", Write("s.yaml", R"(
name: s
command: [/bin/sh, -c, 'test -e mended || { echo "no: disk 7 is broken"; exit 1; }']
)")});
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string why;
  while (why.empty() && std::chrono::steady_clock::now() < until) {
    const Json host = DdlJson({"hosts"}).at("hosts").at(0);
    if (host.at("drained") == true) why = host.at("why").get<std::string>();
  }
  EXPECT_EQ(why, "local is drained: trial 1 failed there: no: disk 7 is broken");
  Write("mended", "");
  EXPECT_EQ(Ddl({"hosts", "resume", "local"}).code, 0);
  EXPECT_EQ(sweep->Wait().code, 0);
}

TEST_F(HostsHere, AnUnknownHostIsRefusedWithTheNearestName) {
  Write("hosts.yaml", "hosts: {gpu1: }\n");
  const Finished done = Ddl({"validate", Write("s.yaml", "command: [/bin/true]\nhosts: [gpu]\n")});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.error, HasSubstr("unknown host \"gpu\"; did you mean gpu1? (read: " + folder_));
}

TEST_F(HostsHere, ListsThisMachineWithoutAStore) {
  const Json hosts = DdlJson({"hosts"}).at("hosts");
  ASSERT_EQ(hosts.size(), 1U);
  EXPECT_EQ(hosts.at(0).at("state"), "ok");
  EXPECT_GE(hosts.at(0).at("has").at("cores").get<int>(), 1);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/store"));
}

TEST_F(HostsHere, WithoutASweepThereIsNothingToDrain) {
  EXPECT_NE(Ddl({"hosts", "drain", "local"}).code, 0);
  EXPECT_EQ(Ddl({"hosts", "drain"}).code, 2);
}

TEST_F(HostsThere, ListsAndChecksAHostWithoutDisturbingItsCoordinator) {
  Write("hosts.yaml", "hosts: {far: {address: \"ssh://test-host\", labels: [fast]}}\n");
  const std::string ready = MakePipe("ready");
  const Ear ear(ready);
  (void)MakePipe("go");
  const Ear held(folder_ + "/go");
  const auto sweep = Start({"sweep", Write("s.yaml", Waiting("label:fast"))});
  (void)ear.Line();
  const Json hosts = DdlJson({"hosts"}).at("hosts");
  ASSERT_EQ(hosts.size(), 2U) << DumpJson(hosts);
  EXPECT_EQ(hosts.at(1).at("host"), "far");
  EXPECT_EQ(hosts.at(1).at("state"), "ok") << DumpJson(hosts);
  EXPECT_EQ(hosts.at(1).at("has").at("trials"), 1) << DumpJson(hosts);
  EXPECT_LT(std::abs(hosts.at(1).at("has").at("clock_offset_ms").get<double>()), 1000);
  EXPECT_EQ(Ddl({"hosts", "check", "far"}).code, 0);
  std::ofstream(folder_ + "/go") << "1\n2\n3\n4\n";
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(done.error.find("answers again"), std::string::npos) << done.error;
  EXPECT_EQ(Ledger(), "1\n2\n3\n4\n");
}

TEST_F(HostsThere, AHostWhoseKeyIsNotKnownIsFoundWithItsRemedy) {
  sshd_.Write("known_hosts", "");
  const Finished done = Ddl({"hosts", "check", "ssh://test-host"});
  EXPECT_EQ(done.code, 3);
  EXPECT_THAT(done.out, HasSubstr("is not a known host"));
}

TEST_F(HostsThere, DrainsAddsAndRemovesWhileASweepRuns) {
  Write("hosts.yaml", "hosts: {far: {address: \"ssh://test-host\"}}\n");
  const std::string ready = MakePipe("ready");
  const Ear ear(ready);
  (void)MakePipe("go");
  const Ear held(folder_ + "/go");
  const auto sweep = Start({"sweep", Write("s.yaml", Waiting("local"))});
  (void)ear.Line();
  EXPECT_EQ(Ddl({"hosts", "add", "far"}).out, "waiting uses far from now on\n");
  EXPECT_THAT(Ddl({"hosts", "drain", "local", "--reason", "a nap"}).out,
              HasSubstr("local takes no further trials; 1 that run there"));
  const Json hosts = DdlJson({"hosts"}).at("hosts");
  EXPECT_EQ(hosts.at(0).at("state"), "drained");
  EXPECT_EQ(hosts.at(0).at("why"), "local is drained: a nap");
  std::ofstream(folder_ + "/go") << "1\n";
  EXPECT_EQ(ear.Line(), "2");
  EXPECT_THAT(Ddl({"show", "2"}).out, HasSubstr("ssh://test-host"));
  EXPECT_THAT(Ddl({"hosts", "remove", "local"}).out, HasSubstr("does not use local any more"));
  EXPECT_EQ(Ddl({"hosts", "remove", "far"}).code, 2);  // its only one
  std::ofstream(folder_ + "/go") << "2\n3\n4\n";
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(Ledger(), "1\n2\n3\n4\n");
}

TEST_F(HostsThere, ADrainHoldsAfterTheCoordinatorWasKilled) {
  Write("hosts.yaml", "hosts: {far: {address: \"ssh://test-host\"}}\n");
  const std::string ready = MakePipe("ready");
  const Ear ear(ready);
  (void)MakePipe("go");
  const Ear held(folder_ + "/go");
  const std::string spec = Write("s.yaml", Waiting("local, far"));
  const auto first = Start({"sweep", spec});
  (void)ear.Line();
  first->Signal(SIGKILL);
  (void)first->Wait();
  EXPECT_EQ(Ddl({"hosts", "drain", "local"}).code, 0);  // nobody runs it: done in the store
  EXPECT_EQ(DdlJson({"hosts"}).at("hosts").at(0).at("state"), "drained");
  const auto second = Start({"sweep", spec});
  std::ofstream(folder_ + "/go") << "1\n2\n3\n4\n";
  EXPECT_EQ(second->Wait().code, 0);
  for (const char* trial : {"2", "3", "4"})
    EXPECT_THAT(Ddl({"show", trial}).out, HasSubstr("ssh://test-host")) << trial;
}

}  // namespace hosts_command_test
}  // namespace ddl
