// SPDX-License-Identifier: Apache-2.0
// A link over a real sshd to a real agent that nobody had put there.
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "runner/link.h"
#include "runner/mailbox.h"
#include "runner/remote_agent.h"
#include "runner/sha256.h"
#include "tests/runner/test_sshd.h"

namespace ddl {
namespace ssh_link_test {

using testing::HasSubstr;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): seconds in tests

const std::string kAgent = std::string(DDL_BINARY_DIR) + "/ddl-agent";

// A sanitized agent is larger than files usually are.
std::string HashOf(const std::string& path) {
  return Sha256Hex(ReadFile(path, std::size_t{1} << 30).value());
}

class SshLinked : public testing::Test {
 protected:
  void SetUp() override {
    if (!sshd_.WhyNot().empty()) GTEST_SKIP() << sshd_.WhyNot();
    sshd_.Trust();
    (void)sshd_.Home();
    setenv("DDL_SSH_CONFIG", sshd_.Path("config").c_str(), 1);
    agent_in_place_ = sshd_.Path("host/bin/ddl-agent-") + HashOf(kAgent);
  }
  void Connect(std::uint64_t epoch = 1) {
    link_.reset();
    link_ = MakeSshLink({.host = 7,
                         .address = {.host = "test-host"},
                         .agent_path = kAgent,
                         .hello = {"0123456789abcdef", epoch, false, "there:/store"}},
                        [this](HostNews news) { mailbox_.Put(std::move(news)); });
  }
  // The next of that kind; others are passed over.
  template <class Message>
  Message Await() {
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < until) {
      for (HostNews& news : mailbox_.TakeAll(100ms)) {
        EXPECT_EQ(news.host, 7);
        unread_.push_back(std::move(news));
      }
      while (!unread_.empty()) {
        HostNews news = std::move(unread_.front());
        unread_.erase(unread_.begin());
        if (auto* down = std::get_if<LinkDown>(&news.what)) {
          if constexpr (std::is_same_v<Message, LinkDown>) return *down;
          ADD_FAILURE() << down->reason << "; " << down->hint;
          return {};
        }
        if constexpr (!std::is_same_v<Message, LinkDown>) {
          auto* message = std::get_if<FromHost>(&news.what);
          if (message == nullptr) continue;
          if (auto* wanted = std::get_if<Message>(message)) return std::move(*wanted);
        }
      }
    }
    ADD_FAILURE() << "nothing of that kind came";
    return {};
  }
  static std::string TokenOf(std::int64_t job) {  // of this test alone
    return fmt::format("ssh-token-{}-{}", ::getpid(), job);
  }
  static LaunchRecord Shell(std::int64_t job, const std::string& script, int core) {
    LaunchRecord record{.id = {{job}, 0},
                        .token = TokenOf(job),
                        .sweep = "ssh",
                        .trial = {job},
                        .trial_number = job,
                        .argv = {"/bin/sh", "-c", script},
                        .workdir = "/",
                        .params_json = R"({"x":1})",
                        .checkpoint_name = "trial-" + std::to_string(job),
                        .grace = 200ms};
    record.slots.cores = {{core, 0, 100}};
    return record;
  }

  TestSshd sshd_;
  std::string agent_in_place_;
  Mailbox<HostNews> mailbox_;
  std::vector<HostNews> unread_;
  std::unique_ptr<Link> link_;
};

TEST_F(SshLinked, BringsItsAgentAlongAndRunsATrial) {
  Connect();
  const auto welcome = Await<Welcome>();
  EXPECT_THAT(welcome.facts.folder, HasSubstr(sshd_.Path("host")));
  link_->Send(Launch{
      Shell(1, R"(echo '{"loss": 0.5}'; echo '{"loss": 0.25}')", welcome.facts.cores.at(0))});
  // Both reports, in one message or in two.
  for (std::size_t seen = 0; seen < 2;) {
    const auto metrics = Await<Metrics>();
    ASSERT_FALSE(metrics.reports.empty());
    seen += metrics.reports.size();
  }
  EXPECT_EQ(Await<Exited>().record.exit_code, 0);
  // Nobody else may read what is there.
  for (const std::string& path : {sshd_.Path("host"), sshd_.Path("host/bin"), agent_in_place_}) {
    const auto mode = std::filesystem::status(path).permissions();
    EXPECT_EQ(mode & std::filesystem::perms(0077), std::filesystem::perms::none) << path;
  }
}

