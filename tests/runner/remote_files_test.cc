// SPDX-License-Identifier: Apache-2.0
// A file of a host behind a real sshd, read by a real agent.
#include "runner/remote_files.h"

#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/runner/test_sshd.h"

namespace ddl {
namespace remote_files_test {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): seconds in tests

class RemoteFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!sshd_.WhyNot().empty()) GTEST_SKIP() << sshd_.WhyNot();
    sshd_.Trust();
    (void)sshd_.Home();
    setenv("DDL_SSH_CONFIG", sshd_.Path("config").c_str(), 1);
    auto host = Open(30s);
    ASSERT_TRUE(host);
    // The first one brings the agent along, and makes its folder.
    ASSERT_FALSE(ReadRemoteFile(*host, {.path = "log"}, [](std::string_view) {}));
    std::ofstream(sshd_.Path("host/log")) << "all of it";
  }
  static std::optional<HostSession> Open(std::chrono::milliseconds patience) {
    auto opened = HostSession::Open({.address = "ssh://test-host",
                                     .agent_path = std::string(DDL_BINARY_DIR) + "/ddl-agent",
                                     .patience = patience});
    auto* session = std::get_if<HostSession>(&opened);
    if (session != nullptr) return std::move(*session);
    ADD_FAILURE() << std::get<SshProblem>(opened).reason;
    return std::nullopt;
  }

  TestSshd sshd_;
};

TEST_F(RemoteFiles, AreReadToTheirEnd) {
  auto host = Open(30s);
  ASSERT_TRUE(host);
  std::string text;
  const auto take = [&text](std::string_view bytes) { text += bytes; };
  EXPECT_FALSE(ReadRemoteFile(*host, {.path = "log", .offset = 4}, take));
  EXPECT_EQ(text, "of it");
  EXPECT_FALSE(ReadRemoteFile(*host, {.path = "gone"}, take)) << "it has no bytes";
}

// The host's agent waits for ever, as at a disk that is broken.
TEST_F(RemoteFiles, OfAHostThatDoesNotAnswerAreGivenUp) {
  const std::string stuck = sshd_.Path("host/stuck");
  ASSERT_EQ(::mkfifo(stuck.c_str(), 0600), 0);
  auto host = Open(5s);
  ASSERT_TRUE(host);
  std::promise<void> done;
  std::thread frees([&stuck, given_up = done.get_future()] {
    (void)given_up.wait_for(60s);
    (void)OpenFile(stuck, O_WRONLY | O_NONBLOCK);  // its agent finds an end
  });
  const auto problem = ReadRemoteFile(*host, {.path = "stuck"}, [](std::string_view) {});
  done.set_value();
  frees.join();
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->reason, "it does not answer");
}

}  // namespace remote_files_test
}  // namespace ddl
