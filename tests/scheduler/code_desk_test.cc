// SPDX-License-Identifier: Apache-2.0
#include "scheduler/code_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/world.h"

namespace ddl::test {
namespace code_desk_test {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kCode(64, 'c');
const std::string kOther(64, 'd');

CodeNews Told(CodeStage stage, const std::string& code = kCode) {
  return {.code = code,
          .stage = stage,
          .lacking = {},
          .begun = 0,
          .bytes = 0,
          .all_bytes = 2U << 20U,
          .folder = "/far/tree",
          .problem = stage == CodeStage::kRefused ? "no space left" : ""};
}

TEST(CodeDesk, HasAtOnceWhatThisMachineWants) {
  CodeDesk desk("/store/code");
  desk.Want(0, kCode);
  EXPECT_THAT(desk.Keep(seconds(1)).ready, IsEmpty()) << "it is not up";
  desk.Up(0);
  const CodeDesk::Due due = desk.Keep(seconds(1));
  ASSERT_THAT(due.ready, SizeIs(1));
  EXPECT_EQ(due.ready[0].folder, "/store/code/" + kCode + "/tree");
  EXPECT_THAT(due.offers, IsEmpty());
  EXPECT_THAT(desk.Keep(seconds(2)).ready, IsEmpty());
}

TEST(CodeDesk, OffersAHostOneSnapshotAtATime) {
  CodeDesk desk("/store/code");
  desk.Want(1, kCode);
  desk.Want(1, kOther);
  desk.Up(1);
  ASSERT_THAT(desk.Keep(seconds(1)).offers, SizeIs(1));
  EXPECT_THAT(desk.Keep(seconds(1)).offers, IsEmpty());
  const auto heard = desk.On(1, "far", Told(CodeStage::kReady), seconds(1));
  ASSERT_TRUE(std::holds_alternative<CodeReady>(heard.event));
  EXPECT_EQ(std::get<CodeReady>(heard.event).folder, "/far/tree");
  const auto next = desk.Keep(seconds(1)).offers;
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].second.code, kOther);
}

TEST(CodeDesk, SaysOfACheckpointOnlyThatItIsRefused) {
  CodeDesk desk("/store/code");
  desk.WantCheckpoint(1, kCode);
  desk.Up(1);
  ASSERT_THAT(desk.Keep(seconds(1)).offers, SizeIs(1));
  const auto moving = desk.On(1, "far", Told(CodeStage::kFiles), seconds(1));
  EXPECT_EQ(moving.say, "");
  EXPECT_FALSE(std::get<CodeAwaited>(moving.event).is_refused);
  const auto refused = desk.On(1, "far", Told(CodeStage::kRefused), seconds(1));
  EXPECT_THAT(refused.say, HasSubstr("host far: a checkpoint: does not take it: no space left"));
  EXPECT_TRUE(std::get<CodeAwaited>(refused.event).is_refused);
}

TEST(CodeDesk, SaysARefusalOnceAndOffersAgainLater) {
  CodeDesk desk("/store/code");
  desk.Want(1, kCode);
  desk.Up(1);
  (void)desk.Keep(seconds(1));
  const auto heard = desk.On(1, "far", Told(CodeStage::kRefused), seconds(1));
  EXPECT_THAT(heard.say, HasSubstr("host far: the code: does not take it: no space left"));
  EXPECT_THAT(desk.Keep(seconds(2)).offers, IsEmpty());
  ASSERT_THAT(desk.Keep(seconds(40)).offers, SizeIs(1));
  EXPECT_EQ(desk.On(1, "far", Told(CodeStage::kRefused), seconds(40)).say, "");
}

TEST(CodeDesk, SaysWhichLibrariesAreSentAndHowLargeTheyAre) {
  CodeDesk desk("/store/code");
  desk.Want(1, kCode, {"/cuda/lib64"});
  desk.Up(1);
  const auto offers = desk.Keep(seconds(1)).offers;
  ASSERT_THAT(offers, SizeIs(1));
  EXPECT_EQ(offers[0].second.library_folders, std::vector<std::string>{"/cuda/lib64"});
  CodeNews files = Told(CodeStage::kFiles);
  EXPECT_THAT(desk.On(1, "far", files, seconds(1)).say, HasSubstr("sending the code: 2.0 MiB"));
  CodeNews libraries = Told(CodeStage::kLibraries);
  libraries.problem = "libx.so.1: there is none";
  const auto heard = desk.On(1, "far", libraries, seconds(2));
  EXPECT_EQ(heard.say,
            "host far has none of CUDA's libraries that fit (libx.so.1: there is none): sending "
            "2.0 MiB, once");
  EXPECT_EQ(std::get<CodeAwaited>(heard.event).why, " has 0.0 of 2.0 MiB");
}

TEST(CodeDesk, AsksAgainOnEveryLink) {
  CodeDesk desk("/store/code");
  desk.Want(1, kCode);
  desk.Up(1);
  (void)desk.Keep(seconds(1));
  (void)desk.On(1, "far", Told(CodeStage::kReady), seconds(1));
  desk.Down(1);
  EXPECT_THAT(desk.Keep(seconds(2)).offers, IsEmpty());
  desk.Up(1);
  EXPECT_THAT(desk.Keep(seconds(3)).offers, SizeIs(1));
  desk.Drop(kCode);
  desk.Up(1);
  EXPECT_THAT(desk.Keep(seconds(4)).offers, IsEmpty());
}

SweepSpec CodedGrid(int trials) {
  SweepSpec spec = GridOf(trials);
  spec.snapshot = true;
  spec.code = kCode;
  return spec;
}

TEST(CodeOfASweep, IsWaitedForAndRunIn) {
  std::string workdir;
  World world(2, [&](const LaunchRecord& record) {
    workdir = record.workdir;
    return Script{};
  });
  world.Open(CodedGrid(3));
  world.RunFor(seconds(5));
  EXPECT_EQ(world.Local().starts, 0);
  world.Tell(CodeAwaited{0, kCode, " has 34 of 100 MiB"});
  world.Settle();
  EXPECT_THAT(world.Progress().waiting_for, HasSubstr("for its code: local has 34 of 100 MiB"));
  EXPECT_THAT(world.Ask(UserVerb::kExplain, {1}), HasSubstr("local has 34 of 100 MiB"));
  world.Tell(CodeReady{0, kCode, "/store/tree"});
  world.RunToEnd();
  EXPECT_EQ(world.Local().starts, 3);
  EXPECT_EQ(workdir, "/store/tree");
}

TEST(CodeOfASweep, IsAskedForAgainWhenItsHostComesBack) {
  World world(2, [](const LaunchRecord&) {
    Script script;
    script.wall = seconds(10);
    return script;
  });
  world.Open(CodedGrid(8));
  world.Tell(CodeReady{0, kCode, "/store/tree"});
  world.RunFor(seconds(1));
  EXPECT_EQ(world.Local().starts, 2);
  world.Disconnect("local");
  world.Settle();
  world.Connect("local");
  world.RunFor(seconds(60));
  EXPECT_EQ(world.Local().starts, 2) << "what ran goes on, nothing else starts";
  world.Tell(CodeReady{0, kCode, "/store/tree"});
  world.RunToEnd();
  EXPECT_EQ(world.Local().starts, 8);
}

}  // namespace code_desk_test
}  // namespace ddl::test