TEST_F(SshLinked, GoesOnWithWhatRanWhenTheLinkWasCut) {
  Connect();
  const auto welcome = Await<Welcome>();
  const std::string go = sshd_.Path("go");
  ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
  link_->Send(Launch{
      Shell(1, "read line < " + go + R"(; echo "{\"loss\": $line}")", welcome.facts.cores.at(0))});
  (void)Await<Started>();
  Connect(2);
  const auto again = Await<Welcome>();
  ASSERT_EQ(again.found.size(), 1U);
  EXPECT_EQ(again.found.front().state, FoundState::kAlive);
  link_->Send(Adopt{{{1}, 0}, TokenOf(1), 0, {}});
  std::ofstream(go) << "3\n";
  EXPECT_EQ(Await<Metrics>().reports.at(0).values.at(0).second, 3);
  EXPECT_EQ(Await<Exited>().record.exit_code, 0);
}

TEST_F(SshLinked, SendsTheAgentOnceAndMendsADamagedOne) {
  Connect();
  (void)Await<Welcome>();
  const auto written = std::filesystem::last_write_time(agent_in_place_);
  Connect(2);
  (void)Await<Welcome>();
  EXPECT_EQ(std::filesystem::last_write_time(agent_in_place_), written);
  link_.reset();
  std::ofstream(agent_in_place_, std::ios::app) << "x";
  Connect(3);
  (void)Await<Welcome>();
  EXPECT_EQ(HashOf(agent_in_place_), HashOf(kAgent));
}

TEST_F(SshLinked, NeverRunsAnythingOutOfALinkedFolder) {
  std::filesystem::create_directory(sshd_.Path("elsewhere"));
  std::filesystem::create_directory_symlink(sshd_.Path("elsewhere"), sshd_.Path("host"));
  Connect();
  const auto down = Await<LinkDown>();
  EXPECT_THAT(down.reason, HasSubstr("is a link, not a folder"));
  EXPECT_FALSE(down.hint.empty());
  EXPECT_TRUE(std::filesystem::is_empty(sshd_.Path("elsewhere")));
}

TEST_F(SshLinked, TellsWhyThereIsNoLink) {
  sshd_.Write("known_hosts", "");
  Connect();
  const auto down = Await<LinkDown>();
  EXPECT_THAT(down.reason, HasSubstr("is not a known host"));
  EXPECT_THAT(down.hint, HasSubstr("then trust it"));
}

TEST_F(SshLinked, SeesTheEndOfSshd) {
  Connect();
  (void)Await<Welcome>();
  sshd_.Cut();
  (void)Await<LinkDown>();
}

TEST(AgentAnswers, AreFoundBehindWhatAShellPrints) {
  EXPECT_EQ(ParseAgentAnswer("Welcome to gpu1\nddl-host: rea").answer, AgentAnswer::kIncomplete);
  const ParsedAnswer ready = ParseAgentAnswer("hello\nddl-host: ready\nFRAMES");
  EXPECT_EQ(ready.answer, AgentAnswer::kReady);
  EXPECT_EQ(ready.size, std::string("hello\nddl-host: ready\n").size());
  EXPECT_EQ(ParseAgentAnswer("ddl-host: missing\n").answer, AgentAnswer::kMissing);
  const ParsedAnswer refused = ParseAgentAnswer("ddl-host: refused it is Linux aarch64\n");
  EXPECT_EQ(refused.answer, AgentAnswer::kRefused);
  EXPECT_EQ(refused.text, "it is Linux aarch64");
}

}  // namespace ssh_link_test
}  // namespace ddl
