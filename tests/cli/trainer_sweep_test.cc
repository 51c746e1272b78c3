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

  std::string SpecOf(const std::string& name, const std::string& hosts, const std::string& data,
                     int trials = 3) const {
    return Write(name + ".yaml",
                 "name: " + name + "\ntrainer: {data: " + data +
                     ", model: {hidden: [8]}, epochs: 2, batch_size: 16}\n"
                     "method: random\nparameters: {optimizer.lr: {min: 0.01, max: 0.1}}\n"
                     "metric: {name: val_loss, goal: minimize}\n"
                     "resources: {cpus: 0.1}\nrun_cap: " +
                     std::to_string(trials) + "\nhosts: " + hosts + "\n");
  }
  // Two classes, told apart by a line.
  static std::string Points(double slope) {
    std::string text;
    for (int i = 0; i < 100; ++i) {
      const double x = i % 10 - 4.5;
      const double y = i / 10 - 4.5;
      text += std::to_string(x) + "," + std::to_string(y) + (y > slope * x ? ",1\n" : ",0\n");
    }
    return text;
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

TEST_F(TrainerSweepOverSsh, BringsItsDataAlong) {
  Write("points.csv", Points(0.5));
  ExpectTheSameThereAndHere("{type: csv, train: points.csv}");
  // The same path over there is another file: what was sent counts, also when the sweep goes on.
  const auto before = Values("there");
  Write("points.csv", Points(0.1));
  const Finished more =
      Ddl({"sweep", SpecOf("there", "['ssh://test-host']", "{type: csv, train: points.csv}", 4)});
  EXPECT_EQ(more.code, 0) << more.error;
  EXPECT_NE(more.error.find("1 file changed since this sweep began"), std::string::npos)
      << more.error;
  auto after = Values("there");
  EXPECT_EQ(after.size(), 4U);
  after.erase(4);
  EXPECT_EQ(after, before);
}

TEST_F(TrainerSweepOverSsh, BringsEachDataSetThatItsParametersChoose) {
  Write("a.csv", Points(0.5));
  Write("b.csv", Points(0.2));
  const Finished done = Ddl({"sweep", Write("both.yaml", R"(
trainer: {data: {type: csv}, model: {hidden: [8]}, epochs: 1, batch_size: 16}
method: grid
parameters: {data.train: {values: [a.csv, b.csv]}}
metric: {name: val_loss, goal: minimize}
resources: {cpus: 0.1}
hosts: [local, 'ssh://test-host']
)")});
  EXPECT_EQ(done.code, 0) << done.out << done.error << Ddl({"logs", "1"}).out;
  EXPECT_EQ(Values("both").size(), 2U);
}

TEST_F(TrainerSweepOverSsh, SaysBeforeItBeginsWhatIsMissing) {
  const Finished done =
      Ddl({"sweep", SpecOf("there", "['ssh://test-host']", "{type: csv, train: nowhere.csv}")});
  EXPECT_EQ(done.code, 2) << done.out;
  EXPECT_NE(done.error.find("no file nowhere.csv"), std::string::npos) << done.error;
}

// A host that has an older one of every library, and variables that point to them.
TEST_F(TrainerSweepOverSsh, IsNotDisturbedByTheHostsLibraries) {
  std::filesystem::create_directory(folder_ + "/old");
  for (const char* name : {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libdnnl.so.2"})
    Write(std::string("old/") + name, "no library");
  const Finished done = Ddl({"sweep", Write("there.yaml", R"(
trainer: {data: {type: spirals, rows: 200}, model: {hidden: [8]}, epochs: 1}
method: grid
parameters: {seed: {values: [0]}}
resources: {cpus: 0.1}
env: {LD_LIBRARY_PATH: ')" + folder_ + R"(/old'}
hosts: ['ssh://test-host']
)")});
  EXPECT_EQ(done.code, 0) << done.out << done.error << Ddl({"logs", "1"}).out;
}

TEST_F(TrainerSweepOverSsh, IsSmall) {
  const Finished done =
      Ddl({"sweep", SpecOf("there", "['ssh://test-host']", "{type: blobs, rows: 200}")});
  EXPECT_EQ(done.code, 0) << done.error;
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ + "/store/code"))
    bytes += entry.is_regular_file() ? entry.file_size() : 0;
  EXPECT_GT(bytes, std::uintmax_t{1} << 20U);
  EXPECT_LE(bytes, std::uintmax_t{80} << 20U);
}

}  // namespace
}  // namespace ddl
