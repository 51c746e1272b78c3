// SPDX-License-Identifier: Apache-2.0
// A database restored from an old copy meets a host that knows more than it does.
#include <filesystem>
#include <string>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace restored_store_test {

namespace fs = std::filesystem;

class RestoredStore : public RealDdl {
 protected:
  void Sweep(const std::string& name, int trials) {
    std::string values;
    for (int n = 1; n <= trials; ++n)
      values += (n == 1 ? "" : ", ") + std::to_string(n);
    const std::string spec = Write(name + ".yaml", "name: " + name + R"(
command: [/bin/sh, -c, "echo '{\"step\": 1, \"loss\": 0.5}'"]
method: grid
metric: {name: loss, goal: minimize}
parameters: {n: {values: [)" + values + "]}}\n");
    const Finished done = Ddl({"sweep", spec});
    EXPECT_EQ(done.code, 0) << done.error << done.out;
    const Json counts = DdlJson({"status", name}).at("sweeps").at(0).at("counts");
    EXPECT_EQ(counts.at("finished"), trials);
  }
  // The copy that the last sweep's end made takes the database's place.
  void Keep() const { fs::copy_file(folder_ + "/store/backup/ddl.db", folder_ + "/old.db"); }
  void Restore() const {
    for (const char* name : {"/store/ddl.db", "/store/ddl.db-wal", "/store/ddl.db-shm",
                             "/store/changes", "/store/backup/ddl.db"}) {
      fs::remove(folder_ + name);
    }
    fs::copy_file(folder_ + "/old.db", folder_ + "/store/ddl.db");
  }
};

TEST_F(RestoredStore, ABackupThatCannotBeMadeIsToldAndEndsNothing) {
  Sweep("first", 3);
  fs::remove_all(folder_ + "/store/backup");
  Write("store/backup", "no folder");
  const std::string spec = Write("second.yaml", R"(
name: second
command: [/bin/true]
method: grid
parameters: {n: {values: [1, 2]}}
)");
  const Finished done = Ddl({"sweep", spec});
  EXPECT_EQ(done.code, 0) << done.error << done.out;
  EXPECT_NE((done.out + done.error).find("no backup of the database was made"), std::string::npos)
      << done.error << done.out;
}

TEST_F(RestoredStore, OfTheLastEpochButOneStartsItsTrials) {
  Sweep("first", 3);
  Keep();
  Sweep("second", 4);
  Restore();
  Sweep("second", 4);
}

TEST_F(RestoredStore, OfALongGoneEpochStartsItsTrials) {
  Sweep("first", 3);
  Keep();
  for (const char* name : {"second", "third", "fourth"})
    Sweep(name, 4);
  Restore();
  Sweep("second", 4);
  Sweep("third", 2);
}

TEST_F(RestoredStore, MayBeRestoredAgainFromTheSameCopy) {
  Sweep("first", 3);
  Keep();
  for (int round = 0; round < 3; ++round) {
    Restore();
    Sweep("second", 4);
  }
}

using CopiedStore = RestoredStore;

TEST_F(CopiedStore, IsRefusedWhileTheFirstIsThereUnlessItTakesOver) {
  Sweep("first", 3);
  fs::create_directory(folder_ + "/copy");
  for (const auto& entry : fs::directory_iterator(folder_ + "/store")) {
    if (entry.is_regular_file()) fs::copy(entry.path(), folder_ + "/copy");
  }
  const std::string spec = folder_ + "/first.yaml";
  const std::vector<std::string> words{"sweep", "--new", spec, "--store", folder_ + "/copy"};
  const Finished refused = Ddl(words);
  EXPECT_EQ(refused.code, 2) << refused.error;
  EXPECT_NE(refused.error.find("this store is a copy: its trials here belong to "),
            std::string::npos)
      << refused.error;
  EXPECT_NE(refused.error.find("--take-over"), std::string::npos);
  std::vector<std::string> taking = words;
  taking.emplace_back("--take-over");
  EXPECT_EQ(Ddl(taking).code, 0);
  EXPECT_EQ(Ddl(words).code, 0) << "it is the host's own store from now on";
}

TEST_F(CopiedStore, ThatWasMovedIsTheSameStore) {
  Sweep("first", 3);
  fs::rename(folder_ + "/store", folder_ + "/moved");
  ::setenv("DDL_HOME", (folder_ + "/moved").c_str(), 1);
  Sweep("second", 2);
}

}  // namespace restored_store_test
}  // namespace ddl
