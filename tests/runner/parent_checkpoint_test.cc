// SPDX-License-Identifier: Apache-2.0
#include "runner/parent_checkpoint.h"

#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace parent_checkpoint_test {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class ParentCheckpoint : public testing::Test {
 protected:
  ParentCheckpoint() {
    fs::create_directories(paths_.Checkpoints("trial-7") + "/shards");
    fs::create_directories(paths_.Checkpoints("trial-9"));
    Write("trial-7/shards/0", std::string(3 << 20, 'x'));
    Write("trial-7/model", "weights");
    fs::create_symlink("model", paths_.Checkpoints("trial-7") + "/latest");
    launch_.id = {{41}, 0};
    launch_.checkpoint_name = "trial-9";
    launch_.parent_checkpoint = "trial-7";
    launch_.parent_number = 7;
  }
  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomically(paths_.Checkpoints(name), text));
  }
  [[nodiscard]] std::string Read(const std::string& name) const {
    return ReadFile(paths_.Checkpoints(name)).value_or("nothing");
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    return ListFolder(folder_ / "store/checkpoints");
  }

  TemporaryFolder folder_;
  HostPaths paths_{folder_.Path(), "store"};
  LaunchRecord launch_;
};

TEST_F(ParentCheckpoint, IsCopiedWholeAndByItsBytes) {
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_EQ(Read("trial-9/latest"), "weights");
  EXPECT_EQ(Read("trial-9/shards/0"), std::string(3 << 20, 'x'));
  EXPECT_EQ(fs::read_symlink(paths_.Checkpoints("trial-9/latest")), "model");
  EXPECT_THAT(Names(), UnorderedElementsAre("trial-7", "trial-9"));
  // What the trial writes over is its own.
  FileDescriptor file = OpenFile(paths_.Checkpoints("trial-9/model"), O_WRONLY | O_TRUNC);
  ASSERT_TRUE(WriteAll(file.Get(), "other"));
  EXPECT_EQ(Read("trial-7/model"), "weights");
}

TEST_F(ParentCheckpoint, ATrialWithOneOfItsOwnKeepsIt) {
  Write("trial-9/model", "own");
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_THAT(ListFolder(paths_.Checkpoints("trial-9")), UnorderedElementsAre("model"));
}

TEST_F(ParentCheckpoint, WhatAKilledStartLeftGoes) {
  fs::create_directories(paths_.Checkpoints("trial-9.aside-40"));
  fs::create_directories(paths_.Checkpoints("trial-90.aside-1"));
  Write("trial-9.aside-40/model", "half");
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_EQ(Read("trial-9/model"), "weights");
  EXPECT_THAT(Names(), UnorderedElementsAre("trial-7", "trial-9", "trial-90.aside-1"));
}

TEST_F(ParentCheckpoint, WithoutOneTheTrialIsTold) {
  launch_.parent_checkpoint = "trial-8";
  launch_.parent_number = 8;
  const InheritedCheckpoint missing = InheritCheckpoint(launch_, paths_);
  EXPECT_THAT(missing.problem, HasSubstr("trial 8 left no checkpoint on this host"));
  EXPECT_FALSE(missing.is_hosts_fault);
  fs::create_directories(paths_.Checkpoints("trial-8"));
  EXPECT_THAT(InheritCheckpoint(launch_, paths_).problem,
              HasSubstr("trial 8 left no checkpoint in its DDL_CHECKPOINT_DIR"));
}

TEST_F(ParentCheckpoint, NothingStaysOfACopyThatCannotBeMade) {
  const std::string own = paths_.Checkpoints("trial-9");
  fs::remove(own);
  Write("trial-9", "a file in its place");
  const InheritedCheckpoint refused = InheritCheckpoint(launch_, paths_);
  EXPECT_THAT(refused.problem, HasSubstr("cannot copy the checkpoint of trial 7: Not a directory"));
  EXPECT_TRUE(refused.is_hosts_fault);
  EXPECT_THAT(Names(), UnorderedElementsAre("trial-7", "trial-9"));
}

// As it lies in a snapshot: nobody may write to it.
class BroughtCheckpoint : public ParentCheckpoint {
 protected:
  BroughtCheckpoint() {
    launch_.brought_checkpoint = folder_ / "store/code/tree";
    fs::create_directories(launch_.brought_checkpoint);
    WriteBrought("model", "from afar");
    fs::remove_all(paths_.Checkpoints("trial-7"));
  }
  void WriteBrought(const std::string& name, const std::string& text) const {
    const std::string path = launch_.brought_checkpoint + "/" + name;
    ASSERT_TRUE(WriteFileAtomically(path, text));
    fs::permissions(path, fs::perms::owner_read | fs::perms::group_read);
  }
  void BelongsToItself() {
    launch_.parent_checkpoint.clear();
    launch_.parent_number = 0;
    launch_.trial_number = 9;
  }
};

TEST_F(BroughtCheckpoint, CountsForTheParents) {
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_EQ(Read("trial-9/model"), "from afar");
  const auto mode = fs::status(paths_.Checkpoints("trial-9/model")).permissions();
  EXPECT_EQ(mode & fs::perms::owner_write, fs::perms::owner_write) << "the trial may write to it";
  EXPECT_EQ(ReadFile(launch_.brought_checkpoint + "/model"), "from afar");
}

TEST_F(BroughtCheckpoint, AChildThatHasBegunKeepsItsOwn) {
  Write("trial-9/model", "own");
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_EQ(Read("trial-9/model"), "own");
}

TEST_F(BroughtCheckpoint, ReplacesWhatTheTrialItselfLeftHereBefore) {
  BelongsToItself();
  Write("trial-9/model", "older");
  Write("trial-9/stale", "older");
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_THAT(ListFolder(paths_.Checkpoints("trial-9")), UnorderedElementsAre("model"));
  EXPECT_EQ(Read("trial-9/model"), "from afar");
  EXPECT_THAT(Names(), UnorderedElementsAre("trial-9"));
}

// Between the two renames of an earlier start.
TEST_F(BroughtCheckpoint, AKillAmidTheReplacementLosesNothing) {
  BelongsToItself();
  fs::create_directories(paths_.Checkpoints("trial-9.aside-40"));
  fs::create_directories(paths_.Checkpoints("trial-9.aside-40-before"));
  Write("trial-9.aside-40/model", "from afar");
  Write("trial-9.aside-40-before/model", "older");
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_EQ(Read("trial-9/model"), "from afar");
  EXPECT_THAT(Names(), UnorderedElementsAre("trial-9"));
}

TEST_F(BroughtCheckpoint, ThatIsGoneCanBeBroughtOnceMore) {
  fs::remove_all(launch_.brought_checkpoint);
  const InheritedCheckpoint missing = InheritCheckpoint(launch_, paths_);
  EXPECT_THAT(missing.problem, HasSubstr("of trial 7 that was brought here is gone"));
  EXPECT_TRUE(missing.is_hosts_fault);
}

TEST_F(ParentCheckpoint, ATrialWithoutAParentIsLeftAlone) {
  launch_.parent_checkpoint.clear();
  EXPECT_EQ(InheritCheckpoint(launch_, paths_).problem, "");
  EXPECT_TRUE(ListFolder(paths_.Checkpoints("trial-9")).empty());
}

}  // namespace parent_checkpoint_test
}  // namespace ddl
