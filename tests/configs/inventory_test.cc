// SPDX-License-Identifier: Apache-2.0
#include "configs/inventory.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/spec_difference.h"
#include "configs/spec_reader.h"

namespace ddl {
namespace inventory_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kFile = R"(hosts:
  gpu1: {address: "ssh://ann@10.0.0.7:2222", labels: [a100, fast], env: {PROXY: "http://p:1"}, setup: ["module load cuda/12"], cpus: 16, gpus: [0, 1], memory: 64GiB, parallel: 8}
  gpu2: {labels: [a100]}
  gpu3:
  local: {cpus: 8}
)";

Inventory Known() {
  return {ReadInventory(kFile, "hosts.yaml").hosts, {"hosts.yaml"}};
}

std::string WrongWith(const std::string& text) {
  try {
    (void)ReadInventory(text, "hosts.yaml");
  } catch (const Error& problem) {
    return problem.what();
  }
  return "nothing";
}

SweepSpec Spec(const std::string& hosts, const Inventory& inventory) {
  return ReadSpec(
             "command: [/bin/true]\nhosts: " + hosts + "\n",
             {.file_name = "s.yaml", .base_folder = "/", .overrides = {}, .inventory = inventory})
      .spec;
}

std::string WrongSpec(const std::string& hosts, const Inventory& inventory) {
  try {
    (void)Spec(hosts, inventory);
  } catch (const Error& problem) {
    return problem.what();
  }
  return "nothing";
}

// A folder with a project in it, and a user without any file of their own.
class Project : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "ddl-inventory-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ::setenv("XDG_CONFIG_HOME", (folder_ + "/config").c_str(), 1);
    std::filesystem::create_directories(folder_ + "/config/ddl");
    std::filesystem::create_directories(folder_ + "/project/specs/deep");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }
  std::string folder_;
};

TEST(Inventory, ReadsEveryKey) {
  const Inventory known = Known();
  const HostEntry* gpu1 = known.Named("gpu1");
  ASSERT_NE(gpu1, nullptr);
  EXPECT_EQ(gpu1->address, "ssh://ann@10.0.0.7:2222");
  EXPECT_THAT(gpu1->labels, ElementsAre("a100", "fast"));
  EXPECT_THAT(gpu1->setup, ElementsAre("module load cuda/12"));
  EXPECT_EQ(gpu1->env.front().second, "http://p:1");
  EXPECT_EQ(gpu1->cpus, 16);
  EXPECT_THAT(gpu1->gpus.value(), ElementsAre(0, 1));
  EXPECT_EQ(gpu1->memory_mib, 65536);
  EXPECT_EQ(gpu1->parallel, 8);
  EXPECT_EQ(HostEntryFromJson(ToJson(*gpu1)), *gpu1);
}

TEST(Inventory, TakesANameForWhatSshKnowsByIt) {
  EXPECT_EQ(Known().Named("gpu2")->address, "ssh://gpu2");
  EXPECT_EQ(Known().Named("gpu3")->address, "ssh://gpu3");
  EXPECT_EQ(Known().Named("local")->address, "local");
}

TEST(Inventory, SaysAllThatIsWrongWithItsPlace) {
  EXPECT_THAT(WrongWith("hosts:\n  a: {adress: x}\n"),
              HasSubstr("hosts.yaml:2:7: unknown key \"adress\" in a host; did you mean"));
  EXPECT_THAT(WrongWith("hosts:\n  a: {address: \"http://x\"}\n  b: {cpus: 0.5}\n"),
              HasSubstr("hosts.yaml:3:13: cpus must be a whole number, at least 1"));
  EXPECT_THAT(WrongWith("hosts: [a, b]\n"), HasSubstr("hosts must be a mapping"));
  EXPECT_THAT(WrongWith("host: {}\n"), HasSubstr("did you mean \"hosts\"?"));
  EXPECT_THAT(WrongWith("hosts:\n  \"ssh://a\": {}\n"), HasSubstr("cannot be the name of a host"));
  EXPECT_THAT(WrongWith("hosts:\n  a: {address: local}\n"), HasSubstr("local is this machine"));
  EXPECT_THAT(WrongWith("hosts:\n  a: {address: \"ssh://b\"}\n  b: {}\n"),
              HasSubstr("b has the address of a"));
  EXPECT_THAT(WrongWith("hosts:\n  a: {gpus: 2}\n"), HasSubstr("gpus must be a list"));
}

TEST(Inventory, AnEmptyFileHasNoHosts) {
  EXPECT_TRUE(ReadInventory("", "hosts.yaml").hosts.empty());
}

TEST(Inventory, NamesAndLabelsBecomeAddressesEachOnce) {
  const SweepSpec spec = Spec("[local, \"label:a100\", gpu1, \"ssh://other\"]", Known());
  EXPECT_THAT(spec.hosts,
              ElementsAre("local", "ssh://ann@10.0.0.7:2222", "ssh://gpu2", "ssh://other"));
  ASSERT_EQ(spec.inventory.size(), 3U);
  EXPECT_EQ(spec.inventory[1].name, "gpu1");
  EXPECT_EQ(ResolvedSpec(SpecFromJson(ResolvedSpec(spec))), ResolvedSpec(spec));
}

