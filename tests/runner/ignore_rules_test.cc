// SPDX-License-Identifier: Apache-2.0
#include "runner/ignore_rules.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "configs/error.h"
#include "runner/code_walk.h"
#include "runner/command_output.h"
#include "runner/wildcard.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace ignore_rules_test {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Wildcard, StarsMatchNoSlashUnlessTheyAreTwo) {
  EXPECT_TRUE(MatchesWildcard("*.py", "a.py"));
  EXPECT_FALSE(MatchesWildcard("*.py", "a/b.py"));
  EXPECT_TRUE(MatchesWildcard("a/**/b", "a/b"));
  EXPECT_TRUE(MatchesWildcard("a/**/b", "a/x/y/b"));
  EXPECT_TRUE(MatchesWildcard("a/**", "a/x/y"));
  EXPECT_FALSE(MatchesWildcard("a/**", "a"));
  EXPECT_TRUE(MatchesWildcard("**/b", "b"));
  EXPECT_FALSE(MatchesWildcard("a**b", "a/b"));
}

TEST(Wildcard, SetsTakeRangesClassesAndTheirOppositesButNoSlash) {
  EXPECT_TRUE(MatchesWildcard("[a-c]1", "b1"));
  EXPECT_FALSE(MatchesWildcard("[!a-c]1", "b1"));
  EXPECT_TRUE(MatchesWildcard("[[:digit:]x]", "7"));
  EXPECT_TRUE(MatchesWildcard("[]-]", "]"));
  EXPECT_FALSE(MatchesWildcard("a[!b]c", "a/c"));
  EXPECT_FALSE(MatchesWildcard("[a", "[a"));
  EXPECT_TRUE(MatchesWildcard("\\[a", "[a"));
}

TEST(Wildcard, AnswersInNoTimeWhateverThePattern) {
  std::string pattern;
  for (int i = 0; i < 30; ++i)
    pattern += "*a";
  EXPECT_FALSE(MatchesWildcard(pattern + "b", std::string(250, 'a')));
}

