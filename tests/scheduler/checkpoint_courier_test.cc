// SPDX-License-Identifier: Apache-2.0
#include "scheduler/checkpoint_courier.h"

#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "runner/code_tree.h"
#include "runner/file.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace checkpoint_courier_test {

namespace fs = std::filesystem;
using testing::HasSubstr;

// From this machine's own host folder; tests/cli/pbt_hosts_test.cc fetches over SSH.
class CourierOfCheckpoints : public testing::Test {
 protected:
  CourierOfCheckpoints() {
    fs::create_directories(store_);
    fs::create_directories(host_ + "/checkpoints/trial-7");
    Write("first");
  }
  void Write(const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomically(host_ + "/checkpoints/trial-7/model", text));
  }
  [[nodiscard]] FetchCheckpoint Order(int attempt = 1, bool is_there = true) const {
    return {.sweep = {3},
            .number = 5,
            .attempt = attempt,
            .trial = {7},
            .host = "local",
            .folder = host_,
            .is_there = is_there};
  }
  [[nodiscard]] CheckpointFetched Answer(const FetchCheckpoint& order) {
    CheckpointCourier courier(store_, "no agent", [this](CheckpointFetched fetched) {
      answers_.Put(std::move(fetched));
    });
    courier.Fetch(order);
    auto answers = answers_.TakeAll(std::chrono::minutes(1));
    EXPECT_EQ(answers.size(), 1U);
    return answers.at(0);
  }
  [[nodiscard]] std::string ModelOf(const CheckpointFetched& fetched) const {
    return ReadFile(CodeTree::FolderOfTree(store_ + "/code", fetched.code) + "/model").value_or("");
  }

  TemporaryFolder folder_;
  std::string store_ = folder_ / "store";
  std::string host_ = folder_ / "host";
  Mailbox<CheckpointFetched> answers_;
};

TEST_F(CourierOfCheckpoints, MakesASnapshotAndSaysWhoseItIs) {
  const CheckpointFetched fetched = Answer(Order());
  EXPECT_EQ(fetched.problem, "");
  EXPECT_EQ(fetched.sweep, SweepId{3});
  EXPECT_EQ(fetched.number, 5);
  EXPECT_EQ(fetched.attempt, 1);
  EXPECT_EQ(ModelOf(fetched), "first");
}

TEST_F(CourierOfCheckpoints, AnswersFromTheDiskWhatWasFetchedBefore) {
  const CheckpointFetched first = Answer(Order());
  fs::remove_all(host_);
  EXPECT_EQ(Answer(Order(1, false)).code, first.code);
  const CheckpointFetched other = Answer(Order(2, false));
  EXPECT_EQ(other.code, "") << "that is another checkpoint";
  EXPECT_THAT(other.problem, HasSubstr("local does not answer"));
}

TEST_F(CourierOfCheckpoints, TakesTheCheckpointOfALaterAttemptForAnother) {
  const CheckpointFetched first = Answer(Order());
  Write("second");
  EXPECT_EQ(ModelOf(Answer(Order(1))), "first");
  EXPECT_EQ(ModelOf(Answer(Order(2))), "second");
}

TEST_F(CourierOfCheckpoints, FetchesAgainWhatWasRemovedOrDamaged) {
  const CheckpointFetched first = Answer(Order());
  fs::remove_all(store_ + "/code/" + first.code);
  EXPECT_EQ(ModelOf(Answer(Order())), "first");
  fs::remove(CodeTree::FolderOfTree(store_ + "/code", first.code) + "/model");
  EXPECT_EQ(ModelOf(Answer(Order())), "first");
}

TEST_F(CourierOfCheckpoints, SaysThatThereIsNone) {
  fs::remove(host_ + "/checkpoints/trial-7/model");
  const CheckpointFetched none = Answer(Order());
  EXPECT_TRUE(none.is_missing);
  EXPECT_EQ(none.code + none.problem, "");
}

TEST_F(CourierOfCheckpoints, LeavesTheDiskToAGcThatIsAtWork) {
  fs::create_directories(store_ + "/checkpoints");
  const FileDescriptor lock = OpenFile(store_ + "/checkpoints/lock", O_RDWR | O_CREAT);
  ASSERT_EQ(::flock(lock.Get(), LOCK_EX), 0);
  EXPECT_THAT(Answer(Order()).problem, HasSubstr("ddl gc is at work"));
}

}  // namespace checkpoint_courier_test
}  // namespace ddl
