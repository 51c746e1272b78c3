// SPDX-License-Identifier: Apache-2.0
#include "runner/code_snapshot.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "configs/error.h"
#include "runner/code_stats.h"
#include "runner/code_tree.h"
#include "runner/sha256.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace code_snapshot_test {

namespace fs = std::filesystem;

class Code : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(folder_ / "work");
    Write("train.py", "one");
    Write("lib/model.py", "model");
    fs::permissions(folder_ / "work/train.py", fs::perms::owner_exec, fs::perm_options::add);
  }
  void Write(const std::string& path, const std::string& text) const {
    const std::string file = folder_ / "work/" + path;
    fs::create_directories(fs::path(file).parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] CodeSource Source() const { return {folder_ / "work", folder_ / "code", {}}; }
  [[nodiscard]] std::string Tree(const std::string& code) const {
    return CodeTree::FolderOfTree(folder_ / "code", code);
  }
  static std::string Read(const std::string& path) { return ReadFile(path).value_or("nothing"); }
  static struct stat StatOf(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
  }

  TemporaryFolder folder_;
};

TEST_F(Code, IsWhatIsListedWhereverItLies) {
  CodeSource source = Source();
  source.files = {{"bin/start", folder_ / "work/train.py"},
                  {"lib/deep/model", folder_ / "work/lib/model.py"}};
  const CodeSnapshot kept = TakeCode(source);
  EXPECT_EQ(kept.files, 2);
  EXPECT_EQ(Read(Tree(kept.code) + "/bin/start"), "one");
  EXPECT_EQ(StatOf(Tree(kept.code) + "/bin/start").st_mode & 0777U, 0555U);
  EXPECT_EQ(Read(Tree(kept.code) + "/lib/deep/model"), "model");
  EXPECT_FALSE(fs::exists(Tree(kept.code) + "/train.py"));
  // It is named by what the files hold, not by where they lie.
  fs::rename(folder_ / "work", folder_ / "elsewhere");
  source = {folder_ / "elsewhere", folder_ / "code", {}};
  source.files = {{"bin/start", folder_ / "elsewhere/train.py"},
                  {"lib/deep/model", folder_ / "elsewhere/lib/model.py"}};
  EXPECT_EQ(TakeCode(source).code, kept.code);
  std::ofstream(folder_ / "elsewhere/lib/model.py") << "another";
  EXPECT_EQ(GoOnWithCode(source, kept.code), 1);
  fs::remove(folder_ / "elsewhere/lib/model.py");
  EXPECT_THROW((void)TakeCode(source), Error);
}

// The first one of a store is written before it has a name; a kill leaves that.
TEST_F(Code, TheFirstOneLeavesNothingOfOneThatWasKilled) {
  fs::create_directories(folder_ / "code/first.aside/tree/old");
  std::ofstream(folder_ / "code/first.aside/tree/train.py") << "older";
  const CodeSnapshot kept = TakeCode(Source());
  EXPECT_FALSE(fs::exists(folder_ / "code/first.aside"));
  EXPECT_FALSE(fs::exists(Tree(kept.code) + "/old"));
  EXPECT_EQ(Read(Tree(kept.code) + "/train.py"), "one");
  EXPECT_EQ(Read(Tree(kept.code) + "/lib/model.py"), "model");
  const ino_t first = StatOf(Tree(kept.code) + "/train.py").st_ino;
  EXPECT_EQ(TakeCode(Source()).code, kept.code);
  EXPECT_EQ(StatOf(Tree(kept.code) + "/train.py").st_ino, first);
}

TEST_F(Code, IsKeptAsItWas) {
  const CodeSnapshot before = TakeCode(Source());
  EXPECT_EQ(before.files, 2);
  Write("train.py", "two");
  fs::remove(folder_ / "work/lib/model.py");
  EXPECT_EQ(Read(Tree(before.code) + "/train.py"), "one");
  EXPECT_EQ(Read(Tree(before.code) + "/lib/model.py"), "model");
  EXPECT_EQ(StatOf(Tree(before.code) + "/train.py").st_mode & 0777U, 0555U);
  EXPECT_EQ(StatOf(Tree(before.code) + "/lib/model.py").st_mode & 0777U, 0444U);
}

TEST_F(Code, HasOneNameForOneContent) {
  const std::string before = TakeCode(Source()).code;
  EXPECT_EQ(TakeCode(Source()).code, before);
  Write("train.py", "two");
  const std::string changed = TakeCode(Source()).code;
  EXPECT_NE(changed, before);
  fs::permissions(folder_ / "work/train.py", fs::perms::owner_exec, fs::perm_options::remove);
  EXPECT_NE(TakeCode(Source()).code, changed);
}

