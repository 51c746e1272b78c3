// SPDX-License-Identifier: Apache-2.0
// A snapshot with a library that a host may have itself, between the two ends of a link. The
// snapshot's program is a script that takes for fitting what begins with the word.
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/code_receiver.h"
#include "runner/code_sender.h"
#include "runner/code_snapshot.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace code_libraries_test {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kName = "libddlnowhere.so.7";
constexpr std::size_t kBytes = 3'000'000;

class CodeLibraries : public testing::Test {
 protected:
  void SetUp() override {
    Write(
        "here/loader",
        "#!/bin/sh\n# --library-path LIB PROGRAM --library FILE\n"
        "read word rest < \"$5\"\n[ \"$word\" = fits ] && exit 0\necho \"it is $word\"\nexit 3\n");
    fs::permissions(folder_ / "here/loader", fs::perms::owner_all);
    Write("here/trainer", "program");
    Write(std::string("here/lib/") + kName, "fits \n" + std::string(kBytes, 'x'));
    Write("host/host.json", "{}");
  }
  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }
  // The program's own text makes another snapshot; `has_one`: this machine has the library.
  [[nodiscard]] std::string Take(const std::string& program = "program",
                                 bool has_one = true) const {
    Write("here/trainer", program);
    CodeSource source{.workdir = folder_.Path(), .code_folder = folder_ / "code", .never = {}};
    source.files = {{"ld-linux-x86-64.so.2", folder_ / "here/loader"},
                    {"ddl-trainer", folder_ / "here/trainer"}};
    source.libraries = {
        {std::string("lib/") + kName, has_one ? folder_ / ("here/lib/" + std::string(kName)) : ""}};
    return TakeCode(source).code;
  }
  // True once the host has it or refuses it; at most `pieces` move.
  bool Move(const std::string& code, const std::string& store = "store", int pieces = 1'000'000) {
    asked_ = {};
    fs::create_directories(folder_ / ("host/" + store));
    std::vector<CodeNews> heard;
    CodeSender sender(folder_ / "code");
    CodeReceiver receiver(folder_ / ("host/" + store + "/code"), [&](CodeNews news) {
      last_ = news;
      if (news.stage == CodeStage::kLibraries) asked_ = news;
      heard.push_back(std::move(news));
    });
    const OfferCode offer{
        code, CodeTree::ManifestBytes(folder_ / "code", code), {folder_ / "cuda"}};
    sender.Offered(offer);
    receiver.On(offer);
    for (int i = 0; i < pieces; ++i) {
      for (const CodeNews& news : std::exchange(heard, {}))
        sender.Heard(news, CodeSender::Clock::now());
      if (last_.stage == CodeStage::kReady || last_.stage == CodeStage::kRefused) return true;
      const auto piece = sender.Next(CodeSender::Clock::now());
      if (const auto problem = sender.TakeProblem()) last_ = *problem;
      if (piece) receiver.On(*piece);
    }
    return false;
  }
  void HostHas(const std::string& word) const {
    Write(std::string("cuda/") + kName, word + " \n" + std::string(100, 'y'));
  }
  [[nodiscard]] std::string Placed() const { return last_.folder + "/lib/" + kName; }

  [[nodiscard]] bool IsWhole() const {
    return ReadFile(Placed()) == ReadFile(folder_ / ("here/lib/" + std::string(kName)));
  }

  TemporaryFolder folder_;
  CodeNews last_;
  CodeNews asked_;
};

TEST_F(CodeLibraries, OfTheHostAreUsedWhereTheyFit) {
  HostHas("fits");
  ASSERT_TRUE(Move(Take()));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_THAT(asked_.lacking, IsEmpty());
  EXPECT_EQ(fs::read_symlink(Placed()), folder_ / ("cuda/" + std::string(kName)));
}

TEST_F(CodeLibraries, AreSentWhereTheHostHasNone) {
  ASSERT_TRUE(Move(Take()));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_EQ(asked_.lacking.size(), 1U);
  EXPECT_GT(asked_.all_bytes, kBytes);
  EXPECT_EQ(asked_.problem, std::string(kName) + ": there is none");
  EXPECT_TRUE(IsWhole());
}

TEST_F(CodeLibraries, AreSentWhereTheHostsDoNotFitAndSoIsSaid) {
  HostHas("old");
  ASSERT_TRUE(Move(Take()));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_THAT(asked_.problem, EndsWith(std::string("cuda/") + kName + ": it is old"));
  EXPECT_FALSE(fs::is_symlink(Placed()));
}

