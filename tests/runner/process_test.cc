// SPDX-License-Identifier: Apache-2.0
#include "runner/process.h"

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/file.h"

namespace ddl {
namespace process_test {

// No descriptor is left for as long as it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    struct rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  struct rlimit before_{};
};

TEST(Process, IsGoneOnlyWhenTheKernelSaysSo) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  const auto identity = IdentityOf(child);
  ASSERT_TRUE(identity);
  EXPECT_TRUE(IsGone(*identity, LookAtProcess(child), BootId())) << "a zombie";
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(LookAtProcess(child).is_refused);
  EXPECT_TRUE(IsGone(*identity, LookAtProcess(child), BootId()));
  const NoDescriptors none;
  EXPECT_TRUE(LookAtProcess(child).is_refused);
  EXPECT_FALSE(IsGone(*identity, LookAtProcess(child), identity->boot_id));
}

// Runs until it is killed, with that variable alone.
class Stranger {
 public:
  explicit Stranger(std::string variable) {
    std::array<std::string, 2> words{"sleep", "1000"};
    std::array<char*, 3> arguments{words[0].data(), words[1].data(), nullptr};
    std::array<char*, 2> environment{variable.data(), nullptr};
    if (::posix_spawnp(&pid_, "sleep", nullptr, nullptr, arguments.data(), environment.data()))
      pid_ = -1;
    // It is started before the kernel shows what with.
    const std::string shown = "/proc/" + std::to_string(pid_) + "/environ";
    while (pid_ > 0 && ReadFile(shown).value_or("").empty())
      std::this_thread::yield();
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t Pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

TEST(Process, IsOfDdlWhereItsEnvironmentHasATokenOrAWorkersMark) {
  EXPECT_TRUE(IsOfDdl(Stranger("DDL_TOKEN=0123").Pid()));
  EXPECT_TRUE(IsOfDdl(Stranger(std::string(kWorkerMark)).Pid()));
  for (const char* variable : {"A=B", "DDL_WORKER=10", "MY_DDL_TOKEN=0123", "X=DDL_WORKER=1"})
    EXPECT_FALSE(IsOfDdl(Stranger(variable).Pid())) << variable;
  EXPECT_FALSE(IsOfDdl(-1));
}

TEST(Process, HasAnAge) {
  const auto self = IdentityOf(::getpid());
  const auto first = IdentityOf(1);
  ASSERT_TRUE(self && first);
  EXPECT_GE(AgeOf(*first), AgeOf(*self));
  EXPECT_LT(AgeOf(*self), std::chrono::minutes(10));
  EXPECT_EQ(AgeOf({first->boot_id, 1, std::uint64_t{1} << 50U}), std::chrono::milliseconds(0))
      << "of the future";
  EXPECT_EQ(AgeOf({"an earlier boot", 1, 0}), std::chrono::milliseconds(0));
}

TEST(Process, OfAnEarlierBootIsGone) {
  const auto self = IdentityOf(::getpid());
  ASSERT_TRUE(self);
  EXPECT_FALSE(IsGone(*self, LookAtProcess(self->pid), self->boot_id));
  EXPECT_TRUE(IsGone(*self, LookAtProcess(self->pid), "another boot"));
}

}  // namespace process_test
}  // namespace ddl