// A tree of files, and what a walk and git find in it.
class IgnoredFiles : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text = "x") const {
    fs::create_directories(fs::path(folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }
  [[nodiscard]] static std::set<std::string> Kept(const std::string& workdir) {
    std::set<std::string> kept;
    for (const WalkedFile& file : WalkCode(workdir, {}).files) {
      if (file.entry.kind != CodeKind::kFolder) kept.insert(file.entry.path);
    }
    return kept;
  }
  static std::string Git(std::vector<std::string> words, const std::string& workdir) {
    words.insert(words.begin(), {"git", "-C", workdir, "-c", "core.excludesFile=/dev/null"});
    return RunCommand(words, std::chrono::seconds(20), 1U << 20U).text;
  }
  // What git would add: neither ignored nor in an ignored folder.
  [[nodiscard]] static std::set<std::string> GitKeeps(const std::string& workdir) {
    const std::string text =
        Git({"ls-files", "-z", "--others", "--exclude-standard", "."}, workdir);
    std::set<std::string> kept;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\0', begin);
      kept.insert(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return kept;
  }
  [[nodiscard]] bool HasGit() const {
    return RunCommand({"git", "init", "-q", folder_.Path()}, std::chrono::seconds(20), 4096)
               .exit_code == 0;
  }

  TemporaryFolder folder_;
};

TEST_F(IgnoredFiles, AreThoseThatGitIgnores) {
  if (!HasGit()) GTEST_SKIP() << "no git here";
  const std::string names[] = {"a.py",         "a.log",       "keep.log",    "build/x",
                               "sub/build/x",  "sub/a.log",   "sub/deep/b",  "sub/deep/c.tmp",
                               "doc/a.txt",    "doc/b/a.txt", "x/y/z/end",   "x/end",
                               "space ",       "#hash",       "!bang",       "data/raw/1",
                               "data/keep/1",  "back\\slash", "q1",          "qq",
                               "sub/keep.log", "weird[1]",    "sub/only",    "only",
                               "star*",        "a/b/c/d",     "foo/bar/baz", "sub/foo/bar",
                               "UPPER.PY",     "a.pyc",       ".hidden",     "n/file"};
  const std::string rules[] = {
      "*.log\n!keep.log\n",
      "build/\n",
      "/build\n/only\n",
      "sub/deep/\n",
      "**/end\n",
      "x/**/end\n",
      "x/**\n!x/end\n",
      "doc/*.txt\n",
      "doc/**/*.txt\r\n",
      "space\\ \n",
      "space \n#hash\n",
      "\\#hash\n\\!bang\n",
      "data/*\n!data/keep\n",
      "data/\n!data/keep/1\n",
      "q[0-9]\n[!a-z]nly\n",
      "q?\nweird\\[1]\n",
      "weird[1]\nstar\\*\n",
      "*\n!*/\n!*.py\n",
      "a/**/d\n",
      "foo/bar\n",
      "\xEF\xBB\xBF*.log\n\n\n",
      "*.py[co]\n.hidden\n",
      "back\\\\slash\n",
      "/*\n!/sub\n/sub/*\n!/sub/deep\n",
      "**\n!**/\n!a.py\n",
      "sub/**/\n",
      "n/\n!n\n",
      "[[:upper:]]*\n",
      "/\n//\nq[\n",
  };
  for (const std::string& name : names)
    Write(name);
  for (const std::string& text : rules) {
    Write(".gitignore", text);
    EXPECT_EQ(Kept(folder_.Path()), GitKeeps(folder_.Path())) << text;
  }
}

TEST_F(IgnoredFiles, AreNamedInFoldersAboveAndBelowToo) {
  if (!HasGit()) GTEST_SKIP() << "no git here";
  for (const char* name : {"a.log", "sub/a.log", "sub/deep/a.log", "sub/deep/b", "sub/deep/er/c"})
    Write(name);
  Write(".gitignore", "*.log\n/sub/deep/b\n");
  Write("sub/.gitignore", "!a.log\ner/\n");
  Write("sub/deep/.gitignore", "/a.log\n!er\n");
  for (const char* workdir : {"", "/sub", "/sub/deep"}) {
    EXPECT_EQ(Kept(folder_.Path() + workdir), GitKeeps(folder_.Path() + workdir)) << workdir;
  }
}

TEST_F(IgnoredFiles, AreNamedByDdlignoreWithTheLastWord) {
  Write("data/a");
  Write("notes/b");
  Write("weights.bin");
  Write(".gitignore", "weights.bin\n");
  Write(".ddlignore", "data/\n!weights.bin\n");
  EXPECT_THAT(Kept(folder_.Path()),
              ElementsAre(".ddlignore", ".gitignore", "notes/b", "weights.bin"));
  EXPECT_THAT(WalkCode(folder_.Path(), {}).left, ElementsAre("data"));
}

TEST_F(IgnoredFiles, LeaveOutWhatIsNoCodeWherever) {
  Write("a");
  Write(".git/config");
  Write("sub/.ddl/ddl.db");
  Write("store/ddl.db");
  fs::create_symlink("a", folder_ / "inside");
  fs::create_symlink("../elsewhere", folder_ / "outside");
  fs::create_symlink("/etc", folder_ / "absolute");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const CodeWalk walk = WalkCode(folder_.Path(), {folder_ / "store"});
  std::vector<std::string> kept;
  for (const WalkedFile& file : walk.files)
    kept.push_back(file.entry.path);
  EXPECT_THAT(kept, ElementsAre("a", "inside", "sub"));
  EXPECT_EQ(walk.links_out, 2);
  EXPECT_EQ(walk.no_files, 1);
  EXPECT_THAT(walk.left, testing::UnorderedElementsAre("outside", "absolute", "pipe"));
}

TEST_F(IgnoredFiles, AreAskedForWhereTheWorkdirIsTooLarge) {
  Write("big/a", std::string(3 << 20, 'x'));
  Write("b");
  try {
    (void)WalkCode(folder_.Path(), {}, {.files = 10, .bytes = 1 << 20});
    ADD_FAILURE() << "it was taken";
  } catch (const Error& refusal) {
    EXPECT_THAT(refusal.Message(), HasSubstr("the largest of it: big (3 MiB)"));
    EXPECT_THAT(refusal.Hint(), HasSubstr(".ddlignore"));
  }
}

}  // namespace ignore_rules_test
}  // namespace ddl