TEST_F(CodeLibraries, AreSentOnceForAllSnapshotsAndStores) {
  ASSERT_TRUE(Move(Take()));
  ASSERT_EQ(asked_.lacking.size(), 1U);
  for (int i = 0; i < 6; ++i) {  // more than the newest ones, whose other files are looked at
    ASSERT_TRUE(Move(Take("version " + std::to_string(i))));
    EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
    EXPECT_THAT(asked_.lacking, IsEmpty()) << i;
  }
  ASSERT_TRUE(Move(Take(), "other"));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_THAT(asked_.lacking, IsEmpty()) << "another store has it";
  EXPECT_THAT(last_.folder, HasSubstr("host/other/code"));
  EXPECT_EQ(fs::hard_link_count(Placed()), 8U);
}

TEST_F(CodeLibraries, StayWhereASnapshotHasThemWhenItIsAskedForAgain) {
  ASSERT_TRUE(Move(Take()));
  ASSERT_TRUE(Move(Take()));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_THAT(asked_.lacking, IsEmpty());
}

TEST_F(CodeLibraries, GoOnWhereACutLeftThem) {
  for (const int pieces : {4, 10, 30, 45}) {
    RemoveTree(folder_ / "host/store");
    ASSERT_FALSE(Move(Take(), "store", pieces)) << pieces;
    const std::uint64_t arrived = last_.bytes;
    ASSERT_TRUE(Move(Take())) << pieces;
    EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
    EXPECT_GE(asked_.begun, arrived);
    EXPECT_GT(pieces > 4 ? asked_.begun : 1U, 0U) << pieces;
    EXPECT_TRUE(IsWhole());
  }
}

TEST_F(CodeLibraries, ThatAHostGotMeanwhileAreTakenInsteadOfTheRest) {
  ASSERT_FALSE(Move(Take(), "store", 20));
  HostHas("fits");
  ASSERT_TRUE(Move(Take()));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_TRUE(fs::is_symlink(Placed()));
}

TEST_F(CodeLibraries, ThatAHostNoLongerHasAreSent) {
  HostHas("fits");
  ASSERT_TRUE(Move(Take()));
  ASSERT_TRUE(fs::is_symlink(Placed()));
  fs::remove_all(folder_ / "cuda");
  ASSERT_TRUE(Move(Take()));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_EQ(asked_.lacking.size(), 1U);
  EXPECT_FALSE(fs::is_symlink(Placed()));
}

// The newest snapshot has a link, an older one the file.
TEST_F(CodeLibraries, ThatWereSentBeforeTheHostHadItsOwnAreFoundAgain) {
  ASSERT_TRUE(Move(Take()));
  ASSERT_EQ(asked_.lacking.size(), 1U);
  HostHas("fits");
  ASSERT_TRUE(Move(Take("newer")));
  ASSERT_TRUE(fs::is_symlink(Placed()));
  fs::remove_all(folder_ / "cuda");
  ASSERT_TRUE(Move(Take("newest")));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_THAT(asked_.lacking, IsEmpty());
}

TEST_F(CodeLibraries, ThatNobodyHasAreARefusalThatSaysWhatToDo) {
  HostHas("old");
  ASSERT_TRUE(Move(Take("program", false)));
  EXPECT_EQ(last_.stage, CodeStage::kRefused);
  EXPECT_THAT(last_.problem, HasSubstr("it is old; and the coordinator's machine has none to send: "
                                       "install CUDA's libraries here or there"));
  HostHas("fits");
  ASSERT_TRUE(Move(Take("program", false)));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
}

TEST_F(CodeLibraries, AreLinkedHereAndCopiedNowhere) {
  const std::string code = Take();
  const std::string here = CodeTree::FolderOfTree(folder_ / "code", code) + "/lib/" + kName;
  EXPECT_EQ(fs::read_symlink(here), folder_ / ("here/lib/" + std::string(kName)));
  const ListedCode listed = FilesOfCode(folder_ / "code", code);
  EXPECT_EQ(listed.files.size(), 2U);
  EXPECT_EQ(listed.libraries.at(std::string("lib/") + kName),
            fs::canonical(folder_ / ("here/lib/" + std::string(kName))));
}

TEST_F(CodeLibraries, ThatHaveChangedHereAreNoChangeOfTheSweepAndNotSent) {
  const std::string code = Take();
  Write(std::string("here/lib/") + kName, "fits \n" + std::string(kBytes + 1, 'x'));
  CodeSource source{.workdir = folder_.Path(), .code_folder = folder_ / "code", .never = {}};
  source.files = {{"ld-linux-x86-64.so.2", folder_ / "here/loader"},
                  {"ddl-trainer", folder_ / "here/trainer"}};
  source.libraries = {{std::string("lib/") + kName, folder_ / ("here/lib/" + std::string(kName))}};
  EXPECT_EQ(GoOnWithCode(source, code), 0);
  (void)Move(code, "store", 20);
  EXPECT_EQ(last_.stage, CodeStage::kRefused);
  EXPECT_THAT(last_.problem,
              HasSubstr(std::string(kName) + ", this machine's own, has changed since"));
}

}  // namespace code_libraries_test
}  // namespace ddl
