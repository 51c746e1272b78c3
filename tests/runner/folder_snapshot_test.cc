// SPDX-License-Identifier: Apache-2.0
#include "runner/folder_snapshot.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runner/code_tree.h"
#include "runner/file.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace folder_snapshot_test {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FolderSnapshots : public testing::Test {
 protected:
  FolderSnapshots() {
    fs::create_directories(from_ + "/shards/empty");
    Write("model", "weights");
    Write(".gitignore", "model\n");
    Write("shards/0", std::string(3 << 20, 'x'));
    fs::create_symlink("shards/0", from_ + "/latest");
    ::mkfifo((from_ + "/pipe").c_str(), 0600);
  }
  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomically(from_ + "/" + name, text));
  }
  [[nodiscard]] std::string Tree(const FolderSnapshot& kept) const {
    return CodeTree::FolderOfTree(code_, kept.code);
  }

  TemporaryFolder folder_;
  std::string from_ = folder_ / "from";
  std::string code_ = folder_ / "code";
};

TEST_F(FolderSnapshots, HoldAllThatIsThere) {
  const FolderSnapshot kept = KeepFolder(from_, code_);
  ASSERT_EQ(kept.problem, "");
  EXPECT_EQ(ReadFile(Tree(kept) + "/model"), "weights") << "whatever .gitignore says";
  EXPECT_EQ(ReadFile(Tree(kept) + "/latest"), std::string(3 << 20, 'x'));
  EXPECT_EQ(fs::read_symlink(Tree(kept) + "/latest"), "shards/0");
  EXPECT_TRUE(fs::is_directory(Tree(kept) + "/shards/empty"));
  EXPECT_FALSE(fs::exists(Tree(kept) + "/pipe"));
  EXPECT_TRUE(HasSnapshot(code_, kept.code));
}

TEST_F(FolderSnapshots, AreNamedByWhatTheyHold) {
  const FolderSnapshot kept = KeepFolder(from_, code_);
  EXPECT_EQ(KeepFolder(from_, code_).code, kept.code);
  fs::create_directories(folder_ / "other");
  fs::copy(from_ + "/shards", folder_ / "other/shards", fs::copy_options::recursive);
  EXPECT_NE(KeepFolder(folder_ / "other", code_).code, kept.code);
  Write("model", "changed");
  EXPECT_NE(KeepFolder(from_, code_).code, kept.code);
}

TEST_F(FolderSnapshots, OfNothingAreNone) {
  for (const std::string& folder : {folder_ / "missing", from_ + "/shards/empty"}) {
    const FolderSnapshot kept = KeepFolder(folder, code_);
    EXPECT_EQ(kept.code + kept.problem, "");
  }
}

TEST_F(FolderSnapshots, ThatAreDamagedAreMadeAnew) {
  const FolderSnapshot kept = KeepFolder(from_, code_);
  fs::remove(Tree(kept) + "/model");
  EXPECT_FALSE(HasSnapshot(code_, kept.code));
  EXPECT_EQ(KeepFolder(from_, code_).code, kept.code);
  EXPECT_TRUE(HasSnapshot(code_, kept.code));
  fs::remove_all(code_ + "/" + kept.code);
  EXPECT_FALSE(HasSnapshot(code_, kept.code));
}

TEST_F(FolderSnapshots, EndWhenTheyAreStopped) {
  std::stop_source stop;
  stop.request_stop();
  const FolderSnapshot kept = KeepFolder(from_, code_, stop.get_token());
  EXPECT_THAT(kept.problem, HasSubstr("Operation canceled"));
  EXPECT_EQ(kept.code, "");
}

TEST_F(FolderSnapshots, SayWhatCannotBeKept) {
  ASSERT_TRUE(WriteFileAtomically(code_, "a file in its place"));
  EXPECT_THAT(KeepFolder(from_, code_).problem, HasSubstr("cannot write to " + code_));
}

}  // namespace folder_snapshot_test
}  // namespace ddl
