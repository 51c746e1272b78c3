// SPDX-License-Identifier: Apache-2.0
// Sweeps that are not the newest of the store: nothing that is said or begun beside them changes
// what they are.
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace older_sweep_test {

class OlderSweep : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    MakePipe("ready");
    MakePipe("go");
    Write("wait.sh", "echo $$ > ready\nread word < go\necho left > ready\n");
  }
  // Of trials that tell their process, and wait.
  std::string Waiting(const std::string& name, int trials) const {
    std::string values = "0";
    for (int n = 1; n < trials; ++n)
      values += ", " + std::to_string(n);
    return Write(name + "-waiting.yaml", "name: " + name + R"(
command: [/bin/sh, wait.sh]
method: grid
parallel: 1
resources: {cpus: 0.1}
parameters: {n: {values: [)" + values + "]}}\n");
  }
  std::string Quick(const std::string& name) const {
    return Write(name + "-quick.yaml", "name: " + name + R"(
command: [/bin/true]
method: grid
resources: {cpus: 0.1}
parameters: {n: {values: [1, 2]}}
)");
  }
  void LetOneGo() const { std::ofstream(folder_ + "/go") << "go\n" << std::flush; }
  std::string StateOf(std::int64_t id) {
    const Json status = DdlJson({"status"});
    for (const Json& sweep : status.at("sweeps")) {
      if (sweep.at("id") == id) return sweep.at("state").get<std::string>();
    }
    return "not there";
  }
};

TEST_F(OlderSweep, KeepsItsTrialsWhereAnotherOfItsNameIsBegun) {
  const Ear ready(folder_ + "/ready");
  auto coordinator = Start({"sweep", Waiting("same", 1)});
  const pid_t trial = std::stoi(ready.Line());
  coordinator->Signal(SIGINT);
  EXPECT_EQ(coordinator->Wait().code, 130);
  EXPECT_EQ(Ddl({"sweep", Quick("same"), "--new"}).code, 0);
  EXPECT_EQ(Ddl({"sweep", Quick("other")}).code, 0);
  EXPECT_EQ(::kill(trial, 0), 0);
  LetOneGo();
  EXPECT_EQ(ready.Line(), "left");
  EXPECT_EQ(Ddl({"sweep", Quick("third")}).code, 0);
  EXPECT_EQ(StateOf(1), "finished");
}

TEST_F(OlderSweep, IsNamedByItsNumberBehindItsName) {
  EXPECT_EQ(Ddl({"run", "--name", "same", "--", "echo", "older"}).code, 0);
  EXPECT_EQ(Ddl({"run", "--name", "same", "--", "echo", "newer"}).code, 0);
  EXPECT_EQ(Ddl({"run", "--name", "other@1", "--", "echo", "other"}).code, 0);
  EXPECT_EQ(Ddl({"status", "--names"}).out, "other@1\nsame\nsame@1\n");
  EXPECT_NE(Ddl({"logs", "same/1"}).out.find("newer"), std::string::npos);
  EXPECT_NE(Ddl({"logs", "same@2/1"}).out.find("newer"), std::string::npos);
  EXPECT_NE(Ddl({"logs", "same@1/1"}).out.find("older"), std::string::npos);
  EXPECT_NE(Ddl({"logs", "other@1/1"}).out.find("other"), std::string::npos) << "a name goes first";
  EXPECT_NE(Ddl({"report", "same@1"}).out.find("same@1"), std::string::npos);
  EXPECT_EQ(Ddl({"report", "other@1@3"}).code, 0);
  const Finished wrong = Ddl({"report", "other@2"});
  EXPECT_EQ(wrong.code, 2) << "of another name";
}

TEST_F(OlderSweep, IsStoppedAndReopenedByItsNumberToo) {
  const Ear ready(folder_ + "/ready");
  auto coordinator = Start({"sweep", Waiting("same", 1)});
  (void)ready.Line();
  coordinator->Signal(SIGINT);
  (void)coordinator->Wait();
  auto newer = Start({"sweep", Waiting("same", 2), "--new"});
  (void)ready.Line();
  EXPECT_EQ(Ddl({"stop", "same@1/1"}).code, 0);
  (void)Ddl({"watch", "same@1"});  // until its trial has gone
  LetOneGo();  // of the newer one, as nobody else listens any more
  EXPECT_EQ(ready.Line(), "left");
  (void)ready.Line();
  EXPECT_EQ(Ddl({"explain", "same@1/1"}).code, 0);
  EXPECT_EQ(DdlJson({"show", "same@1/1"}).at("trial").at("state"), "canceled");
  LetOneGo();
  EXPECT_EQ(ready.Line(), "left");
  EXPECT_EQ(newer->Wait().code, 0);
}

TEST_F(OlderSweep, StaysStoppedWhateverIsAskedAboutIt) {
  const Ear ready(folder_ + "/ready");
  auto first = Start({"sweep", Waiting("first", 3)});
  (void)ready.Line();
  EXPECT_EQ(Ddl({"stop", "first"}).code, 0);
  (void)first->Wait();
  ASSERT_EQ(StateOf(1), "stopped");
  auto second = Start({"sweep", Waiting("second", 1)});
  (void)ready.Line();
  const Finished why = Ddl({"explain", "first/2"});
  EXPECT_EQ(why.code, 0) << why.error;
  const Finished watched = Ddl({"watch", "first"});
  EXPECT_NE(watched.out.find("stopped by you"), std::string::npos) << watched.out << watched.error;
  const Finished again = Ddl({"stop", "first"});
  EXPECT_NE(again.code, 0);
  EXPECT_NE((again.out + again.error).find("has ended"), std::string::npos);
  EXPECT_EQ(StateOf(1), "stopped");
  LetOneGo();
  EXPECT_EQ(ready.Line(), "left") << "no other trial has told its process";
  EXPECT_EQ(second->Wait().code, 0);
}

}  // namespace older_sweep_test
}  // namespace ddl
