// SPDX-License-Identifier: Apache-2.0
// `ddl ask` and `ddl tell`, killed at a system call, and then the same command again: a trial was
// given out with its number or was not, a value is told or is not, and the next trial is the one
// that a search which never stopped would have proposed.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/real_ddl.h"
#include "tests/faults/fault_table.h"

namespace ddl {

class KilledAskTell : public RealDdl {
 protected:
  static constexpr int kTold = 12;  // enough for tpe to learn from
  static constexpr long kNever = 1'000'000'000;

  void SetUp() override {
    RealDdl::SetUp();
    spec_ = Write("spec.yaml",
                  "name: outside\nmethod: tpe\nmetric: {name: loss, goal: minimize}\n"
                  "parameters: {x: {min: 0.0, max: 1.0}, y: {min: 0.0, max: 1.0}}\n");
    std::filesystem::create_directory(folder_ + "/before");
  }

  void AskAndTellSome() {
    const Json asked = DdlJson({"ask", spec_, "--count", std::to_string(kTold)});
    for (const Json& trial : asked.at("trials")) {
      const double x = trial.at("parameters").at("x").get<double>();
      ASSERT_EQ(Ddl({"tell", "outside", trial.at("number").dump(), std::to_string(x)}).code, 0);
    }
  }
  void Keep() { Copy(folder_ + "/store", folder_ + "/before"); }
  void BringBack() {
    std::filesystem::remove_all(folder_ + "/store");
    if (std::filesystem::exists(folder_ + "/before/store")) {
      Copy(folder_ + "/before/store", folder_);
    }
  }

  // The number of system calls that were seen.
  long KillAt(long n, const std::vector<std::string>& words) {
    const std::string binaries = DDL_BINARY_DIR;
    const std::string report = folder_ + "/report";
    std::filesystem::remove(report);
    std::vector<std::string> line{binaries + "/tests/kill_at", "coordinator", "1",
                                  std::to_string(n),           report,        binaries + "/ddl"};
    line.insert(line.end(), words.begin(), words.end());
    (void)StartProgram(std::move(line))->Wait();
    std::string what;
    long count = 0;
    std::ifstream(report) >> what >> count;
    return count;
  }
  // `points` system calls spread over the command's run from its first to its last, -1: each.
  // `check` runs the command again.
  template <class Check>
  void KillEverywhere(long points, const std::vector<std::string>& words, Check check) {
    const long all = KillAt(kNever, words);
    const long runs = points < 0 ? all : points;
    ASSERT_GT(all, 50);
    for (long i = 0; i < runs && !HasFailure(); ++i) {
      BringBack();
      const long n = 1 + i * (all - 1) / std::max(runs - 1, 1L);
      SCOPED_TRACE("system call " + std::to_string(n) + " of " + std::to_string(all));
      (void)KillAt(n, words);
      check();
    }
    FaultTally tally{.runs = runs, .lost = HasFailure() ? 1 : 0, .doubled = HasFailure() ? 1 : 0};
    AddToFaultTable("`ddl ask` or `ddl tell` killed",
                    "SIGKILL at its n-th system call; the same command again", tally);
  }

  std::vector<Json> NextTrials(int count) {
    std::vector<Json> trials;
    for (int i = 0; i < count; ++i)
      trials.push_back(DdlJson({"ask", spec_}).at("trials").at(0));
    return trials;
  }
  [[nodiscard]] Json Counts() {
    return DdlJson({"status", "outside"}).at("sweeps").at(0).at("counts");
  }

  void KillAsk(long points) {
    AskAndTellSome();
    Keep();
    ExpectTheNextTrials(points, kTold);
  }
  void KillTheFirstAsk(long points) { ExpectTheNextTrials(points, 0); }

  void KillTell(long points) {
    AskAndTellSome();
    ASSERT_EQ(Ddl({"ask", spec_}).code, 0);
    Keep();
    const std::vector<std::string> tell{"tell", "outside", std::to_string(kTold + 1), "0.5"};
    ASSERT_EQ(Ddl(tell).code, 0);
    const Json next = NextTrials(1).front();
    BringBack();
    int told_before = 0;
    int not_told = 0;
    KillEverywhere(points, tell, [&] {
      const Finished again = Ddl(tell);
      (again.code == 0 ? not_told : told_before) += 1;
      EXPECT_TRUE(again.code == 0 || again.error.find("has ended already") != std::string::npos)
          << again.code << again.error;
      const Json shown = DdlJson({"show", "outside/" + std::to_string(kTold + 1)});
      EXPECT_EQ(shown.at("trial").at("value"), 0.5);
      EXPECT_EQ(shown.at("metrics").at(0).at("reports"), 1);
      EXPECT_EQ(Counts().at("finished"), kTold + 1);
      EXPECT_EQ(NextTrials(1).front(), next);
      EXPECT_EQ(Ddl({"store", "check"}).code, 0);
    });
    EXPECT_GT(told_before, 0);
    EXPECT_GT(not_told, 0);
  }

  std::string spec_;

 private:
  void ExpectTheNextTrials(long points, int before) {
    const std::vector<Json> next = NextTrials(2);
    BringBack();
    int given_out = 0;
    int not_given = 0;
    KillEverywhere(points, {"ask", spec_}, [&] {
      const Json again = NextTrials(1).front();
      const bool is_second = again.at("number") == before + 2;
      (is_second ? given_out : not_given) += 1;
      EXPECT_EQ(again, next.at(is_second ? 1 : 0));
      EXPECT_EQ(Counts().at("running"), is_second ? 2 : 1);
      EXPECT_EQ(Counts().at("finished"), before);
      EXPECT_EQ(Ddl({"store", "check"}).code, 0);
    });
    EXPECT_GT(given_out, 0);
    EXPECT_GT(not_given, 0);
  }
  void Copy(const std::string& what, const std::string& into) {
    std::filesystem::remove_all(into + "/" + std::filesystem::path(what).filename().string());
    EXPECT_EQ(StartProgram({"/bin/cp", "-a", what, into})->Wait().code, 0);
  }
};

}  // namespace ddl
