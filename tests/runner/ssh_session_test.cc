// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_session.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "tests/runner/test_sshd.h"

namespace ddl {
namespace ssh_session_test {

using testing::HasSubstr;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): seconds in tests

class SshHost : public testing::Test {
 protected:
  void SetUp() override {
    if (!sshd_.WhyNot().empty()) GTEST_SKIP() << sshd_.WhyNot();
    sshd_.Trust();
  }
  [[nodiscard]] Patience Soon() const { return {wakeup_, stop_.get_token(), 30s}; }

  std::variant<SshSession, SshProblem> Open(const std::string& more = {}) {
    return SshSession::Open(ResolveSshRoute({.host = "test-host"}, sshd_.Home(more)), Soon());
  }
  SshProblem Refused(const std::string& more = {}) {
    auto opened = Open(more);
    const auto* problem = std::get_if<SshProblem>(&opened);
    if (problem != nullptr) return *problem;
    ADD_FAILURE() << "it was let through";
    return {};
  }
  // Output and exit code of a command.
  std::pair<std::string, int> Run(SshSession& session, const std::string& command) {
    auto running = session.Run(command, Soon());
    SshChannel& channel = std::get<SshChannel>(running);
    std::string output;
    std::array<char, 1000> piece{};
    while (true) {
      const std::size_t got = channel.Read(piece);
      output.append(piece.data(), got);
      if (got > 0) continue;
      if (channel.HasEnded() || !Soon().Wait(channel.Descriptor(), channel.Events())) break;
    }
    return {output, channel.ExitCode(Soon())};
  }
  // sshd's own word for a client that begins to authenticate.
  [[nodiscard]] bool SawAuthentication() {
    sshd_.Stop();
    return sshd_.Log().find("userauth-request") != std::string::npos;
  }
  void ExpectNoAuthentication() { EXPECT_FALSE(SawAuthentication()) << sshd_.Log(); }

