// SPDX-License-Identifier: Apache-2.0
// Damage to a store: told, kept aside, and undone.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace store_command_test {

namespace fs = std::filesystem;

// Each trial writes what it reports to a file of its own first.
constexpr const char* kManyRows = R"(
name: many
command: [/bin/sh, many.sh, "${args_no_hyphens}"]
method: grid
metric: {name: loss, goal: minimize}
parameters: {n: {values: [1, 2, 3, 4]}}
)";
constexpr const char* kManyScript = R"(
n=${1#n=}
i=0
while [ $i -lt 300 ]; do
  i=$((i + 1))
  echo "$i $n.$i" >> "truth-$n"
  echo "{\"step\": $i, \"loss\": $n.$i}"
done
)";

class StoreCommand : public RealDdl {
 protected:
  void SweepMany(const std::string& name = "many") {
    Write("many.sh", kManyScript);
    std::string text = kManyRows;
    text.replace(text.find("name: many"), 10, "name: " + name);
    const Finished done = Ddl({"sweep", Write(name + ".yaml", text)});
    EXPECT_EQ(done.code, 0) << done.error;
  }
  [[nodiscard]] std::string Database() const { return folder_ + "/store/ddl.db"; }

  // Every row that a trial wrote elsewhere, once and with its value.
  void ExpectAllRows(const std::string& name = "many") {
    for (int n = 1; n <= 4; ++n) {
      const Json shown = DdlJson({"show", name + "/" + std::to_string(n)});
      EXPECT_EQ(shown.at("attempts").size(), 1U);
      EXPECT_EQ(shown.at("metrics").at(0).at("reports"), 300);
      const Json& points = shown.at("curves").at(0).at("points");
      std::ifstream truth(folder_ + "/truth-" + std::to_string(n));
      int step = 0;
      double value = 0;
      std::size_t row = 0;
      for (; row < points.size() && truth >> step >> value; ++row) {
        EXPECT_EQ(points.at(row).at("step"), step);
        EXPECT_EQ(points.at(row).at("value"), value);
      }
      EXPECT_EQ(row, 300U) << "trial " << n;
    }
  }
  void ExpectDamageIsFound(const std::string& says) {
    const Finished checked = Ddl({"store", "check"});
    EXPECT_EQ(checked.code, 3);
    EXPECT_NE(checked.out.find(says), std::string::npos) << checked.out << checked.error;
    EXPECT_NE(checked.out.find("ddl store rebuild"), std::string::npos) << checked.out;
  }
  [[nodiscard]] std::vector<std::string> KeptAside() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ + "/store")) {
      const std::string name = entry.path().filename();
      if (name.find(".damaged-") == std::string::npos) continue;
      if (!name.ends_with("-wal") && !name.ends_with("-shm")) names.push_back(name);
    }
    return names;
  }
  void ExpectWhole() {
    const Finished checked = Ddl({"store", "check"});
    EXPECT_EQ(checked.code, 0) << checked.out << checked.error;
  }
  void Overwrite(std::int64_t at, const std::string& bytes) const {
    std::fstream file(Database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  }
};

TEST_F(StoreCommand, FindsAWholeStoreWhole) {
  SweepMany();
  ExpectWhole();
  EXPECT_EQ(Ddl({"store", "rebuild"}).code, 0);
  EXPECT_TRUE(KeptAside().empty());
  ExpectAllRows();
  EXPECT_EQ(DdlJson({"store", "check"}).at("ok"), true);
}

TEST_F(StoreCommand, RebuildsATruncatedDatabase) {
  SweepMany();
  const auto size = fs::file_size(Database());
  fs::resize_file(Database(), size / 2);
  ExpectDamageIsFound("not whole");
  const Json rebuilt = DdlJson({"store", "rebuild"});
  EXPECT_EQ(rebuilt.at("rebuilt"), true);
  EXPECT_EQ(rebuilt.at("commits_missing"), 0);
  ASSERT_EQ(KeptAside().size(), 1U);
  EXPECT_EQ(fs::file_size(folder_ + "/store/" + KeptAside().front()), size / 2);
  ExpectWhole();
  ExpectAllRows();
}

TEST_F(StoreCommand, RebuildsAfterBitFlips) {
  SweepMany();
  for (std::int64_t page = 2; page < 12; ++page)
    Overwrite(page * 4096, std::string(64, '\x5a'));
  ExpectDamageIsFound("not whole");
  EXPECT_EQ(Ddl({"store", "rebuild"}).code, 0);
  ExpectWhole();
  ExpectAllRows();
}

TEST_F(StoreCommand, ADatabaseThatIsGoneIsNotBegunAnew) {
  SweepMany();
  fs::remove(Database());
  const Finished again = Ddl({"sweep", folder_ + "/many.yaml"});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.error.find("ddl store rebuild"), std::string::npos) << again.error;
  EXPECT_EQ(Ddl({"store", "rebuild"}).code, 0);
  ExpectAllRows();
}

