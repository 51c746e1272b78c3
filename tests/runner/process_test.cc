// SPDX-License-Identifier: Apache-2.0
#include "runner/process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
