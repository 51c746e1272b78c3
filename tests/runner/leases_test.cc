// SPDX-License-Identifier: Apache-2.0
#include "runner/leases.h"

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace leases_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Outcome = std::variant<Leases, LeaseRefusal, LeaseProblem>;

LeaseHolder Holder(std::int64_t job) {
  return {.store_id = "abc", .id = {.job = JobId{job}, .rank = 0}, .sweep = "mnist"};
}

Slots Cores(std::vector<CoreShare> cores) {
  return {.cores = std::move(cores), .gpus = {}, .memory_mib = 0};
}

class LeaseTest : public ::testing::Test {
 protected:
  Outcome Take(const Slots& slots, std::int64_t job = 1) {
    return TakeLeases(folder_ / "leases", slots, Holder(job));
  }
  bool IsFree(const Slots& slots) { return std::holds_alternative<Leases>(Take(slots)); }

  TemporaryFolder folder_;
};

TEST_F(LeaseTest, GivesAThousandthToOneHolderOnly) {
  const Outcome held = Take(Cores({{.core = 3}}), 17);
  ASSERT_TRUE(std::holds_alternative<Leases>(held));
  const Outcome refused = Take(Cores({{.core = 2}, {.core = 3, .first = 999, .length = 1}}));
  ASSERT_TRUE(std::holds_alternative<LeaseRefusal>(refused));
  const auto& refusal = std::get<LeaseRefusal>(refused);
  EXPECT_THAT(refusal.cores, ElementsAre(CoreShare{.core = 3, .first = 999, .length = 1}));
  EXPECT_THAT(refusal.holder, StartsWith("core 3: job 17.0 of store abc, user "));
}

TEST_F(LeaseTest, SharesACoreByThousandths) {
  const Outcome half = Take(Cores({{.core = 0, .first = 0, .length = 500}}));
  EXPECT_TRUE(IsFree(Cores({{.core = 0, .first = 500, .length = 500}})));
  EXPECT_FALSE(IsFree(Cores({{.core = 0, .first = 499, .length = 2}})));
}

TEST_F(LeaseTest, TakesAllOrNone) {
  const Outcome held = Take(Cores({{.core = 5}}));
  EXPECT_FALSE(IsFree(Cores({{.core = 0}, {.core = 5}})));
  EXPECT_TRUE(IsFree(Cores({{.core = 0}})));
}

TEST_F(LeaseTest, GivesBackWhenTheHolderDies) {
  {
    const Outcome held = Take(Cores({{.core = 0}}));
  }
  EXPECT_TRUE(IsFree(Cores({{.core = 0}})));
}

TEST_F(LeaseTest, KeepsGpusApartByTheirUuid) {
  const Slots one{.cores = {}, .gpus = {{.uuid = "GPU-a", .index = 0}}, .memory_mib = 0};
  const Slots other{.cores = {}, .gpus = {{.uuid = "GPU-b", .index = 1}}, .memory_mib = 0};
  const Outcome held = Take(one, 4);
  EXPECT_TRUE(IsFree(other));
  const Outcome refused = Take(one);
  ASSERT_TRUE(std::holds_alternative<LeaseRefusal>(refused));
  EXPECT_THAT(std::get<LeaseRefusal>(refused).gpus, ElementsAre(one.gpus.front()));
  EXPECT_THAT(std::get<LeaseRefusal>(refused).holder, StartsWith("gpu 0: job 4.0 of store abc"));
}

// Neighbouring ranges of one description are one lock to the kernel.
TEST_F(LeaseTest, NamesTheHolderOfAJoinedRange) {
  const Outcome held = Take(Cores({{.core = 2}, {.core = 1}}), 8);
  const Outcome refused = Take(Cores({{.core = 2}}));
  ASSERT_TRUE(std::holds_alternative<LeaseRefusal>(refused));
  EXPECT_THAT(std::get<LeaseRefusal>(refused).holder, StartsWith("core 2: job 8.0 of store abc"));
}

