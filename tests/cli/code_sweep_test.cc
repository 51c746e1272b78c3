// SPDX-License-Identifier: Apache-2.0
// The code of a sweep: trials run what was there when it began, here and on hosts.
#include <memory>

#include "tests/cli/real_ddl_over_ssh.h"

namespace ddl {
namespace code_sweep_test {

// One trial after the other; each waits for a word, then says what its script holds.
std::string SpecOf(const std::string& hosts, const std::string& folder, int trials = 3) {
  return "name: coded\nworkdir: work\ncommand: [/bin/sh, run.sh]\nmethod: random\n"
         "parameters: {x: {min: 0, max: 1}}\nmetric: {name: version, goal: maximize}\n"
         "parallel: 1\nresources: {cpus: 0.1}\nenv: {PIPES: '" +
         folder + "'}\nrun_cap: " + std::to_string(trials) + "\nhosts: " + hosts + "\n";
}

class CodeSweep : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    std::filesystem::create_directory(folder_ + "/work");
    WriteScript(1);
    ready_ = std::make_unique<Ear>(MakePipe("ready"));
    (void)MakePipe("go");
    held_ = std::make_unique<Ear>(folder_ + "/go");  // a writer that comes early finds somebody
  }
  void WriteScript(int version) const {
    Write("work/run.sh", "echo up > $PIPES/ready; read word < $PIPES/go\n. ./version.sh\n");
    Write("work/version.sh", "echo '{\"version\": " + std::to_string(version) + "}'\n");
  }
  void LetGo(int trials) const {
    std::ofstream go(folder_ + "/go");
    for (int i = 0; i < trials; ++i)
      go << "now\n";
  }
  // Of every trial, by what it reported.
  std::string Versions() {
    std::string text;
    const Json report = DdlJson({"report"});
    for (const Json& trial : report.at("trials"))
      text += FormatNumber(trial.at("value").get<double>()) + " ";
    return text;
  }
  void EditBetweenTrials(const std::string& hosts) {
    const auto sweep = Start({"sweep", Write("coded.yaml", SpecOf(hosts, folder_))});
    for (int trial = 1; trial <= 3; ++trial) {
      EXPECT_EQ(ready_->Line(), "up");
      WriteScript(1 + trial);
      LetGo(1);
    }
    const Finished done = sweep->Wait();
    EXPECT_EQ(done.code, 0) << done.error;
    EXPECT_EQ(Versions(), "1 1 1 ");
  }

  std::unique_ptr<Ear> ready_;
  std::unique_ptr<Ear> held_;
};

TEST_F(CodeSweep, IsNotChangedByEditsWhileItRuns) {
  EditBetweenTrials("[local]");
}

TEST_F(CodeSweep, GoesOnWithTheCodeThatItBeganWith) {
  LetGo(1);
  EXPECT_EQ(Ddl({"sweep", Write("coded.yaml", SpecOf("[local]", folder_, 1))}).code, 0);
  WriteScript(2);
  LetGo(1);
  const std::string more = Write("coded.yaml", SpecOf("[local]", folder_, 2));
  const Finished done = Ddl({"sweep", more});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_NE(done.error.find("1 file changed since this sweep began"), std::string::npos)
      << done.error;
  EXPECT_EQ(Versions(), "1 1 ");
  LetGo(2);
  EXPECT_EQ(Ddl({"sweep", more, "--new"}).code, 0);
  EXPECT_EQ(Versions(), "2 2 ");
}

TEST_F(CodeSweep, FailedTrialsAreTriedAgainInItsCode) {
  Write("work/run.sh", "test $DDL_ATTEMPT = 2 && . ./version.sh\n");
  const std::string spec = Write("coded.yaml", SpecOf("[local]", folder_, 1));
  EXPECT_EQ(Ddl({"sweep", spec}).code, 1);
  WriteScript(2);
  const Finished done = Ddl({"sweep", spec, "--retry-failed"});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(Versions(), "1 ");
}

TEST_F(CodeSweep, SaysThatItsCodeIsGone) {
  LetGo(1);
  EXPECT_EQ(Ddl({"sweep", Write("coded.yaml", SpecOf("[local]", folder_, 1))}).code, 0);
  WriteScript(2);
  std::filesystem::remove_all(folder_ + "/store/code");
  const Finished done = Ddl({"sweep", Write("coded.yaml", SpecOf("[local]", folder_, 2))});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.error.find("the code that this sweep began with is gone"), std::string::npos)
      << done.error;
}

TEST_F(CodeSweep, RunsInPlaceWhereItsSpecSaysNothingOfAWorkdir) {
  const Finished done = Ddl({"sweep", Write("plain.yaml", R"(
command: [/bin/sh, -c, 'pwd > where']
method: grid
parameters: {x: {values: [1]}}
)")});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(ReadText(folder_ + "/where"), folder_ + "\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/store/code"));
}

class CodeSweepOverSsh : public OverSsh<CodeSweep> {
 protected:
};

TEST_F(CodeSweepOverSsh, IsNotChangedByEditsWhileItRuns) {
  EditBetweenTrials("['ssh://test-host']");
}

TEST_F(CodeSweepOverSsh, BringsNoDataThatIsNotCode) {
  std::filesystem::create_directory(folder_ + "/work/data");
  Write("work/data/big", "data");
  Write("work/.gitignore", "data/\n");
  const Finished done = Ddl({"sweep", Write("coded.yaml", R"(
workdir: work
command: [/bin/sh, -c, 'test ! -e data && test -e run.sh']
method: grid
parameters: {x: {values: [1]}}
resources: {cpus: 0.1}
hosts: ['ssh://test-host']
)")});
  EXPECT_EQ(done.code, 0) << done.out << done.error;
}

}  // namespace code_sweep_test
}  // namespace ddl
