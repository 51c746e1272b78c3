// SPDX-License-Identifier: Apache-2.0
// A really full small file system under the store, and under the host folder with spool, log and
// records: nothing is lost, and it goes on once there is room.
#include <thread>

#include <sys/mount.h>
#include <sys/statvfs.h>

#include "configs/states.h"
#include "store/sqlite.h"
#include "tests/cli/real_ddl.h"

namespace ddl {
namespace {

constexpr int kReports = 3000;
constexpr std::int64_t kRoom = 24 << 20;

class FullDisk : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    disk_ = folder_ + "/disk";
    std::filesystem::create_directory(disk_);
    const std::string size = "size=" + std::to_string(kRoom);
    is_mounted_ = ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    if (!is_mounted_) GTEST_SKIP() << "no file system can be mounted here";
    std::filesystem::create_directory(folder_ + "/ledger");
    spec_ = Write("ledger.yaml",
                  "name: ledger\nmethod: grid\nparallel: 2\nresources: {cpus: 0.1}\n"
                  "metric: {name: loss, goal: minimize}\nparameters: {x: {values: [1, 2]}}\n"
                  "command: [" +
                      std::string(DDL_BINARY_DIR) + "/tests/ledger_trial, ledger, \"" +
                      std::to_string(kReports) + "\", \"0\"]\n");
  }
  void TearDown() override {
    FreeDisk();
    if (std::filesystem::exists(folder_ + "/ledger")) (void)Ddl({"stop"});
    if (is_mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
    RealDdl::TearDown();
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

  // Every row that a trial wrote down itself is in the store once, in its order.
  void ExpectAllRows() const {
    const Connection store(ReadStorePath(), OpenAs::kReader);
    EXPECT_EQ(store.Number("SELECT count(*) FROM trial WHERE state = " +
                           std::to_string(static_cast<int>(TrialState::kFinished))),
              2);
    EXPECT_EQ(store.Number("SELECT count(*) FROM metric"), 2 * kReports);
    EXPECT_EQ(store.Number("SELECT count(DISTINCT trial * 1000000 + step) FROM metric"),
              2 * kReports);
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
  ExpectAllRows();
}

TEST_F(FullDisk, UnderTheHostFolderHoldsTheTrialsUntilThereIsRoom) {
  ::setenv("DDL_HOST_DIR", (disk_ + "/host").c_str(), 1);
  FillDisk(48 << 10);
  const auto sweep = Start({"sweep", "--quiet", spec_});
  while (Free() > 0)  // until somebody needed the last of it
    std::this_thread::yield();
  FreeDisk();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  ExpectAllRows();
}

}  // namespace
}  // namespace ddl
