// SPDX-License-Identifier: Apache-2.0
// Sweeps that run in what was sent along: trials wait for it, and are started from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/world.h"

namespace ddl::test {
namespace core_code_test {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::string kPacked(64, 'c');

SweepSpec Trained() {
  SweepSpec spec = GridOf(1);
  spec.command.clear();
  spec.trainer = Json{{"data", "blobs"}};
  spec.code = kPacked;
  return spec;
}

TEST(CoreCode, ATrainersTrialStartsFromWhatTheHostWasSent) {
  std::optional<LaunchRecord> launched;
  World world(2, [&launched](const LaunchRecord& record) {
    launched = record;
    return Script{};
  });
  (void)world.Open(Trained());
  world.RunFor(seconds(1));
  EXPECT_FALSE(launched);
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {1}),
              HasSubstr("waits for its trainer and data: local is asked for it"));
  world.Tell(CodeAwaited{0, kPacked, " has 3.0 of 45.2 MiB"});
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {1}), HasSubstr("local has 3.0 of 45.2 MiB"));
  world.Tell(CodeReady{0, kPacked, "/there"});
  world.RunToEnd();
  ASSERT_TRUE(launched);
  EXPECT_EQ(launched->workdir, "/there");
  EXPECT_THAT(launched->argv, ElementsAre("/there/ld-linux-x86-64.so.2", "--library-path",
                                          "/there/lib", "/there/ddl-trainer", "${args_json_file}"));
  EXPECT_THAT(launched->env, Contains(Pair("DDL_PREPARED", "/there/data")));
}

TEST(CoreCode, AtHomeTheTrainerIsTheOneBesideDdl) {
  std::optional<LaunchRecord> launched;
  World world(2, [&launched](const LaunchRecord& record) {
    launched = record;
    return Script{};
  });
  SweepSpec spec = Trained();
  spec.code.clear();
  (void)world.Open(spec);
  world.RunToEnd();
  ASSERT_TRUE(launched);
  EXPECT_THAT(launched->argv, ElementsAre("/testing/ddl-trainer", "${args_json_file}"));
  EXPECT_EQ(launched->workdir, spec.workdir);
}

}  // namespace core_code_test
}  // namespace ddl::test
