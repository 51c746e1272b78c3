// SPDX-License-Identifier: Apache-2.0
// What a coordinator refuses over its socket is refused as if nobody stood between.
#include "cli/refusal.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/front_desk.h"
#include "tests/cli/real_ddl.h"

namespace ddl {
namespace refusal_test {

class RecordingServer : public ControlServer {
 public:
  void Send(std::uint64_t client, std::string line) override {
    EXPECT_EQ(client, 7U);
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;
};

TEST(Refusal, KeepsItsPartsOnTheWay) {
  RecordingServer server;
  FrontDesk desk(server);
  desk.Refuse(7, Error("no", "there", "mend it", ErrorKind::kInfrastructure));
  ASSERT_EQ(server.lines.size(), 1U);
  const Json answer = ParseJson(server.lines.front(), "test").at("answer");
  EXPECT_EQ(answer.at("text"), "there: no; mend it");
  const std::optional<Error> refusal = RefusalIn(answer);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->Message(), "no");
  EXPECT_EQ(refusal->Where(), "there");
  EXPECT_EQ(refusal->Hint(), "mend it");
  EXPECT_EQ(refusal->Kind(), ErrorKind::kInfrastructure);
}

TEST(Refusal, MayBeATextAlone) {
  const std::optional<Error> refusal = RefusalIn({{"ok", false}, {"text", "no; mend it"}});
  ASSERT_TRUE(refusal.has_value());
  EXPECT_STREQ(refusal->what(), "no; mend it");
  EXPECT_FALSE(RefusalIn({{"ok", true}, {"text", "begun"}}).has_value());
}

class RefusedSweep : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    Write("wait.sh", "echo up > ready\nread word < go\n");
    ready_ = std::make_unique<Ear>(MakePipe("ready"));
    held_ = std::make_unique<Ear>(MakePipe("go"));  // a word for nobody finds somebody
  }
  void TearDown() override {
    LetGo();
    RealDdl::TearDown();
  }
  void LetGo() const { std::ofstream(folder_ + "/go") << "go\n" << std::flush; }
  std::string Spec(const std::string& command, const std::string& name = "same") const {
    return Write(name + ".yaml", "name: " + name + "\ncommand: " + command +
                                     "\nmethod: grid\nresources: {cpus: 0.1}\n"
                                     "parameters: {n: {values: [1]}}\n");
  }
  // A coordinator with the sweep "same", whose trial waits.
  std::unique_ptr<RunningDdl> StartCoordinator() {
    auto coordinator = Start({"sweep", Spec("[sh, wait.sh]")});
    EXPECT_EQ(ready_->Line(), "up");
    return coordinator;
  }
  std::unique_ptr<Ear> ready_;
  std::unique_ptr<Ear> held_;
};

TEST_F(RefusedSweep, HasItsHintWhereACoordinatorRuns) {
  const auto coordinator = StartCoordinator();
  const Finished refused = Ddl({"sweep", Spec("[\"true\"]"), "--json"});
  EXPECT_EQ(refused.code, 2);
  const Json error = ParseJson(refused.error, "error of ddl").at("error");
  EXPECT_EQ(error.at("hint"), "begin another with --new, or give the spec another name");
  EXPECT_TRUE(error.at("what").get<std::string>().starts_with("sweep \"same\" exists"));
}

TEST_F(RefusedSweep, BeginsAnewWhereTheUserHasSaidYes) {
  const auto coordinator = StartCoordinator();
  const Finished done = Ddl({"sweep", Spec("[\"true\"]"), "-y"});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(DdlJson({"status"}).at("sweeps").at(0).at("outcome"), "all_done");
}

TEST_F(RefusedSweep, IsRefusedInTheBackgroundAsInFront) {
  ASSERT_EQ(Ddl({"sweep", Spec("[\"true\"]")}).code, 0);
  const std::string changed = Spec("[\"false\"]");
  const Finished refused = Ddl({"sweep", changed, "--detach", "--json"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(ParseJson(refused.error, "error of ddl").at("error").at("hint"),
            "begin another with --new, or give the spec another name");
  const Finished begun = Ddl({"sweep", changed, "--detach", "-y"});
  EXPECT_EQ(begun.code, 0) << begun.error;
  EXPECT_EQ(Ddl({"watch", "same"}).code, 1) << "it is the one whose trial fails";
}

using DetachedSweep = RefusedSweep;

TEST_F(DetachedSweep, TellsWhereItRuns) {
  const Finished begun = Ddl({"sweep", Spec("[sh, wait.sh]"), "--detach", "--json"});
  ASSERT_EQ(begun.code, 0) << begun.error;
  const Json where = ParseJson(begun.out, "output of ddl");
  EXPECT_EQ(::kill(where.at("pid").get<pid_t>(), 0), 0);
  EXPECT_TRUE(where.at("log").get<std::string>().ends_with("/coordinator.log"));
  EXPECT_EQ(ready_->Line(), "up");
  LetGo();
  EXPECT_EQ(Ddl({"watch", "same"}).code, 0);
}

TEST_F(DetachedSweep, TellsWhichCoordinatorHasIt) {
  const auto coordinator = StartCoordinator();
  const Finished second = Ddl({"sweep", Spec("[\"true\"]", "second"), "--detach", "--json"});
  EXPECT_EQ(second.code, 0) << second.error;
  EXPECT_EQ(ParseJson(second.out, "output of ddl"),
            Json({{"pid", coordinator->Pid()}, {"log", nullptr}}));
  const Finished third = Ddl({"sweep", Spec("[\"true\"]", "third"), "--detach"});
  const std::string whose = "the coordinator of this store (pid ";
  EXPECT_NE(third.out.find(whose + std::to_string(coordinator->Pid())), std::string::npos)
      << third.out;
}

}  // namespace refusal_test
}  // namespace ddl