TEST(Inventory, WhatAnAddressIsSaidToBeHoldsHoweverItIsNamed) {
  const SweepSpec spec = Spec("[\"ssh://gpu2\"]", Known());
  ASSERT_EQ(spec.inventory.size(), 1U);
  EXPECT_EQ(spec.inventory[0].name, "gpu2");
}

TEST(Inventory, RefusesWhatItDoesNotKnowWithTheNearestName) {
  EXPECT_THAT(
      WrongSpec("[local, gpu11]", Known()),
      HasSubstr("s.yaml:2:16: unknown host \"gpu11\"; did you mean gpu1? (read: hosts.yaml)"));
  EXPECT_THAT(WrongSpec("[\"label:a10\"]", Known()),
              HasSubstr("no host for label:a10; did you mean a100?"));
  EXPECT_THAT(WrongSpec("[banana]", {}), HasSubstr("there is no hosts.yaml beside the spec"));
}

TEST(Inventory, ASweepWithoutOneIsWrittenAsBefore) {
  const Json resolved = ResolvedSpec(Spec("[local]", {}));
  EXPECT_FALSE(resolved.contains("inventory"));
  EXPECT_FALSE(resolved.contains("drained"));
}

TEST(Inventory, AChangeOfItIsNoOtherSweep) {
  Inventory changed = Known();
  changed.hosts[0].cpus = 4;
  const SpecDifference difference = DifferenceOf(Spec("[gpu1]", Known()), Spec("[gpu1]", changed));
  EXPECT_TRUE(difference.in_place);
  EXPECT_THAT(difference.text, HasSubstr("inventory: "));
}

TEST(Inventory, HasRulesForFailuresThatComeAfterTheSpecsOwn) {
  const InventoryReading reading =
      ReadInventory("failures: [{pattern: 'a+', then: drain-host}]\n", "hosts.yaml");
  Inventory inventory;
  inventory.failures = reading.failures;
  const SweepSpec spec =
      ReadSpec("command: [/bin/true]\nfailures: [{pattern: b, then: drain-gpu}]\n",
               {.file_name = "s.yaml", .base_folder = "/", .overrides = {}, .inventory = inventory})
          .spec;
  const std::vector<FailureRule> expected{{"b", FailureAction::kDrainGpu},
                                          {"a+", FailureAction::kDrainHost}};
  EXPECT_EQ(spec.failures, expected);
  EXPECT_EQ(SpecFromJson(ResolvedSpec(spec)).failures, expected);
}

TEST(Inventory, HasAWordForEachThatMayFollow) {
  for (const FailureAction action : kFailureActions) {
    const InventoryReading reading = ReadInventory(
        fmt::format("failures: [{{pattern: a, then: {}}}]\n", ToString(action)), "hosts.yaml");
    ASSERT_EQ(reading.failures.size(), 1U) << ToString(action);
    EXPECT_EQ(reading.failures[0].then, action);
    EXPECT_EQ(FailureRuleFromJson(ToJson(reading.failures[0])), reading.failures[0]);
  }
}

TEST(Inventory, RefusesRulesThatMeanNothing) {
  EXPECT_THAT(WrongWith("failures: [{pattern: '(', then: drain-gpu}]\n"),
              HasSubstr("hosts.yaml:1:22: the pattern cannot be read"));
  EXPECT_THAT(WrongWith("failures: [{pattern: a, then: larger-gpu}]\n"),
              HasSubstr("unknown action \"larger-gpu\"; write drain-gpu, drain-host, bigger-gpu, "
                        "give-up or try-again"));
  EXPECT_THAT(WrongWith("failures: [{pattern: a}]\n"), HasSubstr("has no then"));
}

TEST_F(Project, IsFoundBesideTheSpecAndAbove) {
  Write("project/hosts.yaml", "hosts: {near: }\n");
  const Inventory found = FindInventory(folder_ + "/project/specs/deep");
  EXPECT_THAT(found.files, ElementsAre(folder_ + "/project/hosts.yaml"));
  EXPECT_NE(found.Named("near"), nullptr);
}

TEST_F(Project, EndsAtTheFolderThatHoldsTheStore) {
  Write("hosts.yaml", "hosts: {above: }\n");
  std::filesystem::create_directories(folder_ + "/project/.ddl");
  EXPECT_TRUE(FindInventory(folder_ + "/project/specs").files.empty());
}

TEST_F(Project, WinsOverTheUsersOwnByName) {
  Write("project/hosts.yaml", "hosts:\n  a: {cpus: 1}\n");
  Write("config/ddl/hosts.yaml", "hosts:\n  a: {cpus: 2}\n  b: {cpus: 3}\n");
  const Inventory found = FindInventory(folder_ + "/project");
  EXPECT_EQ(found.Named("a")->cpus, 1);
  EXPECT_EQ(found.Named("b")->cpus, 3);
  EXPECT_EQ(found.files.size(), 2U);
}

TEST_F(Project, AFaultOfTheFileNamesTheFile) {
  Write("project/hosts.yaml", "hosts: {a: {cpu: 1}}\n");
  try {
    (void)FindInventory(folder_ + "/project");
    ADD_FAILURE() << "nothing was wrong";
  } catch (const Error& problem) {
    EXPECT_THAT(problem.what(), HasSubstr(folder_ + "/project/hosts.yaml:1:13: unknown key"));
  }
}

}  // namespace inventory_test
}  // namespace ddl
