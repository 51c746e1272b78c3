// SPDX-License-Identifier: Apache-2.0
// What `ddl report` calls the best, which commands it shows, and what it writes where.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace report_command_test {

class ReportCommand : public RealDdl {
 protected:
  // Trial n reports n / 10 and ends with the n-th exit code.
  Finished Sweep(const std::string& name, const std::vector<int>& codes) {
    std::string script = "echo \"{\\\"loss\\\": 0.${1#n=}}\"\ncase $1 in\n";
    std::string numbers;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const std::string number = std::to_string(i + 1);
      script += "n=" + number + ") exit " + std::to_string(codes[i]) + ";;\n";
      numbers += (numbers.empty() ? "" : ", ") + number;
    }
    Write("trial.sh", script + "esac\n");
    return Ddl({"sweep", Write("s.yaml", "name: " + name +
                                             "\ncommand: [sh, trial.sh, \"${args_no_hyphens}\"]\n"
                                             "method: grid\nmetric: {name: loss, goal: minimize}\n"
                                             "resources: {cpus: 0.1}\nparameters: {n: {values: [" +
                                             numbers + "]}}\n")});
  }
};

TEST_F(ReportCommand, RanksNoTrialThatFailed) {
  EXPECT_EQ(Sweep("mixed", {3, 0, 0}).code, 1);
  const Json report = DdlJson({"report"});
  EXPECT_EQ(report.at("best").at("trial"), 2);
  ASSERT_EQ(report.at("trials").size(), 3U);
  EXPECT_EQ(report.at("trials").at(0).at("trial"), 2);
  EXPECT_EQ(report.at("trials").at(1).at("trial"), 3);
  EXPECT_EQ(report.at("trials").at(2).at("trial"), 1);
  EXPECT_EQ(DdlJson({"report", "-n", "1"}).at("trials").at(0).at("trial"), 2);
  const std::string text = Ddl({"report"}).out;
  EXPECT_TRUE(std::regex_search(text, std::regex("\n +1 +2 +0.2 "))) << text;
  EXPECT_TRUE(std::regex_search(text, std::regex("\n +- +1 +0.1 "))) << text;
  EXPECT_NE(text.find("loss 0.2 (trial 2)"), std::string::npos) << text;
  EXPECT_NE(Ddl({"report", "--best", "-"}).out.find("trial 2"), std::string::npos);
}

TEST_F(ReportCommand, HasNoBestWhereAllFailed) {
  EXPECT_EQ(Sweep("failed", {3, 3}).code, 1);
  EXPECT_TRUE(DdlJson({"report"}).at("best").is_null());
  EXPECT_NE(Ddl({"report"}).out.find("no trial has finished with a value of loss yet"),
            std::string::npos);
  const Finished refused = Ddl({"report", "--best", "-"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.out, "");
}

TEST_F(ReportCommand, NamesTheSweepInCommandsToCopyWhereItIsNotTheNewest) {
  EXPECT_EQ(Sweep("the old one", {3, 0}).code, 1);
  const std::string newest = Ddl({"report", "the old one"}).out;
  EXPECT_NE(newest.find("ddl report --best best.yaml\n"), std::string::npos) << newest;
  EXPECT_NE(newest.find("ddl logs 1\n"), std::string::npos) << newest;
  EXPECT_EQ(Sweep("new", {0}).code, 0);
  const std::string old = Ddl({"report", "the old one"}).out;
  EXPECT_NE(old.find("ddl report 'the old one' --best best.yaml\n"), std::string::npos) << old;
  EXPECT_NE(old.find("ddl logs 'the old one'/1\n"), std::string::npos) << old;
  const std::string there = Ddl({"report", "--store", folder_ + "/store"}).out;
  EXPECT_NE(there.find("ddl report --store " + folder_ + "/store --best best.yaml\n"),
            std::string::npos)
      << there;
}

TEST_F(ReportCommand, WritesOneThingToStandardOutput) {
  ASSERT_EQ(Sweep("one", {0}).code, 0);
  const std::string csv = Ddl({"report", "--csv", "-"}).out;
  EXPECT_TRUE(csv.starts_with("trial,configuration,")) << csv;
  EXPECT_EQ(std::ranges::count(csv, '\n'), 2) << csv;
  const std::string junit = Ddl({"report", "--junit", "-"}).out;
  EXPECT_TRUE(junit.ends_with("</testsuites>\n")) << junit;
  EXPECT_NE(Ddl({"report", "--csv", "all.csv"}).out.find("RANK"), std::string::npos);
  EXPECT_EQ(ReadText(folder_ + "/all.csv"), csv);
}

TEST_F(ReportCommand, RefusesTwoThingsOnStandardOutput) {
  ASSERT_EQ(Sweep("one", {0}).code, 0);
  for (const std::vector<std::string>& two :
       {std::vector<std::string>{"--csv", "-", "--junit", "-"},
        {"--best", "-", "--csv", "-"},
        {"--best", "-", "--json"},
        {"--csv", "-", "--json"}}) {
    std::vector<std::string> words{"report"};
    words.insert(words.end(), two.begin(), two.end());
    const Finished refused = Ddl(words);
    EXPECT_EQ(refused.code, 2) << two.front();
    EXPECT_EQ(refused.out, "") << two.front();
    EXPECT_NE(refused.error.find("would be mixed on standard output"), std::string::npos);
  }
}

using StoreOption = RealDdl;

TEST_F(StoreOption, MakesTheSameFolderWithASlashBehindIt) {
  for (const std::string ending : {"", "/", "//", "/."}) {
    const std::string folder = folder_ + "/store" + std::to_string(ending.size()) + ".d";
    std::filesystem::remove_all(folder);
    ASSERT_EQ(Ddl({"run", "--store", folder + ending, "--", "true"}).code, 0) << ending;
    struct stat status{};
    ASSERT_EQ(::stat(folder.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U) << ending;
  }
}

}  // namespace report_command_test
}  // namespace ddl
