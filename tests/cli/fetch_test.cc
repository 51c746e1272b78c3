// SPDX-License-Identifier: Apache-2.0
// Results come back from a host behind a real sshd: by the rule of the spec, and by ddl fetch.
#include <gmock/gmock.h>

#include "tests/cli/real_ddl_over_ssh.h"

namespace ddl {
namespace fetch_test {

using ::testing::HasSubstr;

constexpr const char* kTrial =
    "name: made\nmethod: grid\nparameters: {x: {values: [1, 3, 2]}}\n"
    "metric: {name: score, goal: maximize}\nresources: {cpus: 0.1}\nparallel: 1\n"
    "command: [/bin/sh, -c, 'x=$(echo $1 | cut -d= -f2); echo out $x > $DDL_OUTPUT_DIR/result; "
    "echo model $x > $DDL_CHECKPOINT_DIR/model; echo \"{\\\"score\\\": $x}\"', sh, '${args}']\n";

class Fetch : public OverSsh<RealDdl> {
 protected:
  Finished Sweep(const std::string& rule) {
    return Ddl({"sweep", Write("made.yaml", kTrial + ("hosts: [\"ssh://test-host\"]\n" + rule))});
  }
  std::string Result(int trial, const std::string& file) const {
    return ReadText(folder_ + "/store/results/made-1/trial-" + std::to_string(trial) + "/" + file);
  }
};

TEST_F(Fetch, TheBestTrialsResultsAreHereWhenTheSweepEnds) {
  const Finished done = Sweep("");
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_THAT(done.out, HasSubstr("brought back the results of 1 trial"));
  EXPECT_EQ(Result(2, "output/result"), "out 3\n");
  EXPECT_EQ(Result(2, "checkpoints/model"), "model 3\n");
  EXPECT_EQ(Result(3, "output/result"), "");
  EXPECT_THAT(Ddl({"fetch"}).out, HasSubstr("nothing to fetch"));
  EXPECT_THAT(Ddl({"show", "3"}).out,
              HasSubstr("results  still on ssh://test-host: ddl fetch made/3"));
  EXPECT_THAT(Ddl({"fetch", "3"}).out, HasSubstr("results/made-1/trial-3"));
  EXPECT_THAT(Ddl({"show", "3"}).out, HasSubstr("/store/results/made-1/trial-3\n"));
  EXPECT_EQ(Result(3, "output/result"), "out 2\n");
  EXPECT_THAT(Ddl({"fetch", "3"}).out, HasSubstr("trial 3 is here"));
}

TEST_F(Fetch, AsManyOfTheBestComeAsTheSpecKeeps) {
  EXPECT_EQ(Sweep("keep: 2\n").code, 0);
  EXPECT_EQ(Result(2, "output/result"), "out 3\n");
  EXPECT_EQ(Result(3, "output/result"), "out 2\n");
}

TEST_F(Fetch, AllOrNoneComeByTheRule) {
  const Finished none = Sweep("results: none\n");
  EXPECT_EQ(none.code, 0) << none.error;
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/store/results/made-1"));
  const Json fetched = DdlJson({"fetch", "made", "--all"});
  EXPECT_EQ(fetched.at("fetched").size(), 3U);
  EXPECT_EQ(fetched.at("failed").size(), 0U);
  for (const auto& [trial, x] : {std::pair{1, "1"}, {2, "3"}, {3, "2"}})
    EXPECT_EQ(Result(trial, "output/result"), "out " + std::string(x) + "\n");
}

// What a kill left out is brought by the same command again, though nothing is left to run.
TEST_F(Fetch, TheSameCommandBringsWhatIsMissing) {
  EXPECT_EQ(Sweep("results: all\n").code, 0);
  std::filesystem::remove_all(folder_ + "/store/results");
  EXPECT_EQ(Sweep("results: all\n").code, 0);
  EXPECT_EQ(Result(1, "output/result"), "out 1\n");
  EXPECT_EQ(Result(3, "checkpoints/model"), "model 2\n");
}

TEST_F(Fetch, ARetriedTrialsFormerResultsKeepAnotherName) {
  const std::string spec =
      Write("made.yaml",
            "name: made\nresults: all\nhosts: [\"ssh://test-host\"]\ncommand: [/bin/sh, -c, "
            "'echo attempt $DDL_ATTEMPT > $DDL_OUTPUT_DIR/result; test $DDL_ATTEMPT = 2']\n");
  EXPECT_EQ(Ddl({"sweep", spec}).code, 1);
  EXPECT_EQ(Result(1, "output/result"), "attempt 1\n");
  EXPECT_EQ(Ddl({"sweep", spec, "--retry-failed"}).code, 0);
  EXPECT_EQ(Result(1, "output/result"), "attempt 2\n");
  std::string former;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/store/results/made-1")) {
    if (entry.path().filename().string().starts_with("trial-1.job-"))
      former += ReadText(entry.path() / "output/result");
  }
  EXPECT_EQ(former, "attempt 1\n");
}

TEST_F(Fetch, SaysWhatIsGoneThereAndWhatRanHere) {
  EXPECT_EQ(Sweep("results: none\n").code, 0);
  for (const auto& entry : std::filesystem::directory_iterator(sshd_.Path("host"))) {
    if (entry.is_directory()) std::filesystem::remove_all(entry.path() / "jobs");
  }
  const Finished gone = Ddl({"fetch", "1"});
  EXPECT_EQ(gone.code, 3);
  EXPECT_THAT(gone.error, HasSubstr("is not there any more"));
  EXPECT_EQ(Ddl({"sweep", Write("here.yaml", "name: here\ncommand: [/bin/true]\n")}).code, 0);
  const Finished here = Ddl({"fetch", "here/1"});
  EXPECT_EQ(here.code, 2);
  EXPECT_THAT(here.error, HasSubstr("ran on no other host"));
}

}  // namespace fetch_test
}  // namespace ddl
