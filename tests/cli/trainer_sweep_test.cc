// SPDX-License-Identifier: Apache-2.0
// Sweeps of the built-in trainer on a host that is given everything: trainer, libraries, data.
#include "tests/cli/trainer_sweep.h"

namespace ddl {
namespace trainer_sweep_test {

using TrainerSweepOverSsh = TrainerSweep;

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
  // Nor is it needed any more.
  std::filesystem::remove(folder_ + "/points.csv");
  const Finished last =
      Ddl({"sweep", SpecOf("there", "['ssh://test-host']", "{type: csv, train: points.csv}", 5)});
  EXPECT_EQ(last.code, 0) << last.error;
  EXPECT_NE(last.error.find("goes on with what it began with"), std::string::npos) << last.error;
  auto after = Values("there");
  EXPECT_EQ(after.size(), 5U);
  after.erase(4);
  after.erase(5);
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

TEST_F(TrainerSweepOverSsh, GoesOnOnAHostThatItsSpecGotLater) {
  Write("points.csv", Points(0.5));
  const std::string data = "{type: csv, train: points.csv}";
  EXPECT_EQ(Ddl({"sweep", SpecOf("grown", "[local]", data, 2)}).code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/store/code"));
  const Finished more = Ddl({"sweep", SpecOf("grown", "['ssh://test-host']", data, 4)});
  EXPECT_EQ(more.code, 0) << more.out << more.error;
  EXPECT_EQ(Values("grown").size(), 4U);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/store/code"));
}

TEST_F(TrainerSweepOverSsh, SendsOnlyWhatIsNew) {
  EXPECT_EQ(Ddl({"sweep", SpecOf("first", "['ssh://test-host']", "{type: blobs, rows: 200}")}).code,
            0);
  Write("points.csv", Points(0.5));
  const Finished second =
      Ddl({"sweep", SpecOf("second", "['ssh://test-host']", "{type: csv, train: points.csv}")});
  EXPECT_EQ(second.code, 0) << second.error;
  EXPECT_NE((second.out + second.error).find("sending the code: 0.0 MiB in 1 files"),
            std::string::npos)
      << second.out << second.error;
}

// A host that has an older one of every library, and variables that point to them.
TEST_F(TrainerSweepOverSsh, IsNotDisturbedByTheHostsLibraries) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const std::string alone = "fusion: off\n";  // this agent is not static, nor then a lane's client
#else
  const std::string alone;
#endif
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
)" + alone)});
  EXPECT_EQ(done.code, 0) << done.out << done.error << Ddl({"logs", "1"}).out;
}

TEST_F(TrainerSweepOverSsh, IsSmall) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "with sanitizers it is larger";
#endif
  const Finished done =
      Ddl({"sweep", SpecOf("there", "['ssh://test-host']", "{type: blobs, rows: 200}")});
  EXPECT_EQ(done.code, 0) << done.error;
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ + "/store/code"))
    bytes += entry.is_regular_file() ? entry.file_size() : 0;
  EXPECT_GT(bytes, std::uintmax_t{1} << 20U);
  EXPECT_LE(bytes, std::uintmax_t{80} << 20U);
}

}  // namespace trainer_sweep_test
}  // namespace ddl
