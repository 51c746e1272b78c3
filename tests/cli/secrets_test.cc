// SPDX-License-Identifier: Apache-2.0
// A canary in the environment of a trial: it arrives, and stands nowhere else.
#include "cli/secrets.h"

#include "runner/sha256.h"
#include "tests/cli/real_ddl.h"
#include "tests/runner/test_sshd.h"

namespace ddl {
namespace secrets_test {

constexpr const char* kCanary = "canary-4f1d9c77-do-not-show";

constexpr const char* kSpec = R"(
name: quiet
command: [/bin/sh, -c, 'printf %s "$API_KEY" | sha256sum | cut -c1-64 >> seen; echo "key: $API_KEY"; printf "rest $API_KEY"; echo "{\"loss\": 1}" > "$DDL_METRICS"']
method: grid
parameters: {x: {values: [1, 2]}}
metric: {name: loss, goal: minimize}
resources: {cpus: 0.1}
env: {PLAIN: "1", API_KEY: {secret: DDL_TEST_CANARY}}
)";

class Secrets : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    ::setenv("XDG_CONFIG_HOME", (folder_ + "/config").c_str(), 1);
    ::setenv("DDL_TEST_CANARY", kCanary, 1);
  }
  void TearDown() override {
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("DDL_TEST_CANARY");
    RealDdl::TearDown();
  }

  // Files in which the canary stands.
  [[nodiscard]] std::vector<std::string> Shown() const { return ShownBelow(folder_); }
  static std::vector<std::string> ShownBelow(const std::string& folder) {
    std::vector<std::string> shown;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      if (ReadText(entry.path()).find(kCanary) != std::string::npos) shown.push_back(entry.path());
    }
    return shown;
  }
  void ExpectArrivedTwice() const {
    const std::string once = Sha256Hex(kCanary) + "\n";
    EXPECT_EQ(ReadText(folder_ + "/seen"), once + once);
  }
  void ExpectShownNowhere() {
    EXPECT_EQ(Shown(), std::vector<std::string>());
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"report", "--json"},
                                               {"report"},
                                               {"show", "1", "--json"},
                                               {"status", "--json"},
                                               {"explain", "1"},
                                               {"logs", "1"}}) {
      const Finished done = Ddl(command);
      EXPECT_EQ(done.code, 0) << done.error;
      EXPECT_EQ((done.out + done.error).find(kCanary), std::string::npos) << command.front();
    }
  }
};

TEST_F(Secrets, ReachTheTrialAndStandNowhereElse) {
  const Finished done = Ddl({"sweep", Write("quiet.yaml", kSpec)});
  EXPECT_EQ(done.code, 0) << done.error;
  ExpectArrivedTwice();
  ExpectShownNowhere();
  EXPECT_EQ(Ddl({"logs", "1"}).out, "key: ***\nrest ***");
}

TEST_F(Secrets, ComeFromAFileThatOnlyItsOwnerMayRead) {
  ::unsetenv("DDL_TEST_CANARY");
  const std::string spec = Write("quiet.yaml", kSpec);
  const Finished missing = Ddl({"sweep", spec});
  EXPECT_EQ(missing.code, 2);
  EXPECT_NE(missing.error.find("there is no secret DDL_TEST_CANARY"), std::string::npos);
  EXPECT_NE(missing.error.find("/config/ddl/secrets/DDL_TEST_CANARY (mode 600)"), std::string::npos)
      << missing.error;

  std::filesystem::create_directories(folder_ + "/config/ddl/secrets");
  const std::string file = Write("config/ddl/secrets/DDL_TEST_CANARY", std::string(kCanary) + "\n");
  ::chmod(file.c_str(), 0644);
  const Finished open = Ddl({"sweep", spec});
  EXPECT_EQ(open.code, 2);
  EXPECT_NE(open.error.find("others can read"), std::string::npos) << open.error;

  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(Ddl({"sweep", spec}).code, 0);
  ExpectArrivedTwice();
  EXPECT_EQ(Shown(), std::vector<std::string>{file});
}

TEST_F(Secrets, AreNoArguments) {
  std::string spec = kSpec;
  spec.replace(spec.find("'printf"), 0, "'true ${envvar:DDL_TEST_CANARY}', ");
  const Finished refused = Ddl({"sweep", Write("loud.yaml", spec)});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.error.find("command would show the secret DDL_TEST_CANARY"), std::string::npos)
      << refused.error;
}

TEST_F(Secrets, AreNamedInTheBestSpecAndStoredByName) {
  EXPECT_EQ(Ddl({"sweep", Write("quiet.yaml", kSpec)}).code, 0);
  const Finished best = Ddl({"report", "--best", "-"});
  EXPECT_NE(best.out.find("DDL_TEST_CANARY"), std::string::npos) << best.out;
  const Finished again = Ddl({"sweep", Write("quiet.yaml", kSpec), "seeds=2", "--new"});
  EXPECT_EQ(again.code, 0) << again.error;
  EXPECT_EQ(Shown(), std::vector<std::string>());
}

TEST_F(Secrets, TravelToAHostOnTheWireAlone) {
  TestSshd sshd;
  if (!sshd.WhyNot().empty()) GTEST_SKIP() << sshd.WhyNot();
  sshd.Trust();
  (void)sshd.Home();
  ::setenv("DDL_SSH_CONFIG", sshd.Path("config").c_str(), 1);
  std::string spec = std::string(kSpec) + "hosts: [\"ssh://test-host\"]\n";
  spec.replace(spec.find(">> seen"), 7, ">> " + folder_ + "/seen");
  const Finished done = Ddl({"sweep", Write("quiet.yaml", spec)});
  EXPECT_EQ(done.code, 0) << done.error;
  ExpectArrivedTwice();
  EXPECT_EQ(Shown(), std::vector<std::string>());
  EXPECT_EQ(ShownBelow(sshd.Path("")), std::vector<std::string>());
}

}  // namespace secrets_test
}  // namespace ddl
