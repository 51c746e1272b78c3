// SPDX-License-Identifier: Apache-2.0
// Sweeps of the built-in trainer on a host that is given everything: trainer, libraries, data.
#include <map>
#include <string>

#include "tests/cli/real_ddl.h"
#include "tests/runner/test_sshd.h"

namespace ddl {
namespace {

class TrainerSweepOverSsh : public RealDdl {
 protected:
  void SetUp() override {
    if (!sshd_.WhyNot().empty()) GTEST_SKIP() << sshd_.WhyNot();
    RealDdl::SetUp();
    sshd_.Trust();
    (void)sshd_.Home();
    ::setenv("DDL_SSH_CONFIG", sshd_.Path("config").c_str(), 1);
  }
  void TearDown() override {
    if (!folder_.empty()) RealDdl::TearDown();
  }

  std::string SpecOf(const std::string& name, const std::string& hosts,
                     const std::string& data) const {
    return Write(name + ".yaml", "name: " + name + "\ntrainer: {data: " + data +
                                     ", model: {hidden: [8]}, epochs: 2, batch_size: 16}\n"
                                     "method: grid\nparameters: {seed: {values: [0, 1, 2]}}\n"
                                     "metric: {name: val_loss, goal: minimize}\n"
                                     "resources: {cpus: 0.1}\nhosts: " +
                                     hosts + "\n");
  }
  // What each trial reached, as it is printed without loss.
  std::map<std::int64_t, std::string> Values(const std::string& sweep) {
    std::map<std::int64_t, std::string> values;
    const Json report = DdlJson({"report", sweep});
    for (const Json& trial : report.at("trials"))
      values[trial.at("trial")] = DumpJson(trial.at("value"));
    return values;
  }
  void ExpectTheSameThereAndHere(const std::string& data) {
    const Finished here = Ddl({"sweep", SpecOf("here", "[local]", data)});
    EXPECT_EQ(here.code, 0) << here.error;
    const Finished there = Ddl({"sweep", SpecOf("there", "['ssh://test-host']", data)});
    EXPECT_EQ(there.code, 0) << there.out << there.error << Ddl({"logs", "1"}).out;
    const auto values = Values("there");
    EXPECT_EQ(values.size(), 3U);
    EXPECT_EQ(values, Values("here"));
  }

  TestSshd sshd_;
};

TEST_F(TrainerSweepOverSsh, GivesTheSameBitsThereAsHere) {
  ExpectTheSameThereAndHere("{type: blobs, rows: 200}");
}

}  // namespace
}  // namespace ddl
