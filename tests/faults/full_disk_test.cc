// SPDX-License-Identifier: Apache-2.0
// A really full small file system under the store, and under the host folder with spool, log and
// records: nothing is lost, and it goes on once there is room.
#include <thread>

#include <sys/mount.h>
#include <sys/statvfs.h>

#include "configs/states.h"
#include "store/sqlite.h"
#include "tests/cli/real_ddl.h"
#include "tests/faults/fault_table.h"

namespace ddl {
namespace full_disk_test {

constexpr int kReports = 3000;
constexpr std::int64_t kRoom = 24 << 20;

const std::string kCommon = "method: grid\nparallel: 2\nresources: {cpus: 0.1}\n";
const std::string kLoss = "metric: {name: loss, goal: minimize}\n";

class FullDisk : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    std::filesystem::create_directory(folder_ + "/disk");
    if (!Mount(folder_ + "/disk")) GTEST_SKIP() << "no file system can be mounted here";
    std::filesystem::create_directory(folder_ + "/ledger");
    spec_ = Write("ledger.yaml", "name: ledger\nparameters: {x: {values: [1, 2]}}\n" + kCommon +
                                     kLoss + "command: [" + std::string(DDL_BINARY_DIR) +
                                     "/tests/ledger_trial, ledger, \"" + std::to_string(kReports) +
                                     "\", \"0\"]\n");
  }
  void TearDown() override {
    FreeDisk();
    if (std::filesystem::exists(folder_ + "/ledger")) (void)Ddl({"stop"});
    if (is_mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
    RealDdl::TearDown();
  }

  [[nodiscard]] bool Mount(const std::string& folder) {
    disk_ = folder;
    const std::string size = "size=" + std::to_string(kRoom);
    is_mounted_ = ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    return is_mounted_;
  }
  // The folder is there once something has run.
  void MountUnderCheckpoints() {
    ::umount2(disk_.c_str(), MNT_DETACH);
    const std::string spec = Write("first.yaml",
                                   "name: first\ncommand: [\"true\"]\nmethod: grid\n"
                                   "parameters: {x: {values: [1]}}\n");
    ASSERT_EQ(Ddl({"sweep", "--quiet", spec}).code, 0);
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/host")) {
      if (!entry.is_directory()) continue;
      ASSERT_TRUE(Mount(entry.path().string() + "/checkpoints"));
    }
  }

  [[nodiscard]] std::int64_t Free() const {
    struct statvfs space{};
    ::statvfs(disk_.c_str(), &space);
    return static_cast<std::int64_t>(space.f_bavail * space.f_frsize);
  }
  void FillDisk(std::int64_t left) const {
    const std::string bytes(static_cast<std::size_t>(std::max<std::int64_t>(0, Free() - left)),
                            'x');
    std::ofstream(disk_ + "/ballast") << bytes;
  }
  void FreeDisk() const { std::filesystem::remove(disk_ + "/ballast"); }

  // Somebody needed the last of it.
  void AwaitFullDisk() const {
    while (Free() > 0)
      std::this_thread::yield();
  }

  static void AwaitWord(const RunningDdl& sweep, const std::string& word) {
    while (sweep.ErrorOut().find(word) == std::string::npos &&
           sweep.Out().find(word) == std::string::npos)
      std::this_thread::yield();
  }

  // Every row that a trial wrote down itself is in the store once, in its order.
  static void ExpectAllRows(const std::string& where, int trials, int reports) {
    const Connection store(ReadStorePath(), OpenAs::kReader);
    EXPECT_EQ(store.Number("SELECT count(*) FROM trial WHERE state = " +
                           std::to_string(static_cast<int>(TrialState::kFinished))),
              trials);
    const std::int64_t rows = store.Number("SELECT count(*) FROM metric");
    const std::int64_t different =
        store.Number("SELECT count(DISTINCT trial * 1000000 + step) FROM metric");
    EXPECT_EQ(rows, trials * reports);
    EXPECT_EQ(different, trials * reports);
    Tell(where, {.runs = 1, .lost = trials * reports - different, .doubled = rows - different});
  }
  static void Tell(const std::string& where, const FaultTally& tally) {
    AddToFaultTable("a full disk under " + where, "a small file system, filled and freed again",
                    tally);
  }
  [[nodiscard]] static std::string ReadStorePath() {
    return std::string(std::getenv("DDL_HOME")) + "/ddl.db";
  }

