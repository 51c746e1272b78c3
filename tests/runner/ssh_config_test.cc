// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "runner/ssh_target.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace ssh_config_test {

using testing::ElementsAre;
using testing::HasSubstr;

SshSettings Read(const std::string& text, const std::string& host) {
  return ReadSshConfig({{"config", text}}, host,
                       [](const std::string&) { return std::vector<SshConfigText>(); });
}

std::string Problem(const std::string& text) {
  try {
    (void)Read(text, "gpu1");
  } catch (const Error& problem) {
    return problem.Where() + ": " + problem.Message();
  }
  return "none";
}

TEST(SshConfig, TakesTheFirstValueOfAKey) {
  const SshSettings read = Read(
      "Host gpu1\n"
      "  HostName 10.0.0.1\n"
      "  Port=2222\n"
      "  user = \"ann\"\n"
      "Host gpu*\n"
      "  HostName 10.9.9.9\n"
      "  IdentitiesOnly yes\n"
      "Host *\n"
      "  User bob\n",
      "gpu1");
  EXPECT_EQ(read.host_name, "10.0.0.1");
  EXPECT_EQ(read.port, 2222);
  EXPECT_EQ(read.user, "ann");
  EXPECT_EQ(read.identities_only, true);
}

TEST(SshConfig, AddsIdentityFilesUp) {
  const SshSettings read = Read(
      "IdentityFile ~/.ssh/a  # mine\nHost gpu1\nIdentityFile \"/keys/with blank\"\nHost other\n"
      "IdentityFile /no\n",
      "gpu1");
  EXPECT_THAT(read.identity_files, ElementsAre("~/.ssh/a", "/keys/with blank"));
}

TEST(SshConfig, KnowsPatternsAndTheirNegation) {
  const std::string text = "Host *.lab !old.lab node?\n  User ann\n";
  EXPECT_EQ(Read(text, "new.lab").user, "ann");
  EXPECT_EQ(Read(text, "old.lab").user, std::nullopt);
  EXPECT_EQ(Read(text, "node7").user, "ann");
  EXPECT_EQ(Read(text, "node77").user, std::nullopt);
  EXPECT_TRUE(MatchesSshPattern("abcabc", "a*c"));
  EXPECT_TRUE(MatchesSshPattern("", "*"));
  EXPECT_FALSE(MatchesSshPattern("abc", "a*d"));
  EXPECT_FALSE(MatchesSshPattern("abc", ""));
}

// It might say anything of the host; what it says of others has an end.
TEST(SshConfig, SkipsMatchBlocksAndSaysSo) {
  const SshSettings read = Read(
      "Match exec \"true\"\n  User evil\nHost gpu1\n  Port 7\nMatch all\n  User ann\n", "gpu1");
  EXPECT_EQ(read.user, "ann");
  EXPECT_EQ(read.port, 7);
  EXPECT_THAT(read.notes, ElementsAre("config:1: this Match block is skipped"));
}

TEST(SshConfig, ReadsIncludedFilesWithinTheirBlock) {
  const auto read = [](const std::string& host) {
    return ReadSshConfig(
        {{"config", "Host gpu1\n  Include extra\n  Port 9\n"}}, host,
        [](const std::string& pattern) {
          EXPECT_EQ(pattern, "extra");
          return std::vector<SshConfigText>{{"extra", "User ann\nHost other\nUser bob\n"}};
        });
  };
  EXPECT_EQ(read("gpu1").user, "ann");
  EXPECT_EQ(read("gpu1").port, 9);
  EXPECT_EQ(read("gpu2").user, std::nullopt);
}

TEST(SshConfig, EndsWhereAFileIncludesItself) {
  const SshConfigText self{"config", "Include config\n"};
  EXPECT_THROW(
      (void)ReadSshConfig({self}, "gpu1", [&](const std::string&) { return std::vector{self}; }),
      Error);
}

TEST(SshConfig, SaysWhereAValueMakesNoSense) {
  EXPECT_EQ(Problem("\nPort x\n"), "config:2: x is no port");
  EXPECT_EQ(Problem("Port 65536"), "config:1: 65536 is no port");
  EXPECT_EQ(Problem("User\n"), "config:1: user has no value");
  EXPECT_EQ(Problem("IdentitiesOnly maybe\n"), "config:1: maybe is neither yes nor no");
  EXPECT_EQ(Problem("Host other\nPort x\n"), "none");  // of no concern
}

class SshRoutes : public testing::Test {
 protected:
  SshRoute Resolve(const std::string& config, const SshAddress& address) {
    EXPECT_TRUE(WriteFileAtomically(home_.config_files.front(), config));
    return ResolveSshRoute(address, home_);
  }
  TemporaryFolder folder_;
  SshHome home_{folder_ / "home", "me", {folder_ / "config"}};
};

TEST_F(SshRoutes, FillsInWhatIsNotSaid) {
  const SshRoute route = Resolve("", {.host = "gpu1"});
  ASSERT_EQ(route.hops.size(), 1U);
  EXPECT_EQ(route.hops[0].host_name, "gpu1");
  EXPECT_EQ(route.hops[0].user, "me");
  EXPECT_EQ(route.hops[0].port, 22);
  EXPECT_THAT(route.hops[0].known_hosts_files,
              ElementsAre(folder_ / "home/.ssh/known_hosts", folder_ / "home/.ssh/known_hosts2",
                          "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"));
}

TEST_F(SshRoutes, LetTheSpecHaveTheLastWord) {
  const SshRoute route = Resolve("User ann\nPort 7\n", {.user = "bob", .host = "gpu1", .port = 8});
  EXPECT_EQ(route.hops[0].user, "bob");
  EXPECT_EQ(route.hops[0].port, 8);
}

TEST_F(SshRoutes, PutWordsIntoNames) {
  const SshRoute route = Resolve(
      "HostName %h.lab\nIdentityFile ~/keys/%r@%h\nUserKnownHostsFile /k/%n /k/%%\n"
      "GlobalKnownHostsFile none\n",
      {.host = "gpu1"});
  EXPECT_EQ(route.hops[0].host_name, "gpu1.lab");
  EXPECT_THAT(route.hops[0].identity_files, ElementsAre(folder_ / "home/keys/me@gpu1.lab"));
  EXPECT_THAT(route.hops[0].known_hosts_files, ElementsAre("/k/gpu1", "/k/%"));
}

TEST_F(SshRoutes, GoOverJumpsInTheirOrder) {
  const SshRoute route = Resolve(
      "Host gpu1\n  ProxyJump ann@outer:7,inner\nHost outer\n  HostName 10.0.0.1\n"
      "Host inner\n  ProxyJump never\n",
      {.host = "gpu1"});
  ASSERT_EQ(route.hops.size(), 3U);
  EXPECT_EQ(route.hops[0].host_name, "10.0.0.1");
  EXPECT_EQ(route.hops[0].user, "ann");
  EXPECT_EQ(route.hops[0].port, 7);
  EXPECT_EQ(route.hops[1].name, "inner");
  EXPECT_EQ(route.hops[2].name, "gpu1");
}

TEST_F(SshRoutes, RefuseCirclesAndProxyCommands) {
  EXPECT_THROW((void)Resolve("Host a\nProxyJump b\nHost b\nProxyJump a\n", {.host = "a"}), Error);
  EXPECT_THROW((void)Resolve("ProxyCommand nc %h %p\n", {.host = "a"}), Error);
  EXPECT_NO_THROW((void)Resolve("ProxyCommand none\n", {.host = "a"}));
}

}  // namespace ssh_config_test
}  // namespace ddl
