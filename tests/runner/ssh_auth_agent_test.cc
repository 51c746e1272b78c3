// SPDX-License-Identifier: Apache-2.0
// SSH agents that do not answer: what listens here in their place, and a real one beside them.
#include "runner/ssh_auth_agent.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/ssh_session.h"
#include "tests/runner/temporary_folder.h"
#include "tests/runner/test_sshd.h"

namespace ddl {
namespace ssh_auth_agent_test {

using testing::HasSubstr;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): seconds in tests

FileDescriptor ListenAt(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* place = reinterpret_cast<const sockaddr*>(&address);
  EXPECT_EQ(::bind(listener.Get(), place, sizeof address), 0) << path;
  EXPECT_EQ(::listen(listener.Get(), 10), 0);
  return listener;
}

// Tells of one key, and says no more when it is to sign with it: it waits for a touch.
class UntouchedKey {
 public:
  UntouchedKey(const std::string& path, std::string key_blob, std::function<void()> on_wait)
      : key_blob_(std::move(key_blob)),
        on_wait_(std::move(on_wait)),
        listener_(ListenAt(path)),
        thread_([this] { Serve(); }) {}
  UntouchedKey(const UntouchedKey&) = delete;
  UntouchedKey& operator=(const UntouchedKey&) = delete;
  UntouchedKey(UntouchedKey&&) = delete;
  UntouchedKey& operator=(UntouchedKey&&) = delete;
  ~UntouchedKey() { ::shutdown(listener_.Get(), SHUT_RDWR); }

 private:
  static std::string Number(std::size_t number) {
    std::string bytes;
    for (const unsigned shift : {24U, 16U, 8U, 0U})
      bytes += static_cast<char>((number >> shift) & 0xFFU);
    return bytes;
  }
  static std::string Text(const std::string& text) { return Number(text.size()) + text; }

  void Serve() {
    while (true) {
      const FileDescriptor client(::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      std::array<char, 5> request{};
      while (::recv(client.Get(), request.data(), request.size(), MSG_WAITALL) ==
             std::ssize(request)) {
        if (request[4] != 11) break;
        const std::string answer = '\x0c' + Number(1) + Text(key_blob_) + Text("a key");
        (void)WriteAll(client.Get(), Text(answer));
      }
      if (request[4] != 13) continue;
      on_wait_();
      char rest = 0;
      while (::read(client.Get(), &rest, 1) > 0) {
      }
    }
  }

  std::string key_blob_;
  std::function<void()> on_wait_;
  FileDescriptor listener_;
  std::jthread thread_;  // last: it uses the others
};

TEST(SshAuthAgent, IsSilentWhereItTakesNobody) {
  const TemporaryFolder folder;
  const FileDescriptor listener = ListenAt(folder / "agent");
  const Wakeup wakeup;
  const SshAgentSocket agent = ConnectSshAgent(folder / "agent", {wakeup, {}, 50ms});
  EXPECT_TRUE(agent.is_silent);
  EXPECT_FALSE(agent.socket);
}

TEST(SshAuthAgent, IsNotThereWhereNobodyListens) {
  const TemporaryFolder folder;
  const Wakeup wakeup;
  const SshAgentSocket agent = ConnectSshAgent(folder / "agent", {wakeup, {}, 60s});
  EXPECT_FALSE(agent.is_silent);
  EXPECT_FALSE(agent.socket);
}

TEST(SshAuthAgent, IsWaitedForNoLongerThanPatienceLasts) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  const Wakeup wakeup;
  char word = 0;
  {
    const SshAgentWatch watch(ours, {wakeup, {}, 60s});
    EXPECT_TRUE(WriteAll(theirs.Get(), "y"));
    EXPECT_EQ(::read(ours.Get(), &word, 1), 1);
  }
  const SshAgentWatch watch(ours, {wakeup, {}, 50ms});
  EXPECT_EQ(::read(ours.Get(), &word, 1), 0);
}

class SshAgents : public testing::Test {
 protected:
  void SetUp() override {
    if (!sshd_.WhyNot().empty()) GTEST_SKIP() << sshd_.WhyNot();
    sshd_.Trust();
  }
  // "in", or why not.
  std::string Open(bool has_key_file) {
    SshRoute route = ResolveSshRoute({.host = "test-host"}, sshd_.Home());
    route.hops.front().identity_agent = sshd_.Path("agent");
    if (!has_key_file) route.hops.front().identity_files.clear();
    auto opened = SshSession::Open(route, {wakeup_, stop_.get_token(), 60s});
    const auto* problem = std::get_if<SshProblem>(&opened);
    return problem == nullptr ? "in" : problem->reason;
  }

  TestSshd sshd_;
  Wakeup wakeup_;
  std::stop_source stop_;
};

TEST_F(SshAgents, OneThatDoesNotAnswerIsLeftOut) {
  const FileDescriptor listener = ListenAt(sshd_.Path("agent"));
  EXPECT_EQ(Open(true), "in");
  EXPECT_THAT(Open(false), HasSubstr("the SSH agent (does not answer)"));
}

TEST_F(SshAgents, OneThatIsGoneIsLeftOut) {
  EXPECT_EQ(Open(true), "in");
  EXPECT_THAT(Open(false), HasSubstr("the SSH agent (not there)"));
}

// As at the end of a sweep while a key waits to be touched.
TEST_F(SshAgents, AStopEndsTheWaitForASignature) {
  const std::string blob = sshd_.Path("blob");
  ASSERT_EQ(std::system(
                ("cut -d' ' -f2 " + sshd_.Path("user_key.pub") + " | base64 -d > " + blob).c_str()),
            0);
  std::atomic<bool> has_waited = false;
  const UntouchedKey agent(sshd_.Path("agent"), sshd_.Read("blob"), [&] {
    has_waited = true;
    stop_.request_stop();
    wakeup_.Wake();
  });
  EXPECT_THAT(Open(false), HasSubstr("no answer in time (the SSH agent)"));
  EXPECT_TRUE(has_waited);
}

TEST_F(SshAgents, OneThatAnswersLetsUsIn) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor said(ends[0]);
  FileDescriptor saying(ends[1]);
  const std::string place = sshd_.Path("agent");
  const pid_t agent = ::fork();
  if (agent == 0) {
    ::dup2(saying.Get(), STDOUT_FILENO);
    ::execlp("ssh-agent", "ssh-agent", "-D", "-a", place.c_str(), nullptr);
    ::_exit(127);
  }
  saying.Reset();
  char first = 0;
  const bool listens = ::read(said.Get(), &first, 1) == 1;
  const std::string add = "SSH_AUTH_SOCK=" + place + " ssh-add -q " + sshd_.Path("user_key");
  const std::string outcome = listens && std::system(add.c_str()) == 0 ? Open(false) : "no agent";
  ::kill(agent, SIGTERM);
  ::waitpid(agent, nullptr, 0);
  if (!listens) GTEST_SKIP() << "no ssh-agent here";
  EXPECT_EQ(outcome, "in");
}

}  // namespace ssh_auth_agent_test
}  // namespace ddl
