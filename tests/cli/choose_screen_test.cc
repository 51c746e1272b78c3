// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/screen.h"

namespace ddl {
namespace choose_screen_test {

// Standard output is a terminal for the life of the object, and TERM is its kind.
class OnTerminal {
 public:
  explicit OnTerminal(const char* kind) : far_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(far_), 0);
    EXPECT_EQ(::unlockpt(far_), 0);
    const int near = ::open(::ptsname(far_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    const char* before = std::getenv("TERM");
    if (before != nullptr) kind_before_ = before;
    std::fflush(stdout);
    before_ = ::dup(STDOUT_FILENO);
    ::dup2(near, STDOUT_FILENO);
    ::close(near);
    ::setenv("TERM", kind, 1);
  }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;
  ~OnTerminal() {
    std::fflush(stdout);
    ::dup2(before_, STDOUT_FILENO);
    ::close(before_);
    ::close(far_);
    ::setenv("TERM", kind_before_.c_str(), 1);
  }

 private:
  int far_;
  int before_ = -1;
  std::string kind_before_;
};

ScreenKind ChosenOn(const char* kind) {
  const OnTerminal terminal(kind);
  return ChooseScreen(false, false);
}

TEST(ChooseScreen, RedrawsOnTerminalsThatMoveTheirCursor) {
  EXPECT_EQ(ChosenOn("xterm"), ScreenKind::kLive);
  EXPECT_EQ(ChosenOn("dumb"), ScreenKind::kPlain);
}

}  // namespace choose_screen_test
}  // namespace ddl