  TestSshd sshd_;
  Wakeup wakeup_;
  std::stop_source stop_;
};

TEST_F(SshHost, RunsCommandsOnAHostThatIsKnown) {
  {
    auto opened = Open();
    ASSERT_TRUE(std::holds_alternative<SshSession>(opened)) << std::get<SshProblem>(opened).reason;
    auto& session = std::get<SshSession>(opened);
    EXPECT_EQ(Run(session, "echo here; exit 3"), std::pair(std::string("here\n"), 3));
    EXPECT_EQ(Run(session, "kill -9 $$").second, -1);
    EXPECT_EQ(Run(session, "head -c 300000 /dev/zero").first.size(), 300'000U);
  }
  EXPECT_TRUE(SawAuthentication());
}

TEST_F(SshHost, EndsAChannelWithoutTheNextOneHearingOfIt) {
  auto opened = Open();
  auto& session = std::get<SshSession>(opened);
  for (int i = 0; i < 20; ++i) {
    (void)session.Run("echo not read", Soon());
    EXPECT_EQ(Run(session, "sleep 0.02; echo here"), std::pair(std::string("here\n"), 0));
  }
}

TEST_F(SshHost, RefusesOneThatIsNotKnownAndTellsHowToTrustIt) {
  sshd_.Write("known_hosts", "");
  const SshProblem problem = Refused();
  EXPECT_THAT(problem.reason,
              HasSubstr("is not a known host; it shows the ssh-ed25519 key SHA256:"));
  EXPECT_THAT(problem.hint,
              HasSubstr("echo '" + sshd_.Place() + " " + sshd_.PublicKey("host_key")));
  const std::size_t begin = problem.hint.find("echo ");
  ASSERT_EQ(std::system(problem.hint.substr(begin).c_str()), 0);
  EXPECT_TRUE(std::holds_alternative<SshSession>(Open()));
}

TEST_F(SshHost, RefusesAKeyThatChanged) {
  sshd_.MakeKey(sshd_.Path("other"));
  sshd_.Write("known_hosts", sshd_.Place() + " " + sshd_.PublicKey("other") + "\n");
  EXPECT_THAT(Refused().reason, HasSubstr("another than the one in"));
  ExpectNoAuthentication();
}

TEST_F(SshHost, RefusesAKeyOfAnotherType) {
  sshd_.MakeKey(sshd_.Path("other"), "ecdsa");
  sshd_.Write("known_hosts", sshd_.Place() + " " + sshd_.PublicKey("other") + "\n");
  EXPECT_THAT(Refused().reason, HasSubstr("has its key of another type"));
  ExpectNoAuthentication();
}

TEST_F(SshHost, RefusesARevokedKeyThatIsKnownToo) {
  sshd_.Write("known_hosts", sshd_.Place() + " " + sshd_.PublicKey("host_key") + "\n@revoked * " +
                                 sshd_.PublicKey("host_key") + "\n");
  EXPECT_THAT(Refused().reason, HasSubstr("revokes"));
  ExpectNoAuthentication();
}

TEST_F(SshHost, RefusesWithoutAnyFileOfKnownHosts) {
  std::filesystem::remove(sshd_.Path("known_hosts"));
  EXPECT_THAT(Refused().reason, HasSubstr("is not a known host"));
  ExpectNoAuthentication();
}

// What a known-hosts file may say of a host, and whether that lets us in.
struct KnownState {
  const char* name;
  std::function<std::string(TestSshd&)> text;  // of the file; none: there is no file
  bool is_known = false;
};

std::vector<KnownState> KnownStates() {
  const auto line = [](const TestSshd& sshd, const std::string& key) {
    return sshd.Place() + " " + sshd.PublicKey(key) + "\n";
  };
  return {{"no file", nullptr},
          {"unknown", [](TestSshd&) { return std::string("elsewhere ssh-ed25519 AAAA\n"); }},
          {"changed", [line](TestSshd& sshd) { return line(sshd, "other"); }},
          {"another type", [line](TestSshd& sshd) { return line(sshd, "ecdsa"); }},
          {"revoked",
           [line](TestSshd& sshd) {
             return line(sshd, "host_key") + "@revoked * " + sshd.PublicKey("host_key") + "\n";
           }},
          {"known", [line](TestSshd& sshd) { return line(sshd, "host_key"); }, true}};
}

// What loosens the check in OpenSSH, or makes a client run something, does nothing here.
TEST_F(SshHost, IsNotPersuadedByItsConfiguration) {
  sshd_.MakeKey(sshd_.Path("other"));
  sshd_.MakeKey(sshd_.Path("ecdsa"), "ecdsa");
  const std::string mark = sshd_.Path("was-run");
  const std::vector<std::string> configurations{
      "",
      "Host *\n  StrictHostKeyChecking no\n",
      "Host *\n  StrictHostKeyChecking accept-new\n",
      "Match exec \"touch " + mark + "\"\n  StrictHostKeyChecking no\n",
      "Host *\n  ProxyCommand touch " + mark + "\n",
      "Host *\n  VerifyHostKeyDNS yes\n  NoHostAuthenticationForLocalhost yes\n  HostKeyAlias x\n"
      "  KnownHostsCommand /bin/touch " +
          mark + "\n"};
  int refused = 0;
  for (const KnownState& state : KnownStates()) {
    if (state.is_known) continue;
    for (const std::string& more : configurations) {
      for (const bool is_global : {false, true}) {
        const std::string used = is_global ? "global_hosts" : "known_hosts";
        for (const std::string name : {"global_hosts", "known_hosts"})
          std::filesystem::remove(sshd_.Path(name));
        const std::string text = state.text ? state.text(sshd_) : "";
        if (state.text) sshd_.Write(used, text);
        const SshHome home = sshd_.Home(more, is_global ? sshd_.Path("global_hosts") : "none");
        try {
          auto opened = SshSession::Open(ResolveSshRoute({.host = "test-host"}, home), Soon());
          EXPECT_TRUE(std::holds_alternative<SshProblem>(opened)) << state.name << "\n" << more;
        } catch (const Error& problem) {
          EXPECT_THAT(problem.what(), HasSubstr("ProxyCommand"));
        }
        EXPECT_EQ(sshd_.Read(used), text) << state.name << "\n" << more;
        ++refused;
      }
    }
  }
  EXPECT_EQ(refused, 5 * 6 * 2);
  EXPECT_FALSE(std::filesystem::exists(mark));
  ExpectNoAuthentication();
}

// The same files, where they are right: the user's, the system's, and with a hashed name.
TEST_F(SshHost, IsKnownByAnyOfTheFiles) {
  const std::string line = sshd_.Place() + " " + sshd_.PublicKey("host_key") + "\n";
  sshd_.Write("known_hosts", "");
  sshd_.Write("global_hosts", line);
  const auto open = [this](const std::string& global) {
    auto opened = SshSession::Open(
        ResolveSshRoute({.host = "test-host"},
                        sshd_.Home("Match exec \"false\"\n  HostName 192.0.2.1\n", global)),
        Soon());
    const auto* problem = std::get_if<SshProblem>(&opened);
    return problem == nullptr ? std::string("in") : problem->reason;
  };
  EXPECT_EQ(open(sshd_.Path("global_hosts")), "in");
  EXPECT_THAT(open("none"), HasSubstr("is not a known host"));
  sshd_.Write("known_hosts", line);
  ASSERT_EQ(
      std::system(("ssh-keygen -H -f " + sshd_.Path("known_hosts") + " >/dev/null 2>&1").c_str()),
      0);
  EXPECT_EQ(sshd_.Read("known_hosts").find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(open("none"), "in");
}

TEST_F(SshHost, SaysWhichKeysItTried) {
  sshd_.MakeKey(sshd_.Path("stranger"));
  sshd_.MakeKey(sshd_.Path("locked"), "ed25519", "secret");
  sshd_.Write("authorized_keys", "");
  const SshProblem problem =
      Refused("  IdentityFile " + sshd_.Path("stranger") + "\n  IdentityFile " +
              sshd_.Path("locked") + "\n  IdentityFile " + sshd_.Path("missing") + "\n");
  EXPECT_THAT(problem.reason,
              HasSubstr("lets none of our keys in (" + sshd_.Path("user_key") + ", " +
                        sshd_.Path("stranger") + ", " + sshd_.Path("locked") +
                        " (needs a passphrase), " + sshd_.Path("missing") + " (not there))"));
  EXPECT_THAT(problem.hint, HasSubstr("ssh-copy-id -p " + std::to_string(sshd_.Port())));
}

TEST_F(SshHost, IsReachedOverAJump) {
  auto opened = SshSession::Open(
      ResolveSshRoute(
          {.host = "inner"},
          sshd_.Home("Host inner\n  HostName 127.0.0.1\n  Port " + std::to_string(sshd_.Port()) +
                     "\n  ProxyJump test-host\n  IdentityFile " + sshd_.Path("user_key") +
                     "\n  UserKnownHostsFile " + sshd_.Path("known_hosts") + "\n")),
      Soon());
  ASSERT_TRUE(std::holds_alternative<SshSession>(opened)) << std::get<SshProblem>(opened).reason;
  EXPECT_EQ(Run(std::get<SshSession>(opened), "head -c 3000000 /dev/zero").first.size(),
            3'000'000U);
}

TEST_F(SshHost, TellsThatNobodyListens) {
  sshd_.Stop();
  EXPECT_THAT(Refused().reason, HasSubstr("Connection refused"));
}

TEST_F(SshHost, EndsAtOnceWhenAskedTo) {
  stop_.request_stop();
  EXPECT_FALSE(std::holds_alternative<SshSession>(Open()));
}

}  // namespace ssh_session_test
}  // namespace ddl
