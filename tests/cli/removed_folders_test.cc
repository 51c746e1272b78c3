// SPDX-License-Identifier: Apache-2.0
// Folders that somebody removed: the host folder, before and during a run, and a sweep's workdir.
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace removed_folders_test {

namespace fs = std::filesystem;

// @ is the folder of the test: trials run in a copy of work/.
constexpr const char* kSpec = R"(
name: kept
command: [/bin/sh, @/work.sh, "${args_no_hyphens}"]
workdir: work
method: grid
metric: {name: loss, goal: minimize}
parallel: 1
parameters: {n: {values: [1, 2]}}
)";
// The first life of each trial tells its number and waits for as long as `waits` is there.
constexpr const char* kScript = R"(
echo "{\"loss\": ${1#n=}}"
[ ! -p @/up ] || [ -e "@/seen-$1" ] || { : > "@/seen-$1"; echo "$1" > @/up; read word < @/go; }
)";

class RemovedFolders : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    fs::create_directory(folder_ + "/work");
    Write("work.sh", Placed(kScript));
    spec_ = Write("kept.yaml", Placed(kSpec));
  }
  [[nodiscard]] std::string Placed(std::string text) const {
    for (std::size_t at = 0; (at = text.find('@', at)) != std::string::npos;)
      text.replace(at, 1, folder_);
    return text;
  }
  std::string Hear() {
    if (!up_) up_.emplace(folder_ + "/up");
    return up_->Line();
  }
  void Say() { std::ofstream(folder_ + "/go") << "on\n" << std::flush; }
  void ExpectBoth() {
    for (const char* trial : {"1", "2"}) {
      const Json shown = DdlJson({"show", trial});
      EXPECT_EQ(shown.at("trial").at("state"), "finished") << trial;
      EXPECT_EQ(shown.at("metrics").at(0).at("last"), trial[0] - '0');
    }
    EXPECT_EQ(Ddl({"store", "check"}).code, 0);
  }

  std::string spec_;
  std::optional<Ear> up_;
};

TEST_F(RemovedFolders, AHostFolderThatIsGoneCostsLogsOnly) {
  EXPECT_EQ(Ddl({"sweep", spec_}).code, 0);
  fs::remove_all(folder_ + "/host");
  EXPECT_NE(Ddl({"logs", "1"}).error.find("gone"), std::string::npos);
  EXPECT_EQ(Ddl({"gc", "--yes"}).code, 0);
  ExpectBoth();
  const Finished again = Ddl({"sweep", "--new", spec_});
  EXPECT_EQ(again.code, 0) << again.error;
  EXPECT_EQ(DdlJson({"show", "1"}).at("attempts").size(), 1U);
  ExpectBoth();
}

TEST_F(RemovedFolders, ATrialWhoseHostFolderIsRemovedBeginsAgain) {
  MakePipe("up");
  MakePipe("go");
  auto coordinator = Start({"sweep", spec_});
  EXPECT_EQ(Hear(), "n=1");
  fs::rename(folder_ + "/host", folder_ + "/trash");  // at once, unlike remove_all
  // Trial 1 begins again and ends; then trial 2 tells that it is there.
  EXPECT_EQ(Hear(), "n=2");
  Say();
  const Finished done = coordinator->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_NE((done.out + done.error).find("was removed and is made anew"), std::string::npos)
      << done.out << done.error;
  ExpectBoth();
  const Json attempts = DdlJson({"show", "1"}).at("attempts");
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_NE(attempts.at(0).at("detail").get<std::string>().find("was removed while it ran"),
            std::string::npos);
}

TEST_F(RemovedFolders, AWorkdirThatIsGoneIsSaidAndCanComeBack) {
  fs::rename(folder_ + "/work", folder_ + "/elsewhere");
  const Finished refused = Ddl({"sweep", spec_});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.error.find("workdir work is not a directory"), std::string::npos)
      << refused.error;
  fs::rename(folder_ + "/elsewhere", folder_ + "/work");
  EXPECT_EQ(Ddl({"sweep", spec_}).code, 0);
  ExpectBoth();
}

TEST_F(RemovedFolders, AWorkdirThatWasCopiedMayVanish) {
  MakePipe("up");
  MakePipe("go");
  auto coordinator = Start({"sweep", spec_});
  EXPECT_EQ(Hear(), "n=1");
  fs::rename(folder_ + "/work", folder_ + "/elsewhere");
  Say();
  EXPECT_EQ(Hear(), "n=2");
  Say();
  const Finished done = coordinator->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  ExpectBoth();
}

TEST_F(RemovedFolders, AWorkdirThatTrialsRunInFailsThemWhenItVanishes) {
  std::string in_place = Placed(kSpec);
  in_place.replace(in_place.find("workdir: work\n"), 14, "");
  spec_ = Write("work/kept.yaml", in_place);
  MakePipe("up");
  MakePipe("go");
  auto coordinator = Start({"sweep", spec_});
  EXPECT_EQ(Hear(), "n=1");
  fs::rename(folder_ + "/work", folder_ + "/elsewhere");
  Say();
  const Finished done = coordinator->Wait();
  EXPECT_EQ(done.code, 1) << done.error;
  const Json shown = DdlJson({"show", "2"});
  EXPECT_EQ(shown.at("trial").at("state"), "failed");
  EXPECT_NE(shown.at("trial").at("reason").get<std::string>().find("no such directory"),
            std::string::npos)
      << shown.at("trial").at("reason");
  fs::rename(folder_ + "/elsewhere", folder_ + "/work");
  fs::remove(folder_ + "/up");
  const Finished again = Ddl({"sweep", "--retry-failed", spec_});
  EXPECT_EQ(again.code, 0) << again.error;
  ExpectBoth();
}

}  // namespace removed_folders_test
}  // namespace ddl