TEST_F(StoreCommand, ARandomFileIsKeptAside) {
  SweepMany();
  std::ofstream(Database(), std::ios::binary) << std::string(10'000, 'x');
  ExpectDamageIsFound("not whole");
  EXPECT_EQ(Ddl({"store", "rebuild"}).code, 0);
  ASSERT_EQ(KeptAside().size(), 1U);
  EXPECT_EQ(ReadText(folder_ + "/store/" + KeptAside().front()), std::string(10'000, 'x'));
  ExpectAllRows();
}

TEST_F(StoreCommand, ANewerDatabaseIsNoDamage) {
  SweepMany();
  Overwrite(60, std::string("\0\0\0\x63", 4));  // user_version 99
  const std::string before = ReadText(Database());
  const Finished refused = Ddl({"store", "rebuild"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.error.find("newer ddl"), std::string::npos) << refused.error;
  EXPECT_EQ(ReadText(Database()), before);
  EXPECT_TRUE(KeptAside().empty());
}

TEST_F(StoreCommand, RefusesAFileForCheckAndUnknownVerbs) {
  SweepMany();
  EXPECT_EQ(Ddl({"store", "check", "file"}).code, 2);
  EXPECT_EQ(Ddl({"store", "mend"}).code, 2);
  EXPECT_EQ(Ddl({"store"}).code, 2);
}

TEST_F(StoreCommand, MakesAVerifiedCopy) {
  SweepMany();
  const Json made = DdlJson({"store", "backup", "copy.db"});
  EXPECT_EQ(made.at("file"), folder_ + "/copy.db");
  EXPECT_GT(fs::file_size(folder_ + "/copy.db"), 4096U);
  EXPECT_EQ(Ddl({"store", "backup"}).code, 0);
  ExpectWhole();
}

// A trial waits on a pipe, so the coordinator runs for as long as the copies are made.
TEST_F(StoreCommand, CopiesBesideARunningCoordinator) {
  MakePipe("ready");
  MakePipe("go");
  Write("waits.sh", "echo '{\"loss\": 1}'\necho up > ready\nread word < go\n");
  const std::string spec =
      Write("waits.yaml",
            "name: waits\ncommand: [/bin/sh, waits.sh]\nmethod: grid\n"
            "metric: {name: loss, goal: minimize}\nparameters: {n: {value: 1}}\n");
  auto coordinator = Start({"sweep", spec});
  std::string word;
  std::ifstream(folder_ + "/ready") >> word;
  const Finished taken = Ddl({"store", "rebuild"});
  EXPECT_EQ(taken.code, 3) << "the coordinator holds the store";
  EXPECT_NE(taken.error.find("in use"), std::string::npos) << taken.error;
  const Json own = DdlJson({"store", "backup"});
  EXPECT_EQ(own.at("file"), folder_ + "/store/backup/by-hand.db");
  EXPECT_EQ(Ddl({"store", "backup", "copy.db"}).code, 0);
  EXPECT_EQ(Ddl({"store", "check"}).code, 0);
  // The copy is a database of its own, with the trial as it was then.
  fs::create_directory(folder_ + "/copied");
  fs::rename(folder_ + "/copy.db", folder_ + "/copied/ddl.db");
  const Json copied = DdlJson({"show", "waits/1", "--store", folder_ + "/copied"});
  const std::string state = copied.at("trial").at("state");
  EXPECT_TRUE(state == "launching" || state == "running") << state;  // its start is told later
  std::ofstream(folder_ + "/go") << "on\n" << std::flush;
  const Finished done = coordinator->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(DdlJson({"show", "waits/1"}).at("attempts").size(), 1U);
  ExpectWhole();
}

// A coordinator that was killed has made no backup since its start: what it had acknowledged is in
// the journal and in the spools.
class KilledStore : public StoreCommand {
 protected:
  void SweepAndKill() {
    SweepMany("before");
    for (int n = 1; n <= 4; ++n)
      fs::remove(folder_ + "/truth-" + std::to_string(n));
    std::string spec = kManyRows;
    spec += "parallel: 4\nresources: {cpus: 0.1}\n";
    Write("many.sh", std::string(kManyScript) + "echo up > ready\nread word < \"go-$n\"\n");
    MakePipe("ready");
    for (int n = 1; n <= 4; ++n)
      MakePipe("go-" + std::to_string(n));
    auto coordinator = Start({"sweep", Write("many.yaml", spec)});
    const Ear ready(folder_ + "/ready");
    for (int seen = 0; seen < 4; ++seen)
      EXPECT_EQ(ready.Line(), "up");
    // All rows are committed when the database says so.
    for (int n = 1; n <= 4;) {
      const Json shown = DdlJson({"show", "many/" + std::to_string(n)});
      const Json& metrics = shown.at("metrics");
      if (!metrics.empty() && metrics.at(0).at("reports") == 300) ++n;
    }
    coordinator->Signal(SIGKILL);
    (void)coordinator->Wait();
  }
  void GoOn() {
    auto heir = Start({"sweep", folder_ + "/many.yaml"});
    for (int n = 1; n <= 4; ++n)
      std::ofstream(folder_ + "/go-" + std::to_string(n)) << "go\n" << std::flush;
    const Finished done = heir->Wait();
    EXPECT_EQ(done.code, 0) << done.error;
  }
};

TEST_F(KilledStore, LosesItsLogAndSaysSo) {
  SweepAndKill();
  ASSERT_TRUE(fs::exists(Database() + "-wal"));
  fs::remove(Database() + "-wal");
  fs::remove(Database() + "-shm");
  const Finished refused = Ddl({"sweep", folder_ + "/many.yaml"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.error.find("lacks its last"), std::string::npos) << refused.error;
  ExpectDamageIsFound("lacks its last");
  const Json rebuilt = DdlJson({"store", "rebuild"});
  EXPECT_EQ(rebuilt.at("commits_missing"), 0);
  EXPECT_EQ(rebuilt.at("metric_rows"), 1200);
  GoOn();
  ExpectWhole();
  ExpectAllRows();
}

TEST_F(KilledStore, IsRebuiltAndItsTrialsAreAdopted) {
  SweepAndKill();
  fs::resize_file(Database(), 5000);
  EXPECT_EQ(DdlJson({"store", "rebuild"}).at("commits_missing"), 0);
  ExpectAllRows();
  GoOn();
  ExpectWhole();
  ExpectAllRows();
}

}  // namespace store_command_test
}  // namespace ddl
