// SPDX-License-Identifier: Apache-2.0
// What a sweep learns from another one, and from its table.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/reader.h"
#include "tests/cli/real_ddl.h"

namespace ddl {
namespace warm_start_sources_test {

// Two finish, one with no finite value, one fails, and one goes on until it is stopped.
constexpr const char* kScript = R"(#!/bin/sh
case ${1#x=} in
  1) echo '{"ppl": 0.5}' ;;
  2) echo '{"ppl": 0.25}' ;;
  3) echo '{"ppl": Infinity}' ;;
  4) exit 1 ;;
  5) echo '{"ppl": 50}'; exec cat never ;;
esac
)";

class WarmStartSources : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    Write("train.sh", kScript);
    (void)MakePipe("never");
    const std::string before =
        Write("before.yaml",
              "name: before\ncommand: [sh, train.sh, '${args_no_hyphens}']\nmethod: grid\n"
              "metric: {name: ppl, goal: minimize}\nretries: 0\nresources: {cpus: 0.1}\n"
              "early_terminate: {type: threshold, upper: 10}\n"
              "parameters: {x: {values: [1, 2, 3, 4, 5]}}\n");
    EXPECT_EQ(Ddl({"sweep", before}).code, 1) << "one failed";
    EXPECT_EQ(Ddl({"report", "before", "--csv", folder_ + "/before.csv"}).code, 0);
  }

  std::string SpecAfter(const std::string& name, const std::string& warm_start,
                        const std::string& parameters = "x: {min: 1, max: 20}") const {
    return Write(name + ".yaml", "name: " + name +
                                     "\nmethod: tpe\nmetric: {name: ppl, goal: minimize}\n"
                                     "run_cap: 9\nparameters: {" +
                                     parameters + "}\nwarm_start: {" + warm_start + "}\n");
  }
  Json WarmPointsOf(const std::string& name) const {
    const StoreReader reader = StoreReader::Open(folder_ + "/store");
    return ParseJson(reader.SpecJson(reader.Sweep(name).value().id), name).at("warm_points");
  }
};

TEST_F(WarmStartSources, TellTheSameOfFinishedPrunedAndFailedTrials) {
  const Json all = ParseJson(
      R"([[{"x": 1}, [0.5]], [{"x": 2}, [0.25]], [{"x": 4}, [], "failed"], [{"x": 5}, [50], "pruned"]])",
      "expected");
  for (const char* source : {"sweep: before", "file: before.csv"}) {
    const std::string name = std::string("from-") + source[0];
    const Finished asked = Ddl({"ask", SpecAfter(name, source)});
    EXPECT_EQ(asked.code, 0) << asked.error;
    EXPECT_NE(asked.error.find("learns from 4 of 4 results of"), std::string::npos) << asked.error;
    EXPECT_EQ(WarmPointsOf(name), all) << source;
    EXPECT_EQ(Ddl({"ask", folder_ + "/" + name + ".yaml"}).code, 0) << "the store can be read";
  }
}

TEST_F(WarmStartSources, RankFinishedTrialsFirstAndThenPrunedOnes) {
  const Json best = ParseJson(
      R"([[{"x": 1}, [0.5]], [{"x": 2}, [0.25]], [{"x": 5}, [50], "pruned"]])", "expected");
  for (const char* source : {"sweep: before, limit: 3", "file: before.csv, limit: 3"}) {
    const std::string name = std::string("best-") + source[0];
    EXPECT_NE(Ddl({"ask", SpecAfter(name, source)}).error.find("learns from 3 of 4 results of"),
              std::string::npos);
    EXPECT_EQ(WarmPointsOf(name), best) << source;
  }
}

TEST_F(WarmStartSources, AreRefusedWhereNothingFits) {
  for (const char* source : {"sweep: before", "file: before.csv"}) {
    const Finished asked = Ddl({"ask", SpecAfter("none", source, "x: {min: 10, max: 20}")});
    EXPECT_EQ(asked.code, 2);
    EXPECT_NE(asked.error.find("none of 4 results of"), std::string::npos) << asked.error;
  }
}

}  // namespace warm_start_sources_test
}  // namespace ddl
