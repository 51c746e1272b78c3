// SPDX-License-Identifier: Apache-2.0
#include "trainer/paced_checkpoints.h"

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"

namespace ddl {
namespace paced_checkpoints_test {

constexpr double kNoTime = 1e9;  // seconds that never pass

class PacedCheckpointsTest : public testing::Test {
 protected:
  // After so many steps, with a state that tells them.
  struct At {
    explicit At(std::uint64_t steps)
        : header{.training = "t", .arithmetic = "a", .clock = {.iteration = steps}},
          state(3, static_cast<float>(steps)) {}
    CheckpointHeader header;
    std::vector<float> state;
  };
  void Write(std::uint64_t steps, bool is_best = false) {
    const At at(steps);
    checkpoints_.Write(at.header, at.state, is_best);
  }
  void Offer(std::uint64_t steps, bool is_best = false) {
    const At at(steps);
    checkpoints_.Offer(at.header, at.state, is_best);
  }
  // Steps that the state of the best one tells.
  [[nodiscard]] float Best() const {
    const auto read = ReadCheckpoint(folder_.Path() / "best.ckpt");
    return std::holds_alternative<Checkpoint>(read) ? std::get<Checkpoint>(read).state.at(0) : 0.0F;
  }
  [[nodiscard]] std::uint64_t Newest() const {
    std::vector<std::string> notes;
    const auto found = checkpoints_.LoadNewest("t", 3, notes);
    return found ? found->header.clock.iteration : 0;
  }

  TrainerFolder folder_;
  PacedCheckpoints checkpoints_{folder_.Path(), {.min_interval_s = kNoTime}};
};

TEST_F(PacedCheckpointsTest, WhatComesTooSoonIsLeftOut) {
  EXPECT_FALSE(checkpoints_.Takes(false));
  Offer(1);
  EXPECT_EQ(Newest(), 0U);
  Write(2);
  Offer(3);
  EXPECT_EQ(Newest(), 2U);
}

TEST_F(PacedCheckpointsTest, ABestOneThatComesTooSoonIsWrittenAheadOfTheNext) {
  Write(1, true);
  EXPECT_TRUE(checkpoints_.Takes(true));
  Offer(2, true);
  Offer(3);
  EXPECT_EQ(Best(), 1.0F);
  Write(4);
  EXPECT_EQ(Best(), 2.0F);
  EXPECT_EQ(Newest(), 4U);
}

TEST_F(PacedCheckpointsTest, ABetterOneTakesThePlaceOfTheOneThatWaits) {
  Offer(2, true);
  Offer(3, true);
  checkpoints_.Finish();
  EXPECT_EQ(Best(), 3.0F);
  EXPECT_EQ(Newest(), 3U);
  Offer(4, true);
  Write(5, true);
  Write(6);
  EXPECT_EQ(Best(), 5.0F);
}

TEST_F(PacedCheckpointsTest, WithoutAnIntervalEachIsWritten) {
  const TrainerFolder other;
  PacedCheckpoints checkpoints(other.Path(), {.keep_last = 9});
  for (std::uint64_t steps = 1; steps <= 4; ++steps) {
    const At at(steps);
    EXPECT_TRUE(checkpoints.Takes(false));
    checkpoints.Offer(at.header, at.state, false);
    EXPECT_TRUE(
        std::filesystem::exists(other.Path() / fmt::format("iteration-{:012}.ckpt", steps)));
  }
}

// The same best and last ones, and fewer files.
TEST(PacedTraining, LeavesBehindWhatEveryEpochsCheckpointsWouldHaveLeft) {
  const auto run = [](const std::filesystem::path& folder, double interval) {
    Session session{
        .config = SmallConfig(fmt::format(
            R"({{"checkpoint": {{"keep_last": 100, "min_interval_s": {}}}}})", interval)),
        .folder = folder};
    session.Run();
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
    return names;
  };
  const auto best = [](const std::filesystem::path& folder) {
    return std::get<Checkpoint>(ReadCheckpoint(folder / "best.ckpt"));
  };
  const TrainerFolder every;
  const TrainerFolder paced;
  EXPECT_EQ(run(every.Path(), 0.0).size(), 5U);
  const std::vector<std::string> names = run(paced.Path(), kNoTime);
  EXPECT_LT(names.size(), 5U);
  EXPECT_THAT(names, testing::IsSupersetOf({"best.ckpt", "iteration-000000000028.ckpt"}));
  EXPECT_EQ(best(paced.Path()).header.clock.epoch, best(every.Path()).header.clock.epoch);
  EXPECT_EQ(best(paced.Path()).state, best(every.Path()).state);
}

}  // namespace paced_checkpoints_test
}  // namespace ddl