  std::string disk_;
  std::string spec_;
  bool is_mounted_ = false;
};

TEST_F(FullDisk, UnderTheStoreEndsTheCoordinatorAndLosesNothing) {
  ::setenv("DDL_HOME", (disk_ + "/store").c_str(), 1);
  std::filesystem::create_directory(disk_ + "/store");
  FillDisk(300 << 10);
  const Finished full = Ddl({"sweep", "--quiet", spec_});
  EXPECT_EQ(full.code, 3) << full.out << full.error;
  EXPECT_NE(full.error.find("free some disk space"), std::string::npos) << full.error;
  FreeDisk();
  const Finished done = Ddl({"sweep", "--quiet", spec_});
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  ExpectAllRows("the store", 2, kReports);
}

TEST_F(FullDisk, UnderTheSpoolsHoldsTheTrialsUntilThereIsRoom) {
  ::setenv("DDL_HOST_DIR", (disk_ + "/host").c_str(), 1);
  FillDisk(48 << 10);
  const auto sweep = Start({"sweep", spec_});
  AwaitFullDisk();
  AwaitWord(*sweep, "the disk refuses its metrics; free some disk space");
  FreeDisk();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  ExpectAllRows("spools", 2, kReports);
}

// A log is never held back: what finds no room is counted, and the trial goes on. Its metrics wait.
TEST_F(FullDisk, UnderTheLogsCountsWhatIsNotKept) {
  ::setenv("DDL_HOST_DIR", (disk_ + "/host").c_str(), 1);
  FillDisk(4 << 20);
  const std::string spec = Write(
      "loud.yaml", "name: loud\nparameters: {x: {values: [1]}}\n" + kCommon + kLoss +
                       "command: [/bin/sh, -c, \"head -c 8388608 /dev/zero | tr '\\\\0' '\\\\n'; "
                       "echo > written; echo '{\\\"loss\\\": 1}'; echo '{\\\"loss\\\": 2}'\"]\n");
  const auto sweep = Start({"sweep", "--quiet", spec});
  while (!std::filesystem::exists(folder_ + "/written"))
    std::this_thread::yield();
  FreeDisk();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  ExpectAllRows("logs", 1, 2);
  const Finished log = Ddl({"logs", "1"});
  EXPECT_NE(log.out.find(" bytes are not kept"), std::string::npos) << log.out.size();
}

// The trial ends with what is wrong, and goes on from its last whole checkpoint when it is asked
// to.
TEST_F(FullDisk, UnderTheCheckpointsEndsTheTrialUntilItIsTriedAgain) {
  const std::string spec = Write(
      "trained.yaml", "name: trained\nparameters: {optimizer.lr: {values: [0.1]}}\n" + kCommon +
                          "trainer: {data: blobs, epochs: 6, batch_size: 64, "
                          "model: {type: mlp, hidden: [64]}}\n");
  MountUnderCheckpoints();
  FillDisk(std::int64_t{32} << 10);
  const Finished full = Ddl({"sweep", "--quiet", spec});
  EXPECT_EQ(full.code, 1) << full.out << full.error;
  const Finished log = Ddl({"logs", "1"});
  EXPECT_NE(log.out.find("free space there"), std::string::npos) << log.out;
  FreeDisk();
  const Finished done = Ddl({"sweep", "--quiet", "--retry-failed", spec});
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  const Connection store(ReadStorePath(), OpenAs::kReader);
  const std::int64_t epochs = store.Number("SELECT count(DISTINCT step) FROM metric");
  EXPECT_EQ(epochs, 6);
  Tell("checkpoints", {.runs = 1, .lost = 6 - epochs});
}

}  // namespace full_disk_test
}  // namespace ddl