TEST_F(LeaseTest, OutlivesTheTakerInAForkedChild) {
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  pid_t child = -1;
  {
    const Outcome held = Take(Cores({{.core = 0}}));
    child = ::fork();
    if (child == 0) {
      ::close(ready[1]);
      char byte = 0;
      ::_exit(::read(ready[0], &byte, 1) == 0 ? 0 : 1);  // ends when the test closes its side
    }
  }
  EXPECT_FALSE(IsFree(Cores({{.core = 0}})));
  ::close(ready[1]);
  ::close(ready[0]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(IsFree(Cores({{.core = 0}})));
}

TEST_F(LeaseTest, IsFreeAfterItsHolderWasKilled) {
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Outcome held = Take(Cores({{.core = 0}}));
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_FALSE(IsFree(Cores({{.core = 0}})));
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(IsFree(Cores({{.core = 0}})));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(LeaseTest, IsOpenToAllUsers) {
  const Outcome held = Take(Cores({{.core = 0}}));
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "leases").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 01777U);
  ASSERT_EQ(::stat((folder_ / "leases/cores").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0666U);
}

// Whoever of the two comes first has made the files.
TEST_F(LeaseTest, GivesADeviceToOneOfTwoUsersOnly) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  ASSERT_EQ(::chmod(folder_.Path().c_str(), 0777), 0);
  for (const bool first_is_root : {true, false}) {
    SCOPED_TRACE(first_is_root);
    std::filesystem::remove_all(folder_ / "leases");
    int ready[2];
    int over[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC) + ::pipe2(over, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const uid_t nobody = 65534;
      if (!first_is_root && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(2);
      const Outcome held = Take(Cores({{.core = 0}}), 17);
      char byte = std::holds_alternative<Leases>(held) ? 'y' : 'n';
      if (::write(ready[1], &byte, 1) != 1) ::_exit(3);
      ::close(over[1]);
      ::_exit(::read(over[0], &byte, 1) == 0 ? 0 : 4);  // until the test closes its side
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    if (first_is_root) {
      ASSERT_EQ(::seteuid(65534), 0);
    }
    const Outcome refused = Take(Cores({{.core = 0}}));
    const bool has_other = IsFree(Cores({{.core = 1}}));
    if (first_is_root) {
      ASSERT_EQ(::seteuid(0), 0);
    }
    ASSERT_TRUE(std::holds_alternative<LeaseRefusal>(refused));
    EXPECT_THAT(std::get<LeaseRefusal>(refused).holder,
                HasSubstr(first_is_root ? "job 17.0 of store abc, user 0," : "user 65534,"));
    EXPECT_TRUE(has_other);
    for (const int descriptor : {ready[0], ready[1], over[0], over[1]}) {
      ::close(descriptor);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(LeaseTest, FollowsNoLinkThatAnotherUserLeft) {
  ASSERT_TRUE(EnsureFolder(folder_ / "leases"));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "precious", "text"));
  ASSERT_EQ(::symlink((folder_ / "precious").c_str(), (folder_ / "leases/cores").c_str()), 0);
  const Outcome outcome = Take(Cores({{.core = 0}}));
  ASSERT_TRUE(std::holds_alternative<LeaseProblem>(outcome));
  EXPECT_THAT(std::get<LeaseProblem>(outcome).text, HasSubstr("cannot open lease file"));
  EXPECT_EQ(ReadFile(folder_ / "precious"), "text");
}

TEST_F(LeaseTest, ShowsNoControlCharactersOfOthers) {
  const Outcome held = Take(Cores({{.core = 0}}));
  const FileDescriptor file = OpenFile(folder_ / "leases/cores", O_WRONLY);
  ASSERT_EQ(::pwrite(file.Get(), "\x1b[2Jhello\0", 10, 0), 10);
  const Outcome refused = Take(Cores({{.core = 0}}));
  ASSERT_TRUE(std::holds_alternative<LeaseRefusal>(refused));
  EXPECT_EQ(std::get<LeaseRefusal>(refused).holder, "core 0: ?[2Jhello");
}

TEST_F(LeaseTest, NeedsNothingForNothing) {
  EXPECT_TRUE(IsFree(Slots{}));
}

TEST(LeaseHolder, ReadsBackFromItsText) {
  const LeaseHolder holder{.store_id = "abc",
                           .id = {.job = JobId{17}, .rank = 2},
                           .sweep = "a job 3 of mine",
                           .user = 1000,
                           .pid = 4711};
  EXPECT_EQ(FormatHolder(holder),
            "job 17.2 of store abc, user 1000, pid 4711, sweep a job 3 of mine");
  EXPECT_EQ(ParseHolder("core 3: " + FormatHolder(holder)), holder);
}

TEST(LeaseHolder, IsNotFoundInOtherText) {
  for (const char* text : {"", "job", "job x.0 of store a", "job 1.0 of store a, user x, pid 1",
                           "job 1.0 of store a, user 1, pid", "job 1 of store a, user 1, pid 1"})
    EXPECT_EQ(ParseHolder(text), std::nullopt) << text;
}

TEST(LeasesFolder, IsWhereTheEnvironmentSays) {
  ::setenv("DDL_LEASE_DIR", "/somewhere", 1);
  EXPECT_EQ(LeasesFolder(), "/somewhere");
  ::unsetenv("DDL_LEASE_DIR");
  EXPECT_EQ(LeasesFolder(), "/var/tmp/ddl-leases");
}

}  // namespace leases_test
}  // namespace ddl