TEST_F(Code, KeepsWhatDidNotChangeOnce) {
  const std::string before = TakeCode(Source()).code;
  Write("train.py", "two");
  const std::string after = TakeCode(Source()).code;
  EXPECT_EQ(StatOf(Tree(before) + "/lib/model.py").st_ino,
            StatOf(Tree(after) + "/lib/model.py").st_ino);
}

TEST_F(Code, TakesNoDamagedFileAlong) {
  const std::string before = TakeCode(Source()).code;
  const std::string kept = Tree(before) + "/lib/model.py";
  fs::permissions(kept, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(kept) << "MODEL";
  Write("train.py", "two");
  const std::string after = TakeCode(Source()).code;
  EXPECT_EQ(Read(Tree(after) + "/lib/model.py"), "model");
  Write("train.py", "one");
  EXPECT_EQ(TakeCode(Source()).code, before);
  EXPECT_EQ(Read(kept), "model") << "the damaged one is mended where the workdir has it";
}

TEST_F(Code, ComparesContentsAfterAnotherBoot) {
  const std::string code = TakeCode(Source()).code;
  const std::string kept = Tree(code) + "/lib/model.py";
  const struct stat was = StatOf(kept);
  fs::permissions(kept, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(kept) << "MODEL";
  fs::permissions(kept, fs::perms::owner_write, fs::perm_options::remove);
  const timespec times[] = {was.st_mtim, was.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, kept.c_str(), times, 0), 0);
  std::ofstream(folder_ / "code/" + code + "/boot") << "another";
  EXPECT_EQ(TakeCode(Source()).code, code);
  EXPECT_EQ(Read(kept), "model");
}

TEST_F(Code, ShowsWhatWasLeftOutWhereItIs) {
  Write("data/big.csv", "1,2");
  Write(".ddlignore", "data/\n");
  const std::string code = TakeCode(Source()).code;
  EXPECT_EQ(Read(Tree(code) + "/data/big.csv"), "1,2");
  EXPECT_TRUE(fs::is_symlink(Tree(code) + "/data"));
}

TEST_F(Code, OfASweepThatGoesOnIsTheOneItBeganWith) {
  const std::string code = TakeCode(Source()).code;
  EXPECT_EQ(GoOnWithCode(Source(), code), 0);
  Write("train.py", "two");
  Write("new.py", "new");
  EXPECT_EQ(GoOnWithCode(Source(), code), 2);
  EXPECT_EQ(Read(Tree(code) + "/train.py"), "one");
}

TEST_F(Code, ThatIsGoneIsNotMadeUp) {
  const std::string code = TakeCode(Source()).code;
  RemoveTree(folder_ / "code/" + code);
  EXPECT_EQ(GoOnWithCode(Source(), code), 0) << "the workdir still has it";
  RemoveTree(folder_ / "code/" + code);
  Write("train.py", "two");
  EXPECT_EQ(GoOnWithCode(Source(), code), std::nullopt);
}

TEST_F(Code, IsReadAgainWhereAStampSaysNothing) {
  WalkedFile file{{CodeKind::kFile, "a", std::string(64, 'a'), 1}, {1, 1'000, 1'000, 7}};
  CodeStats stats;
  const std::chrono::system_clock::time_point changed{std::chrono::nanoseconds(1'000)};
  stats.Add(file, changed + std::chrono::seconds(1));
  EXPECT_EQ(stats.Find(file), std::nullopt) << "it may have changed again in the same tick";
  stats.Add(file, changed + std::chrono::seconds(3));
  stats.Write(folder_ / "stats");
  const CodeStats read = CodeStats::Read(folder_ / "stats");
  EXPECT_EQ(read.Find(file), file.entry.content);
  file.stamp.inode = 8;
  EXPECT_EQ(read.Find(file), std::nullopt);
}

TEST_F(Code, ManifestReadsBackAndLeavesNoFolder) {
  CodeManifest manifest{"/home/ann/my project",
                        {{CodeKind::kLink, "a link", "lib/model.py", 0},
                         {CodeKind::kFolder, "lib", "", 0},
                         {CodeKind::kFile, "lib/new\nline", std::string(64, '0'), 12}}};
  EXPECT_EQ(ParseManifest(ManifestText(manifest)), manifest);
  for (const char* path : {"../a", "/a", "a/../b", "a//b", "", "a/"}) {
    manifest.entries = {{CodeKind::kFolder, path, "", 0}};
    EXPECT_EQ(ParseManifest(ManifestText(manifest)), std::nullopt) << path;
  }
  const std::string text = ManifestText({"/w", {{CodeKind::kFolder, "lib", "", 0}}});
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const auto part = ParseManifest(text.substr(0, cut));
    EXPECT_TRUE(!part || part->entries.empty()) << cut;
  }
}

}  // namespace code_snapshot_test
}  // namespace ddl
