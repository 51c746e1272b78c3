// SPDX-License-Identifier: Apache-2.0
// What is in a folder of checkpoints when a save is cut off, and beside files that are damaged.
#include "trainer/checkpoint_folder.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace checkpoint_folder_test {

namespace fs = std::filesystem;

using testing::UnorderedElementsAre;

class CheckpointFolderTest : public testing::Test {
 protected:
  // After so many steps, with a state that tells them.
  void Save(std::uint64_t steps, bool is_best, std::size_t keep_last = 2) const {
    CheckpointFolder folder(folder_.Path(), keep_last);
    const CheckpointHeader header{
        .training = "t", .arithmetic = "a", .clock = {.iteration = steps}};
    folder.Save(header, std::vector<float>(3, static_cast<float>(steps)), is_best);
  }
  [[nodiscard]] fs::path PathOf(std::uint64_t steps) const {
    return folder_.Path() / fmt::format("iteration-{:012}.ckpt", steps);
  }
  void Damage(std::uint64_t steps) const { std::ofstream(PathOf(steps)) << "ddl ckpt but damaged"; }
  // Steps that a file's state tells; 0: it is not whole.
  static float StepsIn(const fs::path& path) {
    const auto read = ReadCheckpoint(path);
    const auto* checkpoint = std::get_if<Checkpoint>(&read);
    return checkpoint == nullptr ? 0.0F : checkpoint->state.at(0);
  }
  [[nodiscard]] float Best() const { return StepsIn(folder_.Path() / "best.ckpt"); }
  [[nodiscard]] std::uint64_t Newest() const {
    std::vector<std::string> notes;
    const auto found = CheckpointFolder(folder_.Path(), 2).LoadNewest("t", 3, notes);
    return found ? found->header.clock.iteration : 0;
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.Path()))
      names.push_back(entry.path().filename().string());
    return names;
  }

  TrainerFolder folder_;
};

// The second of the two writes is made to fail, as if the process had been killed between them.
TEST_F(CheckpointFolderTest, ABestOneThatIsCutOffIsWrittenBeforeItsIteration) {
  Save(1, true);
  fs::create_directories(PathOf(2) / "in the way");
  EXPECT_THROW(Save(2, true), Error);
  EXPECT_EQ(Best(), 2.0F);
  EXPECT_EQ(Newest(), 1U) << "the training goes on before the best, and comes to it again";
  fs::remove_all(PathOf(2));
  Save(2, true);
  EXPECT_EQ(StepsIn(PathOf(2)), 2.0F);
  EXPECT_THAT(Names(), UnorderedElementsAre("best.ckpt", "iteration-000000000001.ckpt",
                                            "iteration-000000000002.ckpt"));
}

TEST_F(CheckpointFolderTest, WhatCannotBeReadIsPassedOver) {
  Save(1, false);
  fs::create_directory(PathOf(2));
  EXPECT_EQ(Newest(), 1U);
}

// Of a kill between the link and its renaming.
TEST_F(CheckpointFolderTest, WhatAKillLeftAsideIsNotWrittenThrough) {
  Save(1, true);
  fs::create_hard_link(folder_.Path() / "best.ckpt", PathOf(2).string() + ".aside");
  Save(2, false);
  EXPECT_EQ(Best(), 1.0F);
  fs::create_hard_link(PathOf(2), folder_.Path() / "best.ckpt.aside");
  Save(3, true);
  EXPECT_EQ(StepsIn(PathOf(2)), 2.0F);
  EXPECT_EQ(Best(), 3.0F);
}

TEST_F(CheckpointFolderTest, ADamagedOneOfALaterIterationTakesNoPlace) {
  Damage(100);
  EXPECT_EQ(Newest(), 0U);
  Save(1, false, 1);
  EXPECT_EQ(Newest(), 1U);
  Save(2, false, 1);
  EXPECT_THAT(Names(), UnorderedElementsAre("iteration-000000000002.ckpt"));
}

TEST_F(CheckpointFolderTest, WhatWasPassedOverDoesNotComeBack) {
  Save(5, false);
  const fs::path elsewhere = folder_.Path() / "kept";
  fs::rename(PathOf(5), elsewhere);
  Damage(5);
  Save(1, false);
  EXPECT_FALSE(fs::exists(PathOf(5)));
  Damage(1);
  fs::rename(elsewhere, PathOf(5));
  Save(2, false);
  EXPECT_EQ(Newest(), 2U);
}

TEST_F(CheckpointFolderTest, FilesOfOtherNamesAreLeftAlone) {
  Save(1, false);
  fs::copy_file(PathOf(1), folder_.Path() / "iteration-mine.ckpt");
  for (const std::uint64_t steps : {2U, 3U, 4U})
    Save(steps, false);
  EXPECT_THAT(Names(), UnorderedElementsAre("iteration-mine.ckpt", "iteration-000000000003.ckpt",
                                            "iteration-000000000004.ckpt"));
}

}  // namespace checkpoint_folder_test
}  // namespace ddl
