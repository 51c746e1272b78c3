// SPDX-License-Identifier: Apache-2.0
// Kills and cuts while checkpoints travel.
#include "tests/cli/pbt_hosts.h"

namespace ddl {
namespace pbt_hosts_long_test {

using testing::HasSubstr;

class PbtHostsKilled : public PbtHosts {
 protected:
  // Spins until a name of that kind is there.
  static void Await(const std::string& folder, const std::string& ending) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < until) {
      std::error_code gone;
      for (auto entry = std::filesystem::recursive_directory_iterator(folder, gone);
           !gone && entry != std::filesystem::recursive_directory_iterator();
           entry.increment(gone)) {
        if (entry->path().string().ends_with(ending)) return;
      }
      std::this_thread::yield();
    }
    FAIL() << "nothing ends with " << ending << " below " << folder;
  }
  static constexpr std::int64_t kBytes = 12'000'000;
  static constexpr const char* kFirst = "ssh://test-host";
  static constexpr const char* kSecond = "ssh://other-host";
};

TEST_F(PbtHostsKilled, AKillAmidATransferLosesNothing) {
  const std::string spec = SpecOf("killed", "'ssh://test-host', 'ssh://other-host'", "1 5", kBytes);
  auto sweep = BeginToMove(spec, kFirst, kSecond);
  LetGo();
  Await(folder_ + "/store/checkpoints", ".coming");
  sweep->Signal(SIGKILL);
  sweep->Wait();
  sweep = Start({"sweep", spec});
  Await(other_.Path("host"), ".aside");
  sweep->Signal(SIGKILL);
  sweep->Wait();
  const Finished done = Ddl({"sweep", spec});
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_TRUE(ExpectLineage("killed").contains({kFirst, kSecond}));
  EXPECT_EQ(hosts_.at(12), kSecond);
}

TEST_F(PbtHostsKilled, ACutAmidATransferLosesNothing) {
  const auto sweep = BeginToMove(
      SpecOf("cut", "'ssh://test-host', 'ssh://other-host'", "1 5", kBytes), kFirst, kSecond);
  LetGo();
  Await(folder_ + "/store/checkpoints", ".coming");
  (void)sshd_.CutAny();
  Await(other_.Path("host"), ".aside");
  (void)other_.CutAny();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  EXPECT_TRUE(ExpectLineage("cut").contains({kFirst, kSecond}));
  EXPECT_EQ(hosts_.at(12), kSecond);
}

// What is on no host that answers, and not here, costs its members.
TEST_F(PbtHostsKilled, AHostThatIsLostTakesWhatIsNowhereElse) {
  const std::string spec = SpecOf("lost", "'ssh://test-host', 'ssh://other-host'", "1 5");
  std::ofstream(spec, std::ios::app) << "lost_after_s: 1\n";
  other_.Stop();  // all of the first generation runs on the one that will be lost
  const auto sweep = Start({"sweep", spec});
  ear_->Line();
  OnlyOn(kFirst, kSecond);
  other_.StartAgain();
  LetGo();
  ear_->Line();
  OnlyOn(kSecond, kFirst);
  sshd_.Kill();
  LetGo();
  const Finished done = sweep->Wait();
  EXPECT_EQ(done.code, 1) << done.out << done.error;
  for (const char* trial : {"lost/5", "lost/12"})
    EXPECT_THAT(Ddl({"show", trial}).out, HasSubstr("nothing to go on from: trial"));
}

}  // namespace pbt_hosts_long_test
}  // namespace ddl
